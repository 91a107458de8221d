"""Cores on disk and FBTT's layout: exact round trips, and files that are not what they should be."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from ttrec_kernels import (
    StorageError,
    TTEmbeddingBag,
    TTShape,
    from_dense,
    from_fbtt,
    from_fbtt_state,
    load_cores,
    save_cores,
    to_fbtt,
    to_fbtt_state,
)
from ttrec_kernels.reference.to_dense import to_dense

SHAPE = TTShape(23, 6, (2, 4, 3), (3, 1, 2), (1, 4, 3, 1))


def cores(shape: TTShape = SHAPE, tables: int = 1, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(size, generator=generator).to(dtype) for size in shape.core_shapes]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_what_is_saved_is_loaded(tmp_path, dtype) -> None:
    given_cores = cores(dtype=dtype)
    save_cores(tmp_path / "cores.safetensors", given_cores, SHAPE)
    loaded, shape = load_cores(tmp_path / "cores.safetensors")
    assert shape == SHAPE
    assert all(torch.equal(a, b) and a.dtype == dtype for a, b in zip(given_cores, loaded, strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["cores.safetensors"]


def write(path, tensors, **changes) -> None:
    record = {
        "schema_version": 1, "rows": 23, "dim": 6,
        "row_factors": [2, 4, 3], "dim_factors": [3, 1, 2], "ranks": [1, 4, 3, 1],
    } | changes  # fmt: skip
    save_file(tensors, path, metadata={"ttrec": json.dumps(record)})


NAMED = {f"core_{k}": core for k, core in enumerate(cores())}


@pytest.mark.parametrize(
    ("tensors", "changes", "message"),
    [
        (NAMED, {"schema_version": 2}, "schema version must be 1"),
        (NAMED, {"rows": 10**9}, "hold 24 rows, fewer than"),
        (NAMED, {"rows": "23"}, "rows must be a whole number"),
        (NAMED, {"ranks": [1, 4, 4, 1]}, "do not have the shapes"),
        (NAMED, {"ranks": None}, "must be lists"),
        (NAMED, {"ranks": [1] * 99}, "must be lists of at most"),
        (NAMED, {"row_factors": [[2], 4, 3]}, "row_factors must be whole numbers"),
        (NAMED | {"more": torch.ones(1)}, {}, "must hold the tensors core_0, core_1, core_2"),
        ({name: core.long() for name, core in NAMED.items()}, {}, "do not have the shapes"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, tensors, changes, message) -> None:
    write(tmp_path / "x.safetensors", tensors, **changes)
    with pytest.raises(StorageError, match=message) as caught:
        load_cores(tmp_path / "x.safetensors")
    assert "x.safetensors" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100, b"\xff" * 16, b"\x08" + b"\0" * 7 + b"nonsense"])
def test_what_is_no_safetensors_is_refused(tmp_path, content) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(StorageError, match="not readable as safetensors"):
        load_cores(tmp_path / "x.safetensors")


def test_a_file_of_others_and_none_at_all(tmp_path) -> None:
    save_file(NAMED, tmp_path / "x.safetensors")
    with pytest.raises(StorageError, match="no file of TT cores"):
        load_cores(tmp_path / "x.safetensors")
    with pytest.raises(StorageError, match="not readable"):
        load_cores(tmp_path / "nothing.safetensors")
    with pytest.raises(StorageError, match="cannot be written"):
        save_cores(tmp_path / "no" / "folder.safetensors", cores(), SHAPE)


class TestFbtt:
    """Checkpoints of FBTT-Embedding move in and out."""

    @settings(deadline=None, max_examples=40)
    @given(data=st.data(), d=st.integers(2, 4))
    def test_ours_to_theirs_and_back_is_exact(self, data, d) -> None:
        factor = st.integers(1, 4)
        p, q = (tuple(data.draw(st.lists(factor, min_size=d, max_size=d))) for _ in range(2))
        ranks = (1, *data.draw(st.lists(factor, min_size=d - 1, max_size=d - 1)), 1)
        rows, dim = 1, 1
        for a, b in zip(p, q, strict=True):
            rows, dim = rows * a, dim * b
        shape = TTShape(rows, dim, p, q, ranks)
        theirs = to_fbtt(cores(shape))
        assert [tuple(core.shape) for core in theirs] == [(1, p[k], ranks[k] * q[k] * ranks[k + 1]) for k in range(d)]
        back, found = from_fbtt(theirs, rows, q)
        assert found == shape
        assert all(torch.equal(a, b) for a, b in zip(back, cores(shape), strict=True))

    def test_their_rows_are_our_rows(self) -> None:
        """FBTT's arithmetic written out: digits by division, slabs (r, q, r') multiplied from the left."""
        theirs = to_fbtt(cores())
        (p1, p2), q, r = SHAPE.row_factors[1:], SHAPE.dim_factors, SHAPE.ranks
        dense = to_dense(cores(), SHAPE.rows)
        for row in range(SHAPE.rows):
            digits = (row // (p1 * p2), row % (p1 * p2) // p2, row % p2)
            left = torch.ones(1, 1)
            for k, digit in enumerate(digits):
                slab = theirs[k][0, digit].view(r[k], q[k] * r[k + 1])
                left = (left @ slab).view(-1, r[k + 1])
            torch.testing.assert_close(left.flatten(), dense[row])

    def test_a_state_dict_round_trip_through_dense_is_exact(self) -> None:
        state = to_fbtt_state(cores(), "emb.0.") | {"emb.0.hashtbl": torch.zeros(7), "emb.1.tt_cores.0": torch.ones(1)}
        found, shape = from_fbtt_state(state, 23, (3, 1, 2), prefix="emb.0.")
        bag = TTEmbeddingBag.from_cores(found, shape)
        dense = bag.to_dense().detach()
        assert torch.equal(dense, to_dense(cores(), 23))
        again = from_dense(dense.double(), tolerance=0.0)
        torch.testing.assert_close(to_dense(again.cores, 23), dense.double(), rtol=0, atol=1e-12)
        assert all(torch.equal(a, b) for a, b in zip(to_fbtt(list(bag.cores)), to_fbtt(cores()), strict=True))

    def test_one_table_of_many(self) -> None:
        both = [torch.cat((core, core + 1)) for core in to_fbtt(cores())]
        second, _ = from_fbtt(both, 23, (3, 1, 2), table=1)
        assert torch.equal(second[0], cores()[0] + 1)

    @pytest.mark.parametrize(
        ("state", "rows", "dim_factors", "message"),
        [
            ({}, 23, (3, 1, 2), "has no tt_cores.0"),
            ({"tt_cores.1": torch.ones(1, 2, 3)}, 23, (3,), "has no tt_cores.0"),
            (to_fbtt_state(cores()), 23, (3, 2), "need as many dim factors"),
            (to_fbtt_state(cores()), 23, (5, 1, 2), "no multiple of rank 1 · dim factor 5"),
            (to_fbtt_state(cores()), 23, (3, 0, 2), "no multiple of"),
            (to_fbtt_state(cores()), 25, (3, 1, 2), "hold 24 rows"),
            ({"tt_cores.0": torch.ones(2, 3), "tt_cores.1": torch.ones(2)}, 2, (1, 1), "must be"),
        ],
    )
    def test_what_does_not_fit_is_said(self, state, rows, dim_factors, message) -> None:
        with pytest.raises(StorageError, match=message):
            from_fbtt_state(state, rows, dim_factors)
