"""Imports point downwards, and the instant verbs import neither torch nor CuPy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEVELS = (
    {"ttrec_kernels"},
    {"ttrec_cli", "ttrec_cli.errors", "ttrec_cli.fitted_table"},
    {"ttrec_cli.config", "ttrec_cli.planning"},
    {"ttrec_cli.data", "ttrec_cli.dlrm", "ttrec_cli.store", "ttrec_cli.pareto"},
    {"ttrec_cli.sweep", "ttrec_cli.report", "ttrec_cli.bench"},
    {"ttrec_cli.paper"},
    {"ttrec_cli.commands", "ttrec_cli.console"},
    {"ttrec_cli.app"},
)
SIBLINGS_MAY_IMPORT = {"ttrec_cli.commands": {"ttrec_cli.console"}}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] == "ttrec_kernels" else ".".join(parts[:2])


def level(name: str) -> int:
    found = [index for index, rooms in enumerate(LEVELS) if name in rooms]
    assert found, f"{name} is in no room of the design"
    return found[0]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from ttrec_cli import console` names a room, `from ttrec_cli import __version__` does not.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            rooms = {name for name in inner if any(name in names for names in LEVELS)}
            found |= rooms or {node.module}
    return {name for name in found if name.split(".")[0] in ("ttrec_cli", "ttrec_kernels")}


def modules() -> dict[str, Path]:
    trees = ((ROOT, "ttrec_cli"), (ROOT / "kernels", "ttrec_kernels"))
    paths = [(base, path) for base, package in trees for path in sorted((base / package).rglob("*.py"))]
    return {".".join(path.relative_to(base).with_suffix("").parts): path for base, path in paths}


def upward(module: str, imported: str) -> bool:
    here, there = room(module), room(imported)
    if here == there or there in SIBLINGS_MAY_IMPORT.get(here, set()):
        return False
    return level(there) >= level(here)


def test_imports_point_downwards() -> None:
    found = modules()
    assert len(found) > 30
    wrong = [
        f"{module} imports {imported}"
        for module, path in found.items()
        for imported in imports(path)
        if upward(module.removesuffix(".__init__"), imported)
    ]
    assert wrong == []


def test_an_upward_import_is_noticed() -> None:
    assert upward("ttrec_cli.planning.tables", "ttrec_cli.sweep.grid")
    assert upward("ttrec_kernels.shapes", "ttrec_cli.errors")
    assert upward("ttrec_cli.data.criteo", "ttrec_cli.store")
    assert not upward("ttrec_cli.sweep.grid", "ttrec_kernels.shapes")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["factorize", "--rows", "1000", "--dim", "8"],
        ["pareto", "nowhere"],
        ["sweep", "--help"],
        ["bench", "lookup", "--help"],
        ["paper", "--help"],
        ["bench", "step", "--help"],
    ],
    ids=" ".join,
)
def test_instant_verbs_import_neither_torch_nor_cupy(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys; from ttrec_cli.app import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'cupy', 'numba') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
