"""A finding: one thing that a check saw in the data or the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["note", "warning", "serious"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check saw.

    Parameters
    ----------
    code : str
        ``area.name``, the name of the check's file.
    severity : {"note", "warning", "serious"}
        ``serious`` means that the score or the answers cannot be trusted until it is settled.
    what : str
        One sentence with the figures in it.
    column : str
        The column it is about; empty when it is about the table.
    rows : tuple of int
        Up to five evidence rows, counted from 1 without the header, as a spreadsheet user counts data rows.
    fix : str
        What to do: the option that settles it.
    effect : str
        What it does to the score, where known.
    """

    code: str
    severity: Severity
    what: str
    column: str = ""
    rows: tuple[int, ...] = ()
    fix: str = ""
    effect: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self) | {"rows": list(self.rows)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Finding:
        """Return the finding that ``to_json`` wrote."""
        return cls(**(data | {"rows": tuple(data["rows"])}))
