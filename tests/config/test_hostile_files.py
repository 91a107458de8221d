"""A thousand mutated sweep files, and files made to harm: one line each, never a traceback, nothing outside."""

import random
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.config import load_sweep
from ttrec_cli.errors import TTRecError
from ttrec_cli.sweep.dataset import Dataset
from ttrec_cli.sweep.grid import expand
from ttrec_cli.sweep.resolved import write_resolved
from ttrec_cli.sweep.rows import planned_columns
from ttrec_cli.sweep.run import folder_name

RICH = """\
version: 1
name: rich
title: A title
data: {format: synthetic, like: kaggle, rows: 10000, table_scale: 0.1, seed: 3}
model: {bottom_mlp: [16, 8], top_mlp: [16]}
train:
  optimizer: adagrad
  learning_rate: 1e-3
  batch_size: 64
  samples: 5000
grid:
  rank: [8, [4, 16]]
  tables: [1, [C1, C3]]
  shape.max_skew: [1.5, .inf]
zip: {dim: [4, 8], init.scale: [paper, calibrated]}
trials:
  - {method: tt-frozen, rank: 2, tables: 1, dim: 4}
exclude: [rank == 8 and dim == 8, 'method == "dense"']
tune: {train.embedding_learning_rate: [0.1, 0.2]}
seeds: [0, 1]
objectives: [model_bytes, logloss]
budget: {trials: 10, wall_time: 8h, trial_timeout: 90}
resources: {device_memory: 16GB, parallel: 2}
search: {method: halving, eta: 3}
"""
TOKENS = (
    "&a ", "*a", "!!python/object:os.system ", "!x ", ": ", "- ", "{", "}", "[", "]", '"', "'", "|", ">", "%", "@", "`",
    "~", "null", "true", ".inf", "-.inf", ".nan", "-1", "0", "1e400", "9" * 400, "0x", "1_000", "2026-01-01", "\t",
    "\n", "\r\n", "\x00", "\x07", "\u202e", "\ud7ff", "<<: ", "---\n", "...\n", "? ", "#", "../../etc", "rank", "tune",
    "1" * 20, "0.1", "[[[[[[", "[]", "{}", "''", "[1, 2, 3, 4, 5]", "[8, C1]", "{a: 1}", "2" * 12, "1e-320",
)  # fmt: skip
VALUES = (
    "0", "1", "2", "3", "-1", "1.5", "1e9", "9223372036854775807", "true", "null", "tt", "dense", "C2", "[1]", "[2, 2]",
    "[]", "{}", ".inf", ".nan", "'x'", "1099511627776", "65536", "paper", "\u0661", "'\\e[31m'", "0.0", "10s", "5GB",
)  # fmt: skip
DATA = Dataset("toy", True, ("C1", "C2", "C3"), (50_000, 4, 900), 6000, "f" * 64)
MUTATIONS = 1000
AXES = ("rank", "dim", "tables")
HEAD = "name: t\ndata: {format: synthetic, rows: 7000}\n"


def mutated(chance: random.Random) -> str:
    """The rich file after one to three random edits: tokens in, spans out, lines doubled, numbers changed."""
    text = RICH
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(text))
        kind = chance.randrange(10)
        if kind == 0:
            text = text[:at] + chance.choice(TOKENS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + chance.randint(1, 20) :]
        elif kind == 2:
            text = text[:at] + chance.choice(TOKENS) + text[at + chance.randint(1, 12) :]
        elif kind == 3:
            lines = text.splitlines(keepends=True)
            lines.insert(chance.randrange(len(lines)), lines[chance.randrange(len(lines))])
            text = "".join(lines)
        else:
            words = list(re.finditer(r"(?<=[\[ ])[\w.]+(?=[],}\n])", text))
            word = chance.choice(words) if words else None
            if word is not None:  # still YAML: what it means is to be checked
                text = text[: word.start()] + chance.choice(VALUES) + text[word.end() :]
        text = text or "x"
    return text


def test_a_thousand_mutated_files_never_give_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    accepted, refused = 0, []
    path = tmp_path / "m.yaml"
    for number in range(MUTATIONS):
        text = mutated(chance)
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        try:
            loaded = load_sweep(path)
            trials = expand(loaded.config, DATA)
            write_resolved(loaded, tmp_path / "results" / folder_name(loaded.config.name))
            row = planned_columns(trials[-1], DATA, loaded.config.name, False)
            assert all(-(2**63) <= value < 2**63 for value in row.values() if isinstance(value, int))
            accepted += 1
        except TTRecError as error:
            refused.append(str(error))
        except Exception as error:
            pytest.fail(f"mutation {number}: {type(error).__name__}: {error}\n{text}")
    assert all("\n" not in message for message in refused)
    assert accepted > MUTATIONS / 20
    assert len(refused) > MUTATIONS / 3
    assert {path.name for path in tmp_path.iterdir()} <= {"m.yaml", "results"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("anchors", "a: &a [1]\nb: *a\n"),
        ("laughs", "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in pairwise("abcdefghi"))),
        ("tag", "name: !!python/object/apply:os.system ['touch pwned']\n"),
        ("merge", "base: &b {x: 1}\ngrid: {<<: *b}\n"),
        ("number", "name: t\ndata: {format: synthetic, rows: " + "9" * 4400 + "}\ngrid: {rank: [8]}\n"),
        ("float", "name: t\ndata: {format: synthetic, rows: 1e99999}\ngrid: {rank: [8]}\n"),
        ("octal", "name: t\ndata: {format: synthetic, rows: 0o" + "7" * 5000 + "}\ngrid: {rank: [8]}\n"),
        ("deep", "a: " + "[" * 5000 + "]" * 5000),
        ("blocks", "".join("  " * depth + "a:\n" for depth in range(2000))),
        ("documents", "name: a\n---\nname: b\n"),
        ("bytes", "name: \udc80"),
        ("grid", HEAD + "grid: {" + ", ".join(f"{n}: [{', '.join(map(str, range(1, 3000)))}]" for n in AXES) + "}\n"),
        ("shape", HEAD + "grid: {rank: [[1099511627776, 1099511627776]], tables: [1]}\n"),
    ],
    ids=lambda value: value if len(value) < 12 else "",
)  # fmt: skip
def test_files_made_to_harm_are_refused_soon(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    started = time.process_time()
    message = ""
    try:
        expand(load_sweep(path).config, DATA)
    except TTRecError as error:
        message = str(error)
    assert message.startswith(str(path)) or name == "shape"
    assert "\n" not in message
    assert len(message) < 1000
    assert time.process_time() - started < 20
    assert not (tmp_path / "pwned").exists()


@settings(deadline=None, max_examples=300)
@given(
    st.text(min_size=1, max_size=64) | st.sampled_from(["..", ".", "/", "../x", "a/../../b", "~", "C:\\x", "\x00", "-"])
)
def test_a_name_cannot_leave_the_results_folder(name: str) -> None:
    folder = folder_name(name)
    assert folder
    assert folder not in (".", "..")
    assert not folder.startswith(("-", "."))
    root = Path("/results")
    assert (root / folder).resolve().parent == root
