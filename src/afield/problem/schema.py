"""What each column means and how one text cell of it becomes a value.

The schema travels inside the model file; every reader on every platform obeys it to the letter.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

Kind = Literal["number", "category", "text", "datetime", "image", "audio"]
#: Kinds of cells: what a table can hold.
KINDS: tuple[Kind, ...] = ("number", "category", "text", "datetime")
#: Kinds that no cell can hold: pictures and sounds.
MEDIA_KINDS: tuple[Kind, ...] = ("image", "audio")

#: Cells that mean "missing" in any column, compared after stripping blanks, in any case.
DEFAULT_MISSING: tuple[str, ...] = ("", "na", "n/a", "nan", "null", "none", "#n/a", "<na>")


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """One input column of a model.

    Parameters
    ----------
    name : str
        The column's name in the user's data.
    kind : {"number", "category", "text", "datetime", "image", "audio"}
    input : str
        The name of the graph input; the column's name unless that collides with an output's.
    missing : tuple of str
        Texts that mean "missing", folded to lower case, stripped. The empty text always does.
    decimal, thousands : str
        Marks in text cells of a number column; ``thousands`` is empty when there is none.
    prefix, suffix : str
        A sign around each number, such as ``$`` or ``%``; empty when there is none.
    canonical : {"", "number", "boolean"}
        How the text of a category is unified: ``number`` makes ``1.0`` and ``1`` the same level ``1``;
        ``boolean`` folds to ``true`` and ``false``.
    formats : tuple of str
        strptime formats of a datetime column, tried in order; ``iso`` stands for ISO 8601.
        The value is always ``YYYY-MM-DDTHH:MM:SS``, in UTC where the text names an offset.
    unit : str
        From a header such as ``length (mm)``; empty when there is none.
    low, high : float or None
        Range seen in training (numbers; days since 1970-01-01 for datetimes).
    levels : tuple of str
        Levels seen in at least five training rows (categories), most frequent first.
    rate : int
        Samples a second that the graph takes (audio).
    seconds : float
        How much of a sound the graph hears, from its beginning; 0 for all of it.
    """

    name: str
    kind: Kind
    input: str = ""
    missing: tuple[str, ...] = DEFAULT_MISSING
    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    canonical: Literal["", "number", "boolean"] = ""
    formats: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    rate: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults as a JSON object."""
        full = asdict(self)
        kept = {f.name: full[f.name] for f in fields(self) if full[f.name] != f.default}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ColumnSpec:
        """Return the column that ``to_json`` wrote."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)

    @property
    def input_name(self) -> str:
        """The name of the graph input."""
        return self.input or self.name

    @cached_property
    def plain(self) -> bool:
        """Whether a text of ASCII digits, with a point at most, is always the number that it says."""
        marks = (self.kind, self.decimal, self.thousands, self.prefix, self.suffix) == ("number", ".", "", "", "")
        return marks and not any(c.isdigit() for token in self.missing for c in token)


@dataclass(frozen=True, kw_only=True)
class TargetSpec:
    """The column that is predicted.

    ``classes`` are the texts in the order of the probabilities; ``label_type`` is the type that the
    user's labels had, and that predictions come back with. ``spec`` says how its cells are read.
    """

    name: str
    spec: ColumnSpec
    task: Literal["binary", "multiclass", "regression"]
    classes: tuple[str, ...] = ()
    label_type: Literal["string", "integer", "number", "boolean"] = "string"
    unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self) | {"spec": self.spec.to_json(), "classes": list(self.classes)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TargetSpec:
        """Return the target that ``to_json`` wrote."""
        spec = ColumnSpec.from_json(data["spec"])
        return cls(**(data | {"spec": spec, "classes": tuple(data["classes"])}))


@dataclass(frozen=True, kw_only=True)
class Schema:
    """All input columns, in the order of the graph's inputs, and the target."""

    columns: tuple[ColumnSpec, ...]
    target: TargetSpec
    version: int = field(default=1)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as a JSON object."""
        return {
            "version": self.version,
            "columns": [c.to_json() for c in self.columns],
            "target": self.target.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schema:
        """Return the schema that ``to_json`` wrote."""
        return cls(
            columns=tuple(ColumnSpec.from_json(c) for c in data["columns"]),
            target=TargetSpec.from_json(data["target"]),
            version=data["version"],
        )
