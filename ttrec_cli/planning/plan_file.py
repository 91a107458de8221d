"""Table plans as YAML text, and back: one form for `factorize`, `sweep` and the library."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ttrec_cli.errors import ConfigError
from ttrec_cli.planning.table_list import MAX_TABLES
from ttrec_kernels.errors import TTRecError
from ttrec_kernels.table_plan import TablePlan

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML 1.1 or 1.2 reads as something else than text."""


def plan_yaml(plans: Iterable[TablePlan]) -> str:
    """The plan as a YAML document: a table a line, in the form that `TablePlan.to_dict` gives."""
    lines = [
        f"- {{{', '.join(f'{key}: {_scalar(value)}' for key, value in plan.to_dict().items())}}}" for plan in plans
    ]
    return "\n".join(["tables:", *lines, ""])


def is_plan(values: Any) -> bool:
    """Whether what a YAML file holds is meant as a table plan: some table has a kind."""
    tables = values.get("tables") if isinstance(values, Mapping) else None
    return isinstance(tables, list) and any(isinstance(table, Mapping) and "kind" in table for table in tables)


def plan_from_values(values: Any, source: str) -> tuple[TablePlan, ...]:
    """The plan in what a YAML file holds, {tables: [{name, rows, dim, kind, …}]}; nothing in it is trusted.

    `source` begins every error: `ConfigError` with one line that names the table.
    """
    tables = values.get("tables") if isinstance(values, Mapping) else None
    if not isinstance(tables, list) or not 1 <= len(tables) <= MAX_TABLES:
        raise ConfigError(f"{source}: a table plan is `tables:` with a list of 1 … {MAX_TABLES} tables")
    unknown = [str(key) for key in values if key != "tables"]
    if unknown:
        raise ConfigError(f"{source}: a table plan has the key tables alone, but here is {unknown[0][:40]!r}")
    plans: dict[str, TablePlan] = {}
    for at, table in enumerate(tables, 1):
        try:
            plan = TablePlan.from_dict(table)
        except TTRecError as error:
            raise ConfigError(f"{source}: table {at} of {len(tables)}: {error}") from None
        if plan.name in plans:
            raise ConfigError(
                f"{source}: table {at} of {len(tables)}: names must differ, but {plan.name!r} occurs twice"
            )
        plans[plan.name] = plan
    return tuple(plans.values())


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(str(number) for number in value)}]"
    text = str(value)
    if isinstance(value, int) or (_PLAIN.fullmatch(text) and text.lower() not in _RESERVED):
        return text
    return '"' + "".join(_character(char) for char in text) + '"'


def _character(char: str) -> str:
    """A character inside double quotes: those that YAML gives a meaning, or that cannot be seen, as escapes."""
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}"
