"""Bad indices and offsets on a GPU read as zeros, have no gradient, and are raised when the host looks."""

from dataclasses import replace

import pytest
import torch
from contracts.lookup_cases import SHAPES, Table, fresh_generator, pack, with_bags, with_matrix
from contracts.lookup_judge import upstream
from cuda_emulator.adapter import CudaBackend, call_of
from cuda_emulator.emulator import Emulator

from ttrec_kernels.cuda.bad_index import check_indices, raise_bad_index, remember_names
from ttrec_kernels.errors import BagError, IndexRangeError

NAMES = ("C1", "C2")


@pytest.fixture
def backend(build_folder):
    return CudaBackend(Emulator(build_folder))


@pytest.fixture
def lookup():
    return pack([Table(9, 4), Table.of(SHAPES["five cores"])], fresh_generator())


@pytest.mark.parametrize(("table", "index"), [(0, 9), (0, -1), (1, 95), (1, 2**62), (1, -(2**63))])
def test_a_bad_index_is_zeros_and_raised_once(backend, lookup, table, index):
    lookup = with_matrix(lookup, 5, fresh_generator())
    lookup.indices[3, table] = index
    tables = call_of(lookup).tables
    output = backend.forward(lookup)
    assert not output[3, table].any()
    assert output[3, 1 - table].any()
    rows = (9, 95)[table]
    with pytest.raises(
        IndexRangeError, match=rf"index {index} lies outside table {NAMES[table]}, which has {rows} row"
    ):
        raise_bad_index(tables, NAMES)
    raise_bad_index(tables, NAMES)


def test_a_bad_index_has_no_gradient(backend, lookup):
    lookup = with_matrix(lookup, 5, fresh_generator())
    good = backend.backward(replace(lookup, indices=lookup.indices[:4], bags=4), upstream(lookup)[:4])
    lookup.indices[4] = torch.tensor([9, -7])
    for found, expected in zip(backend.backward(lookup, upstream(lookup)).slots, good.slots, strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("offsets", [[0, 5, 1], [0, 3, 99], [-5, 3, 6], [0, -3, 6]], ids=str)
def test_broken_offsets_read_nothing_foreign(backend, lookup, offsets):
    lookup = with_bags(lookup, (3,), fresh_generator())
    lookup = replace(lookup, offsets=torch.tensor(offsets))
    backend.forward(lookup)
    backend.backward(lookup, upstream(lookup))
    with pytest.raises(BagError, match=r"offsets of table C\d must rise within the indices given, but do not at bag 0"):
        raise_bad_index(call_of(lookup).tables, NAMES)


def test_check_looks_at_all_tables_under_their_names(backend, lookup):
    lookup = with_matrix(lookup, 2, fresh_generator())
    remember_names(call_of(lookup).tables, ("users", "items"))
    check_indices()
    lookup.indices[0, 1] = 95
    backend.forward(lookup)
    with pytest.raises(IndexRangeError, match="table items"):
        check_indices()
    check_indices()
