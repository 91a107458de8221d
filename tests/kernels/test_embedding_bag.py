"""TTEmbeddingBag is nn.EmbeddingBag of the table it stands for: outputs, gradients and refusals."""

import pytest
import torch
from contracts.lookup_contract import fresh_generator
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ttrec_kernels import (
    BackendError,
    BagError,
    FusedAdagrad,
    FusedSGD,
    IndexRangeError,
    ShapeError,
    TTEmbeddingBag,
    TTShape,
    UnsupportedError,
    reconstructed_rms,
)

F64 = torch.float64
ROWS, DIM = 23, 6
SHAPE = TTShape(ROWS, DIM, (2, 4, 3), (3, 1, 2), (1, 4, 3, 1))


def make_bag(**options):
    return TTEmbeddingBag(ROWS, DIM, shape=SHAPE, **options)


@st.composite
def bags(draw):
    """Arguments of a module and of one call, in every form that nn.EmbeddingBag takes."""
    options = {
        "mode": draw(st.sampled_from(["sum", "mean"])),
        "padding_idx": draw(st.none() | st.integers(-ROWS, ROWS - 1)),
    }
    index = st.integers(0, ROWS - 1) | st.just((options["padding_idx"] or 0) % ROWS)
    if draw(st.booleans()):
        width = draw(st.integers(1, 4))
        lines = draw(st.lists(st.lists(index, min_size=width, max_size=width), max_size=6))
        indices, offsets = torch.tensor(lines, dtype=torch.int64).view(-1, width), None
    else:
        sizes = draw(st.lists(st.integers(0, 4), max_size=6))
        options["include_last_offset"] = draw(st.booleans())
        ends = torch.tensor([0, *sizes]).cumsum(0)
        total = int(ends[-1])
        indices = torch.tensor(draw(st.lists(index, min_size=total, max_size=total)), dtype=torch.int64)
        offsets = ends if options["include_last_offset"] else ends[:-1]
    if draw(st.booleans()):
        indices = indices.int()
    if offsets is not None and draw(st.booleans()):
        offsets = offsets.int()
    weighted = options["mode"] == "sum" and draw(st.booleans())
    return options, indices, offsets, weighted, draw(st.integers(0, 2**32 - 1))


@settings(deadline=None, max_examples=150)
@given(bags())
def test_equals_torch_on_the_table_it_stands_for(inputs):
    options, indices, offsets, weighted, seed = inputs
    torch.manual_seed(seed)
    ours = make_bag(**options, dtype=F64)
    table = ours.to_dense()
    theirs = nn.EmbeddingBag.from_pretrained(table.detach(), freeze=False, **options)
    weights = torch.randn(indices.shape, dtype=F64, requires_grad=True) if weighted else None

    output = ours(indices, offsets, per_sample_weights=weights)
    same_width = offsets if offsets is None else offsets.to(indices.dtype)
    expected = theirs(indices, same_width, per_sample_weights=weights)
    torch.testing.assert_close(output, expected)

    upstream = torch.randn_like(expected)
    leaves = [*ours.cores, *([weights] if weighted else [])]
    found = torch.autograd.grad(output, leaves, upstream, allow_unused=True, materialize_grads=True)
    table_gradient, *weight_gradient = torch.autograd.grad(
        expected, [theirs.weight, *([weights] if weighted else [])], upstream
    )
    through_table = torch.autograd.grad(table, list(ours.cores), table_gradient)
    labels = [f"core {k}" for k in range(SHAPE.cores)] + ["per_sample_weights"]
    for label, one, other in zip(labels, found, (*through_table, *weight_gradient), strict=False):
        torch.testing.assert_close(one, other, msg=lambda text, label=label: f"gradient of {label}: {text}")


def test_trailing_lookups_belong_to_no_bag():
    """torch counts them in the last mean (their sum, divided by 3 here); the definition does not."""
    bag = make_bag(include_last_offset=True)
    found = bag(torch.tensor([1, 2, 3, 4]), torch.tensor([0, 1, 3]))
    torch.testing.assert_close(found[1], bag.to_dense()[2:4].mean(0))


def test_bags_of_no_lookups_are_zeros():
    assert torch.equal(make_bag()(torch.zeros(3, 0, dtype=torch.int64)), torch.zeros(3, DIM))


def test_a_training_step_touches_what_it_should():
    bag = make_bag(mode="sum")
    optimizer = torch.optim.SGD(bag.parameters(), lr=0.1)
    before = [core.detach().clone() for core in bag.cores]
    bag(torch.tensor([[0]])).sum().backward()
    optimizer.step()
    for core, old in zip(bag.cores, before, strict=True):
        changed = (core != old).flatten(1).any(1)
        assert changed.tolist() == [True] + [False] * (len(old) - 1)


def test_default_shape_is_the_smallest_one():
    bag = TTEmbeddingBag(1000, 16, rank=4)
    assert bag.shape.ranks == (1, 4, 4, 1)
    assert [tuple(core.shape) for core in bag.cores] == list(bag.shape.core_shapes)
    assert TTEmbeddingBag(1000, 16, rank=(4, 5, 6)).shape.ranks == (1, 4, 5, 6, 1)


def test_new_cores_are_calibrated():
    rms = reconstructed_rms(list(TTEmbeddingBag(1000, 16, rank=16).cores))
    assert rms == pytest.approx((3 * 1000) ** -0.5, rel=1e-6)


def test_seeded_by_torch():
    torch.manual_seed(5)
    one = make_bag()
    torch.manual_seed(5)
    assert torch.equal(one.to_dense(), make_bag().to_dense())


def test_state_dict_keys_are_stable():
    bag = make_bag()
    assert list(bag.state_dict()) == ["cores.0", "cores.1", "cores.2"]
    other = make_bag()
    other.load_state_dict(bag.state_dict())
    assert torch.equal(bag.to_dense(), other.to_dense())


def test_repr_tells_the_shape():
    assert repr(make_bag(padding_idx=-1)) == (
        "TTEmbeddingBag(\n"
        "  23, 6, row_factors=(2,4,3), dim_factors=(3,1,2), ranks=(1,4,3,1), mode=mean, padding_idx=22\n"
        "  (cores): " + repr(make_bag().cores).replace("\n", "\n  ") + "\n)"
    )


@pytest.mark.parametrize("index", [-1, ROWS, 2**40])
def test_index_out_of_range(index):
    with pytest.raises(
        IndexRangeError, match=rf"index {index} lies outside table TTEmbeddingBag, which has 23 rows \(0 … 22\)"
    ):
        make_bag()(torch.tensor([[3, index]]))


def test_the_padding_of_the_cores_is_out_of_range():
    assert SHAPE.padded_rows > ROWS
    with pytest.raises(IndexRangeError):
        make_bag()(torch.tensor([[SHAPE.padded_rows - 1]]))


INDICES = torch.tensor([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((INDICES,), "1-D indices need offsets"),
        ((INDICES.float(), torch.tensor([0])), "indices must be int32 or int64, but are torch.float32"),
        ((INDICES, torch.tensor([0.0])), "offsets must be int32 or int64"),
        ((INDICES, torch.tensor([1, 2])), "offsets must begin with 0, but begin with 1"),
        ((INDICES, torch.tensor([0, 3, 2, 4])), "but are 3, 2 at positions 1 and 2"),
        ((INDICES, torch.tensor([0, 9])), "at most the 4 indices given, but are 9, 4"),
        ((INDICES, torch.tensor([[0]])), "offsets must have 1 dimension, but have 2"),
        ((INDICES.view(2, 2), torch.tensor([0])), "offsets must be None"),
        ((INDICES.view(1, 2, 2), None), "1 or 2 dimensions, but have 3"),
        ((INDICES, torch.tensor([0]), torch.ones(3)), "must have the shape of indices"),
        ((INDICES, torch.tensor([0]), torch.ones(4, dtype=F64)), "must be torch.float32 like the cores"),
    ],
)
def test_what_describes_no_bags_is_refused(arguments, message):
    with pytest.raises(BagError, match=message):
        make_bag(mode="sum")(*arguments)


def test_last_offset_that_is_not_there():
    bag = make_bag(include_last_offset=True)
    with pytest.raises(BagError, match="at least the last one"):
        bag(INDICES, torch.tensor([], dtype=torch.int64))
    with pytest.raises(BagError, match="but are 1, 6 at positions 1 and 2"):
        bag(INDICES, torch.tensor([0, 1, 6]))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "max"}, UnsupportedError, "mode='max' is not supported"),
        ({"mode": "median"}, UnsupportedError, "mode must be one of sum, mean, but is 'median'"),
        ({"backend": "cuda"}, BackendError, "backend 'cuda' needs a CUDA device, and torch sees none"),
        ({"backend": "tpu"}, UnsupportedError, "backend must be one of auto, reference, cpu, cuda"),
        ({"padding_idx": ROWS}, BagError, "padding_idx must lie in -23 … 22, but is 23"),
    ],
)
def test_unsupported_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        make_bag(**options)


def test_weighted_mean_is_refused():
    with pytest.raises(UnsupportedError, match="mode='sum' only, but mode is 'mean'"):
        make_bag()(torch.tensor([[1, 2]]), per_sample_weights=torch.ones(1, 2))


def test_a_shape_of_another_table_is_refused():
    with pytest.raises(ShapeError, match="of a table of 23 × 6, but the embedding is 24 × 6"):
        TTEmbeddingBag(24, 6, shape=SHAPE)


def test_auto_is_compiled_for_float32_and_the_reference_for_float64():
    generator = fresh_generator()
    indices = torch.randint(ROWS, (7, 3), generator=generator)
    for dtype in (torch.float32, torch.float64):
        auto = make_bag(dtype=dtype)
        reference = make_bag(dtype=dtype, backend="reference")
        reference.load_state_dict(auto.state_dict())
        torch.testing.assert_close(auto(indices), reference(indices))


def test_the_compiled_backend_does_not_pretend_to_float64():
    bag = make_bag(dtype=torch.float64, backend="cpu")
    with pytest.raises(BackendError, match=r"'cpu' looks up float32 on the CPU, but the weights are torch.float64"):
        bag(torch.tensor([[1]]))


def test_a_fused_optimizer_needs_compiled_kernels():
    bag = make_bag(fused_optimizer=FusedSGD(0.1), backend="reference")
    with pytest.raises(UnsupportedError, match="a fused optimiser needs compiled kernels"):
        bag(torch.tensor([[1]]))


@pytest.mark.parametrize(
    ("fused", "make_plain"),
    [
        (FusedSGD(0.1), lambda cores: torch.optim.SGD(cores, lr=0.1)),
        (FusedAdagrad(0.1, 1e-8), lambda cores: torch.optim.Adagrad(cores, lr=0.1, eps=1e-8)),
    ],
    ids=["sgd", "adagrad"],
)
def test_fifty_fused_steps_equal_the_plain_optimizer(fused, make_plain):
    """The same weights within rounding, the learning rate halved on the way."""
    generator = fresh_generator()
    bag, plain = make_bag(fused_optimizer=fused), make_bag()
    plain.load_state_dict(bag.state_dict(), strict=False)
    optimizer = make_plain(plain.parameters())
    for step in range(50):
        if step == 25:
            bag.learning_rate = optimizer.param_groups[0]["lr"] = 0.05
        indices = torch.randint(ROWS, (6, 4), generator=generator)
        target = torch.randn(6, bag.embedding_dim, generator=generator)
        for module in (bag, plain):
            optimizer.zero_grad()
            (module(indices) - target).square().mean().backward()
        optimizer.step()
    for fused_core, core in zip(bag.cores, plain.cores, strict=True):
        assert fused_core.grad is None
        torch.testing.assert_close(fused_core, core, rtol=1e-3, atol=1e-4)


def test_indices_changed_before_the_backward_pass_are_noticed():
    bag = TTEmbeddingBag(100, 8, rank=2, mode="sum")
    indices = torch.arange(6).view(3, 2)
    total = bag(indices).sum()
    indices += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()
