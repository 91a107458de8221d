"""TTEmbeddingBag and TTEmbedding behave like torch's own modules wherever a module is used."""

import copy
import warnings

import pytest
import torch
from torch import nn

from ttrec_kernels import BagError, IndexRangeError, TTEmbedding, TTEmbeddingBag, TTShape

ROWS, DIM = 1000, 8
BAG = (torch.tensor([1, 5, 999, 5, 0]), torch.tensor([0, 2, 2]))
IDS = (torch.tensor([[1, 5, 999], [5, 0, 3]]),)
MODULES = [pytest.param(TTEmbeddingBag, BAG, id="bag"), pytest.param(TTEmbedding, IDS, id="embedding")]


def make(kind: type[nn.Module], **options: object) -> nn.Module:
    torch.manual_seed(0)
    return kind(ROWS, DIM, rank=4, **options)


class Model(nn.Module):
    """An embedding with something behind it, as in any model."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = nn.Linear(DIM, 1)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(*inputs))


def test_embedding_is_a_lookup_of_its_table() -> None:
    embedding = make(TTEmbedding, padding_idx=-1)
    assert embedding.padding_idx == ROWS - 1
    dense = embedding.to_dense().detach()
    dense[ROWS - 1] = 0
    for ids in (*IDS, torch.tensor(7), torch.zeros(0, dtype=torch.int32), torch.zeros(2, 1, 3, dtype=torch.int64)):
        expected = nn.functional.embedding(ids, dense)
        assert embedding(ids).shape == expected.shape
        torch.testing.assert_close(embedding(ids), expected)


def test_padding_gives_no_gradient() -> None:
    embedding = make(TTEmbedding, padding_idx=5)
    embedding(torch.tensor([5, 5])).sum().backward()
    assert all(core.grad is None or not core.grad.any() for core in embedding.cores)
    embedding(torch.tensor([5, 6])).sum().backward()
    assert all(core.grad.any() for core in embedding.cores)


def test_refusals_name_the_rule() -> None:
    with pytest.raises(IndexRangeError, match=r"index 1000 lies outside table TTEmbedding"):
        make(TTEmbedding)(torch.tensor([1000]))
    with pytest.raises(BagError, match="int32 or int64"):
        make(TTEmbedding)(torch.tensor([1.0]))
    with pytest.raises(BagError, match="padding_idx"):
        make(TTEmbedding, padding_idx=ROWS)


def test_repr_says_size_and_shape() -> None:
    assert "1000, 8, row_factors=" in repr(make(TTEmbedding, padding_idx=3))


@pytest.mark.parametrize(("kind", "inputs"), MODULES)
class TestModule:
    """What torch offers around a module."""

    def test_state_dict_round_trip(self, kind, inputs, tmp_path) -> None:
        module, other = make(kind), kind(ROWS, DIM, rank=4)
        assert list(module.state_dict()) == ["cores.0", "cores.1", "cores.2"]
        torch.save(module.state_dict(), tmp_path / "state.pt")
        other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        assert torch.equal(other(*inputs), module(*inputs))
        with pytest.raises(RuntimeError, match="size mismatch"):
            kind(ROWS, DIM, rank=5).load_state_dict(module.state_dict())

    def test_a_whole_module_can_be_pickled(self, kind, inputs, tmp_path) -> None:
        module = make(kind)
        torch.save(module, tmp_path / "module.pt")
        assert torch.equal(torch.load(tmp_path / "module.pt", weights_only=False)(*inputs), module(*inputs))

    def test_deepcopy_shares_nothing(self, kind, inputs) -> None:
        module = make(kind)
        twin = copy.deepcopy(module)
        before = module(*inputs).detach()
        with torch.no_grad():
            twin.cores[0].zero_()
        assert torch.equal(module(*inputs), before)
        assert not twin(*inputs).any()

    def test_to_another_dtype_and_device(self, kind, inputs) -> None:
        module = make(kind).to(torch.float64)
        assert module(*inputs).dtype == torch.float64
        assert module.to("meta").cores[0].device.type == "meta"
        empty = kind(ROWS, DIM, rank=4).to_empty(device="cpu")
        empty.load_state_dict(make(kind).state_dict())
        assert torch.equal(empty(*inputs), make(kind)(*inputs))

    def test_bfloat16_is_near_float32(self, kind, inputs) -> None:
        module = make(kind)
        torch.testing.assert_close(
            copy.deepcopy(module).bfloat16()(*inputs).float(), module(*inputs), rtol=0.1, atol=1e-3
        )

    def test_compile_gives_the_same_values_and_gradients(self, kind, inputs) -> None:
        plain, model = Model(make(kind)), Model(make(kind))
        model.load_state_dict(plain.state_dict())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler itself
            compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
            torch.testing.assert_close(compiled(*inputs), plain(*inputs))
            compiled(*inputs).sum().backward()
        plain(*inputs).sum().backward()
        for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad)

    def test_export_serves_any_number_of_lookups(self, kind, inputs) -> None:
        model = Model(make(kind)).eval()
        lookups = torch.export.Dim("lookups", min=2, max=10**6)
        bags = torch.export.Dim("bags", min=2, max=10**6)
        dynamic = ({0: lookups}, {0: bags}) if kind is TTEmbeddingBag else ({0: lookups},)
        exported = torch.export.export(model, inputs, dynamic_shapes={"inputs": dynamic}).module()
        torch.testing.assert_close(exported(*inputs), model(*inputs))
        more = (
            (torch.arange(50_000) % ROWS, torch.arange(0, 50_000, 10))
            if kind is TTEmbeddingBag
            else (torch.arange(60_000).view(20_000, 3) % ROWS,)
        )
        torch.testing.assert_close(exported(*more), model(*more))

    def test_autocast_leaves_rows_in_the_dtype_of_the_table(self, kind, inputs) -> None:
        module = make(kind)
        dense = nn.EmbeddingBag(ROWS, DIM) if kind is TTEmbeddingBag else nn.Embedding(ROWS, DIM)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rows = module(*inputs)
            assert rows.dtype == dense(*inputs).dtype == torch.float32
            assert torch.equal(rows, module(*inputs))
            loss = Model(module)(*inputs).float().sum()
        assert torch.equal(rows, module(*inputs))
        loss.backward()
        assert all(core.grad.dtype == torch.float32 and core.grad.any() for core in module.cores)

    def test_gradient_scaling_and_clipping_work(self, kind, inputs) -> None:
        model = Model(make(kind))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        before = [core.detach().clone() for core in model.embedding.cores]
        model(*inputs).square().sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        assert all(not torch.equal(a, b) for a, b in zip(before, model.embedding.cores, strict=True))

    def test_from_dense_round_and_rows(self, kind, inputs) -> None:
        weight = make(kind).to_dense().detach()
        module = kind.from_dense(weight, tolerance=0.0, padding_idx=3)
        torch.testing.assert_close(module.to_dense(), weight, rtol=0, atol=1e-6)
        torch.testing.assert_close(module.rows(torch.tensor([[3, 999]])), weight[[3, 999]][None], rtol=0, atol=1e-6)
        small = module.round(rank=2)
        assert small.shape.ranks == (1, 2, 2, 1)
        assert small.padding_idx == 3

    def test_from_cores_checks_their_shapes(self, kind, inputs) -> None:
        module = make(kind)
        assert torch.equal(kind.from_cores(list(module.cores), module.shape)(*inputs), module(*inputs))
        with pytest.raises(ValueError, match="cores must have the shapes"):
            kind.from_cores(list(module.cores), TTShape(8, 8, (2, 2, 2), (2, 2, 2), (1, 2, 2, 1)))

    def test_save_and_load(self, kind, inputs, tmp_path) -> None:
        module = make(kind)
        module.save(tmp_path / "cores.safetensors")
        assert torch.equal(kind.load(tmp_path / "cores.safetensors")(*inputs), module(*inputs))
