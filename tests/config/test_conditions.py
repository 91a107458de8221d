"""`exclude:` conditions: what they mean, and that nothing in them is ever executed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttrec_cli.config.axes import axis_names
from ttrec_cli.config.conditions import parse_condition
from ttrec_cli.errors import ConfigError

AXES = frozenset(axis_names())
TRIAL = {
    "method": "tt",
    "rank": 64,
    "tables": ("C1", "C3"),
    "dim": 16,
    "train": {"batch_size": 128, "embedding_learning_rate": None},
    "shape": {"max_skew": 1.5},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rank == 64 and dim == 16", True),
        ("rank == 64 and dim == 32", False),
        ("rank < 64 or not dim > 16", True),
        ("8 <= rank < 64", False),
        ("rank in [8, 64]", True),
        ("rank not in [8, 64]", False),
        ("method == 'tt'", True),
        ('method in ["dense", "tt-frozen"]', False),
        ('"C3" in tables', True),
        ("tables == ['C1', 'C3']", True),
        ("tables > 3", False),
        ("train.batch_size >= 128 and shape.max_skew < 2", True),
        ("train.embedding_learning_rate == none", True),
        ("train.embedding_learning_rate < 1", False),
        ("rank == '64'", False),
        ("rank != '64'", True),
        ("rank == true", False),
        ("rank > -1", True),
    ],
)
def test_meaning(text: str, expected: bool) -> None:
    assert parse_condition(text, AXES).holds(TRIAL) is expected


@pytest.mark.parametrize(
    "text",
    [
        "rank",
        "rank =  8",
        "rank + 1 == 9",
        "9**9**9 == rank",
        "__import__('os').system('true') == 0",
        "rank.__class__ == 1",
        "(lambda: 1)() == 1",
        "[x for x in tables] == 1",
        "f'{rank}' == '8'",
        "rank is 8",
        "sede == 1",
        "method == dense",
        "seed == 1",
        "",
        "((((" * 100,
        "rank == 8" + " and rank == 8" * 50,
        "rank == '\\d'",
        "a\nb",
        "rank == b'8'",
        "rank == 1j",
    ],
)
def test_all_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_condition(text, AXES)
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from([*sorted(AXES), "and", "or", "not", "(", ")", "==", "<", "in", "[", "]", "8", "'tt'", "-", "."])
        | st.text(max_size=3),
        max_size=12,
    )
)
def test_any_words_are_a_condition_or_an_error(words: list[str]) -> None:
    whole = {name: 1 for name in AXES if "." not in name}
    sections: dict[str, dict[str, int]] = {}
    for name in AXES - set(whole):
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = 1
    message, held = "", False
    try:
        held = parse_condition(" ".join(words), AXES).holds(whole | sections)
    except ConfigError as error:
        message = str(error)
    assert "\n" not in message
    assert held in (True, False)
