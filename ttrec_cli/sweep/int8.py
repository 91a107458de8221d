"""A trained model with its tables rounded to int8: what it predicts then is what counts."""

from dataclasses import replace

from torch import nn

from ttrec_cli.dlrm.training import Batches, CurvePoint, Schedule, evaluate
from ttrec_kernels.embedding_tables import EmbeddingTables
from ttrec_kernels.quantize import round_tables


def int8_point(model: nn.Module, batches: Batches, schedule: Schedule, last: CurvePoint) -> CurvePoint:
    """The end of the learning curve with the metrics of the rounded model; `model` is rounded in place."""
    embedding = getattr(model, "embedding", None)
    if not isinstance(embedding, EmbeddingTables):
        raise TypeError(f"a trial's embedding is EmbeddingTables, but this is {type(embedding).__name__}")
    round_tables(embedding)
    return replace(
        last,
        validation=evaluate(model, batches("validation", schedule.test_batch_size)),
        test=evaluate(model, batches("test", schedule.test_batch_size)),
    )
