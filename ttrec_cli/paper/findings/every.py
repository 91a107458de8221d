"""Which finding belongs to which item."""

from collections.abc import Callable, Mapping
from typing import Any

from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.findings.beyond import own_study
from ttrec_cli.paper.findings.caching import figure_ten_size, figure_ten_warmup
from ttrec_cli.paper.findings.density import figure_three
from ttrec_cli.paper.findings.hot_rows import figure_nine
from ttrec_cli.paper.findings.initials import figure_five_c, table_one
from ttrec_cli.paper.findings.lookups import figure_eight, figure_eleven, figure_twelve
from ttrec_cli.paper.findings.ranks import figure_five_a, figure_five_b, figure_one
from ttrec_cli.paper.findings.sizes import figure_six, table_two
from ttrec_cli.paper.findings.steps import figure_seven
from ttrec_cli.paper.training import Study

OF_BENCH: Mapping[str, Callable[[Mapping[str, Any]], Finding]] = {
    "table2_shapes": table_two,
    "fig03_init_density": figure_three,
    "fig06_model_size": figure_six,
    "fig07_training_time": figure_seven,
    "fig08_kernel_efficiency": figure_eight,
    "fig09_hot_rows": figure_nine,
    "fig11_pooling": figure_eleven,
    "fig12_hit_rate": figure_twelve,
}
OF_STUDY: Mapping[str, Callable[[Study], Finding]] = {
    "table1_init_uncompressed": table_one,
    "fig01_design_space": figure_one,
    "fig05a_rank_by_tables": figure_five_a,
    "fig05b_rank_by_tables": figure_five_b,
    "fig05c_init": figure_five_c,
    "fig10_cache_size": figure_ten_size,
    "fig10_warmup": figure_ten_warmup,
}


def finding_of_study(name: str, study: Study) -> Finding | None:
    """What a study came to; None until all its trials are through, because a trend over some of its trials is none.

    Studies that the paper does not have are shown without a verdict.
    """
    if not study.is_settled or not study.groups:
        return None
    return OF_STUDY.get(name, own_study)(study)
