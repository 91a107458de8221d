"""An MLP as one node of autograd against the same layers one by one, in float64."""

import copy

import pytest
import torch
from torch import nn

from ttrec_cli.config import Optimizer, Precision
from ttrec_cli.dlrm.mlp import MLP
from ttrec_cli.dlrm.model import make_mlp
from ttrec_cli.dlrm.optimizers import mlp_optimizers

WIDTHS = [(13, 32, 7, 1), (5, 3), (1, 1, 1)]


def mlp_of(widths: tuple[int, ...], last_relu: bool) -> MLP:
    return make_mlp(widths, torch.Generator().manual_seed(len(widths)), last_relu=last_relu)


def one_by_one(mlp: MLP) -> nn.Sequential:
    return nn.Sequential(*copy.deepcopy(list(mlp))).double()


def batch_of(widths: tuple[int, ...], samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(samples, widths[0], requires_grad=True), torch.randn(samples, widths[-1])


def assert_close(found: torch.Tensor, expected: torch.Tensor, name: str) -> None:
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5, msg=lambda text: f"{name}: {text}")


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("last_relu", [True, False])
@pytest.mark.parametrize("samples", [1, 31])
def test_outputs_and_all_gradients(widths: tuple[int, ...], last_relu: bool, samples: int) -> None:
    mlp = mlp_of(widths, last_relu)
    plain, (inputs, above) = one_by_one(mlp), batch_of(widths, samples)
    wide = inputs.detach().double().requires_grad_()
    out, expected = mlp(inputs), plain(wide)
    assert len(out.grad_fn.next_functions) == 1 + len(list(mlp.parameters())), "not one node"
    assert_close(out, expected, "outputs")
    out.backward(above)
    expected.backward(above.double())
    assert_close(inputs.grad, wide.grad, "inputs")
    for (name, found), wanted in zip(mlp.named_parameters(), plain.parameters(), strict=True):
        assert_close(found.grad, wanted.grad, name)


@pytest.mark.parametrize("last_relu", [True, False])
def test_sgd_within_backward_is_sgd_after_it(last_relu: bool) -> None:
    widths = (13, 32, 7, 1)
    mlp = mlp_of(widths, last_relu)
    plain = one_by_one(mlp)
    assert mlp_optimizers([mlp], Optimizer.SGD, 0.3, Precision.FP32) == []
    sgd = torch.optim.SGD(plain.parameters(), lr=0.3)
    for _ in range(5):
        inputs, above = batch_of(widths, 9)
        wide = inputs.detach().double().requires_grad_()
        mlp(inputs).backward(above)
        sgd.zero_grad()
        plain(wide).backward(above.double())
        sgd.step()
        assert_close(inputs.grad, wide.grad, "inputs")
    for (name, found), wanted in zip(mlp.named_parameters(), plain.parameters(), strict=True):
        assert found.grad is None
        assert_close(found, wanted, name)


def test_inputs_without_a_gradient_and_gradients_left_as_they_came() -> None:
    mlp = mlp_of((13, 8, 4), last_relu=True)
    above = torch.randn(6, 4)
    kept = above.clone()
    mlp(torch.randn(6, 13)).backward(above)
    assert torch.equal(above, kept)


@pytest.mark.parametrize(("kind", "precision"), [(Optimizer.ADAGRAD, Precision.FP32), (Optimizer.SGD, Precision.BF16)])
def test_other_optimisers_and_precisions_step_after_the_backward_pass(kind: Optimizer, precision: Precision) -> None:
    mlp = mlp_of((13, 8, 4), last_relu=True)
    (optimizer,) = mlp_optimizers([mlp], kind, 0.1, precision)
    before = mlp[0].weight.detach().clone()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == Precision.BF16):
        out = mlp(torch.rand(6, 13))
    out.float().sum().backward()
    assert torch.equal(mlp[0].weight, before)
    optimizer.step()
    assert not torch.equal(mlp[0].weight, before)


def test_nothing_goes_untrained() -> None:
    mlp = mlp_of((13, 8, 4), last_relu=True)
    mlp_optimizers([mlp], Optimizer.SGD, 0.1, Precision.FP32)
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(ValueError, match="SGD within the backward pass"):
        mlp(torch.rand(6, 13))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert mlp(torch.rand(6, 13)).dtype == torch.bfloat16
