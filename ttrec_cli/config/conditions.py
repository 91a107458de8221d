"""Conditions over the settings of a trial, such as `rank == 64 and dim < 32`: a small language, nothing is executed.

    condition   `and`, `or`, `not`, parentheses around comparisons
    comparison  == != < <= > >= in, chained as in `8 <= rank < 64`
    value       the name of an axis (rank, train.batch_size), a number, "text", true, false, none, a [list] of values

Values of different kinds are unequal, and in no order: `rank < 8` does not hold for the uncompressed model, which has
no rank.
"""

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ttrec_cli.errors import ConfigError

MAX_LENGTH = 500
_WORDS = {"true": True, "false": False, "none": None, "null": None, "True": True, "False": False, "None": None}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARISONS: tuple[type[ast.cmpop], ...] = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, *_ORDER)
_KNOWN = "compare axes with == != < <= > >= in, and join with and, or, not"


@dataclass(frozen=True)
class Condition:
    """A checked condition; `holds` says whether the settings of a trial meet it."""

    text: str
    tree: ast.expr

    def holds(self, settings: Mapping[str, Any]) -> bool:
        """Whether it is met by `settings`, which have sections as mappings: {"rank": 8, "train": {…}}."""
        return bool(_value(self.tree, settings))


def parse_condition(text: str, known_axes: frozenset[str]) -> Condition:
    """Check a condition; `ConfigError` says what in it is not of the language or names no axis."""
    if len(text) > MAX_LENGTH:
        raise ConfigError(f"a condition has at most {MAX_LENGTH} characters, but this has {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning):
        raise ConfigError(f"{text!r} is no condition; {_KNOWN}, such as 'rank == 64 and dim == 16'") from None
    _check_condition(tree, known_axes, text)
    return Condition(text, tree)


def _check_condition(node: ast.expr, axes: frozenset[str], text: str) -> None:
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _check_condition(part, axes, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check_condition(node.operand, axes, text)
    elif isinstance(node, ast.Compare):
        wrong = [op for op in node.ops if not isinstance(op, _COMPARISONS)]
        if wrong:
            raise ConfigError(f"{text!r}: this comparison is not known; {_KNOWN}")
        for part in (node.left, *node.comparators):
            _check_value(part, axes, text)
    else:
        raise ConfigError(f"{text!r}: {ast.unparse(node)!r} is no comparison; {_KNOWN}")


def _check_value(node: ast.expr, axes: frozenset[str], text: str) -> None:
    if isinstance(node, ast.List | ast.Tuple):
        for part in node.elts:
            _check_value(part, axes, text)
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | None):
        return
    name = _axis(node)
    if name is None:
        raise ConfigError(f"{text!r}: {ast.unparse(node)!r} is no axis, number, text or list; nothing is computed here")
    if name not in axes and name not in _WORDS:
        raise ConfigError(f"{text!r}: unknown axis {name!r}; text needs quotes; known: {', '.join(sorted(axes))}")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _axis(node: ast.expr) -> str | None:
    """`rank` or `train.batch_size`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def _value(node: ast.expr, settings: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.BoolOp):
        join = all if isinstance(node.op, ast.And) else any
        return join(_value(part, settings) for part in node.values)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, settings)
        return not inner if isinstance(node.op, ast.Not) else -inner
    if isinstance(node, ast.Compare):
        values = [_value(part, settings) for part in (node.left, *node.comparators)]
        return all(_compare(op, values[i], values[i + 1]) for i, op in enumerate(node.ops))
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(part, settings) for part in node.elts]
    if isinstance(node, ast.Constant):
        return node.value
    return _look_up(_axis(node) or "", settings)


def _look_up(name: str, settings: Mapping[str, Any]) -> Any:
    section, _, key = name.partition(".")
    if section not in settings and name in _WORDS:
        return _WORDS[name]
    value = settings[section][key] if key else settings[section]
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(op, ast.Eq | ast.NotEq):
        return (_kind(left) == _kind(right) and left == right) == isinstance(op, ast.Eq)
    if isinstance(op, ast.In | ast.NotIn):
        inside = isinstance(right, list) and any(_compare(ast.Eq(), left, item) for item in right)
        return inside == isinstance(op, ast.In)
    if _kind(left) != _kind(right) or _kind(left) not in ("number", "text"):
        return False
    return _ORDER[type(op)](left, right)


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "word"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "list"
