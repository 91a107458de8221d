"""The models of `bench step`: yardsticks train the same function, share memory, and parts add up to the step."""

import numpy as np
import pytest
import torch

from ttrec_cli.bench.step import StepSetting, made_up_log, time_steps
from ttrec_cli.bench.step_models import dense_weights, trained_dlrm, trained_plain
from ttrec_cli.bench.step_parts import part_times
from ttrec_cli.bench.step_work import mlps_work, step_work
from ttrec_cli.bench.work import dense_work
from ttrec_cli.config import ModelConfig, Precision
from ttrec_cli.planning import ModelTable, plan_tables
from ttrec_kernels import TablePlan

CPU = torch.device("cpu")
TABLES = (ModelTable("a", 30), ModelTable("b", 500), ModelTable("c", 7))
SMALL = ModelConfig(bottom_mlp=(8,), top_mlp=(6,))
SETTING = StepSetting(TABLES, CPU, dim=4, batches=(16,), model=SMALL)


def plans(largest: int) -> tuple[TablePlan, ...]:
    return plan_tables([t.name for t in TABLES], [t.rows for t in TABLES], 4, 2, largest)


def test_the_plain_model_computes_what_ours_does_from_the_same_memory() -> None:
    ours = trained_dlrm("dense", plans(0), SMALL, CPU, Precision.FP32)
    plain = trained_plain(dense_weights(ours.model.get_submodule("embedding"), TABLES), SMALL, CPU)
    batch = made_up_log(SETTING).part(slice(0, 16))
    offsets = torch.arange(16)
    logits = ours.model(batch.dense, batch.sparse)
    chances = plain.model(batch.dense, batch.sparse.T.long(), offsets)
    torch.testing.assert_close(torch.sigmoid(logits), chances)
    table = ours.model.get_submodule("embedding").get_parameter("dense_weight")
    before = table.detach().clone()
    plain.step(batch)
    assert not torch.equal(before, table.detach())
    touched = (before != table.detach()).any(dim=1).nonzero().flatten().tolist()
    starts = np.cumsum([0, *(t.rows for t in TABLES[:-1])])
    assert set(touched) <= set((batch.sparse.numpy() + starts).ravel().tolist())


@pytest.mark.parametrize("name", ["tt", "plain"])
def test_parts_add_up_to_the_step_and_hooks_are_gone(name: str) -> None:
    ours = trained_dlrm("tt", plans(name == "tt"), SMALL, CPU, Precision.FP32)
    plain = () if name == "tt" else dense_weights(ours.model.get_submodule("embedding"), TABLES)
    trained = trained_plain(plain, SMALL, CPU) if plain else ours
    log = made_up_log(SETTING)
    found = part_times(trained, lambda number: log.part(slice(0, 16)), CPU)
    all_parts = {"data_ms", "lookups_ms", "mlps_ms", "interaction_ms", "loss_ms", "backward_ms", "optimizer_ms"}
    # Our SGD is taken within the backward pass.
    assert set(found) == all_parts - ({"optimizer_ms"} if name == "tt" else set())
    assert all(value > 0 for value in found.values())
    assert all(not module._forward_hooks for module in trained.model.modules())
    assert all(not optimizer._optimizer_step_post_hooks for optimizer in trained.optimizers)


def test_work_is_that_of_a_count_by_hand() -> None:
    # bottom 13·8 + 8·4, top (6 + 4)·6 + 6·1; the first layer's input takes no gradient
    weights, biases = 13 * 8 + 8 * 4 + 10 * 6 + 6, 8 + 4 + 6 + 1
    alone = mlps_work(SMALL, tables=3, dim=4, batch=5)
    assert alone.flops == 2 * 5 * (3 * weights - 13 * 8)
    assert alone.bytes == 4 * (3 * (weights + biases) + 5 * (13 + 4 + 1))
    indices = np.array([[1, 2, 3], [1, 4, 5]])
    whole = step_work(SMALL, plans(0), [indices])
    tables = [dense_work(4, [indices[:, k : k + 1]], train=True) for k in range(3)]
    assert whole.flops == mlps_work(SMALL, 3, 4, 2).flops + 3 * 2 * 2 * 6 * 4
    assert whole.bytes == mlps_work(SMALL, 3, 4, 2).bytes + sum(work.bytes for work in tables)


def test_a_case_that_is_not_asked_for_leaves_its_ratios_empty() -> None:
    result = time_steps(StepSetting(TABLES, CPU, 4, (2,), (1,), (4,), 1.1, model=SMALL, cases=("tt",)), 0.01)
    (case,) = result.cases
    assert (case["name"], case["largest"], case["over_dense"], case["over_mlp"]) == ("tt", 1, None, None)


def test_kaggle_counts_what_the_issue_counts() -> None:
    """2.8 MFLOP a sample for the Kaggle MLPs."""
    assert mlps_work(ModelConfig(), 26, 16, 128).flops / 128 == pytest.approx(2.8e6, rel=0.05)
