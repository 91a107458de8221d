"""Which columns of a log are the label, dense features and categories: read from a small YAML file.

name: shop
label: clicked                    # 0 or 1; or {column: rating, at_least: 4}
dense: [price]                    # numbers; may be left out
categorical:                      # texts or whole numbers of any range, or lists of them: bags
  - user
  - {column: history, at_most: 50}       # keeps the last 50 values of longer lists
  - {column: genres, separator: "|"}     # a text that holds a list
split: {column: part, test: [test], validation: [dev]}   # only for --split column
"""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator

from ttrec_cli.config.models import Frozen
from ttrec_cli.config.yaml_document import read_document
from ttrec_cli.data.manifest import MAX_BAG_VALUES
from ttrec_cli.errors import ConfigError

Name = Annotated[str, Field(min_length=1, max_length=100)]


class LabelColumn(Frozen):
    """The column that says whether a row is a click: 0 or 1, or a number that is large enough."""

    column: Name
    at_least: float | None = None


class SplitColumn(Frozen):
    """The column that says which split a row belongs to; what is neither test nor validation is trained on."""

    column: Name
    test: Annotated[tuple[str | int, ...], Field(min_length=1)]
    validation: Annotated[tuple[str | int, ...], Field(min_length=1)]


class CategoryColumn(Frozen):
    """A categorical column. Longer lists keep their last `at_most` values; `separator` cuts texts into lists."""

    column: Name
    at_most: Annotated[int, Field(ge=1, le=MAX_BAG_VALUES, strict=True)] | None = None
    separator: Annotated[str, Field(min_length=1, max_length=8)] | None = None


class Columns(Frozen):
    """The columns of a log. `hexadecimal`: texts of categories are hex digits, as in Criteo's logs."""

    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")] = "log"
    label: LabelColumn
    dense: tuple[Name, ...] = ()
    categorical: Annotated[tuple[CategoryColumn, ...], Field(min_length=1)]
    split: SplitColumn | None = None
    hexadecimal: bool = False

    @field_validator("label", mode="before")
    @classmethod
    def _short_label(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("categorical", mode="before")
    @classmethod
    def _short_categories(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [{"column": one} if isinstance(one, str) else one for one in value]

    @model_validator(mode="after")
    def _each_once(self) -> "Columns":
        names = [self.label.column, *self.dense, *self.categories]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"a column has one role, but {twice[0]!r} is there twice")
        return self

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categorical columns."""
        return tuple(category.column for category in self.categorical)

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is read."""
        split = () if self.split is None else (self.split.column,)
        return tuple(dict.fromkeys((self.label.column, *self.dense, *self.categories, *split)))


def read_columns(path: Path) -> Columns:
    """Read a columns file. Raises `ConfigError` with file, line and what is expected."""
    document = read_document(path, "a columns file")
    try:
        return Columns.model_validate(document.values)
    except ValidationError as error:
        problems = error.errors()
        first = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
        location = tuple(part for part in first["loc"] if isinstance(part, str | int))
        if first["type"] == "extra_forbidden":  # told first: a misspelt key is also one that is missing
            raise ConfigError(f"{document.place(location)}: {_unknown(location)}") from None
        name = ".".join(map(str, location)) or "the file"
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{document.place(location)}: {name}: {problem}; see `ttrec data prepare --help`") from None


def _unknown(location: tuple[str | int, ...]) -> str:
    models: dict[int | str, type[Frozen]] = {
        "label": LabelColumn,
        "split": SplitColumn,
        "categorical": CategoryColumn,
    }
    model = models[location[0]] if len(location) > 1 else Columns
    key, known = str(location[-1]), list(model.model_fields)
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key {key!r}; " + (f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}")


CRITEO_PATTERNS = (
    ("label", r"I\d+", r"C\d+"),
    ("label", r"int_\d+", r"cat_\d+"),
    ("label", r"f(?:[0-9]|1[0-2])", r"f(?:1[3-9]|[23]\d)"),
)


def criteo_columns(names: list[str]) -> Columns | None:
    """Columns named as the usual copies of Criteo's logs name them; None where they are not."""
    for label, dense, categorical in CRITEO_PATTERNS:
        dense_names = [name for name in names if re.fullmatch(dense, name)]
        categories = [name for name in names if re.fullmatch(categorical, name)]
        if label in names and len(dense_names) == 13 and len(categories) == 26:
            return Columns(
                name="criteo",
                label=LabelColumn(column=label),
                dense=tuple(sorted(dense_names, key=_number)),
                categorical=tuple(CategoryColumn(column=name) for name in sorted(categories, key=_number)),
                hexadecimal=True,
            )
    return None


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name))
