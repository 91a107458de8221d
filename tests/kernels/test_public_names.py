"""The list of public names is true, and importing the package imports no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ttrec_kernels

NO_TORCH = ("TTShape", "TablePlan", "smallest_shape", "entropy_shape", "ShapeError", "Distribution")


def names_for_type_checkers() -> dict[str, str]:
    """Module of each name imported under TYPE_CHECKING."""
    tree = ast.parse(Path(ttrec_kernels.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: str(node.module) for node in block.body for alias in node.names}


def test_every_public_name_can_be_imported():
    assert ttrec_kernels.__all__ == sorted(ttrec_kernels.__all__)
    for name in ttrec_kernels.__all__:
        assert getattr(ttrec_kernels, name).__name__ == name


def test_lists_agree():
    homes = {name: f"ttrec_kernels.{home}" for home, names in ttrec_kernels._HOMES.items() for name in names}
    assert homes == names_for_type_checkers()
    assert set(homes) == set(ttrec_kernels.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'TTEmbedingBag'"):
        ttrec_kernels.TTEmbedingBag  # noqa: B018


@pytest.mark.parametrize("name", NO_TORCH)
def test_planning_needs_no_torch(name):
    script = f"import sys; from ttrec_kernels import {name}; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_package_alone_imports_next_to_nothing():
    script = "import sys, ttrec_kernels; print([name for name in sys.modules if name.startswith('ttrec_kernels.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
