"""Studies of our own that the paper lacks: the memory–quality plane, without a verdict on the paper."""

from ttrec_cli.paper.finding import Finding
from ttrec_cli.paper.training import Study
from ttrec_cli.pareto import Metric, analyse
from ttrec_cli.report.picture import make_picture
from ttrec_cli.report.tables import frontier_table


def own_study(study: Study) -> Finding:
    """The plane of log-loss and bytes, and the frontier with paired intervals to the uncompressed model."""
    analysis = analyse(study.groups[0], Metric.LOGLOSS)
    return Finding(
        pictures=(make_picture(analysis),),
        tables=(frontier_table(analysis),),
        notes=(analysis.answer.sentence, "The paper has no such study, so there is nothing to compare with."),
    )
