"""What both languages say of a model: names of properties, comments of columns, templates filled in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from afield.model.model import Model
from afield.model.session import open_session
from afield.problem.schema import ColumnSpec

# Words that either language keeps for itself; a property that has one for its name gets a line below.
_KEPT = frozenset(
    "as break case catch class continue default defer do else enum extension fallthrough false for fun func guard if "
    "import in init inout interface internal is let nil null object operator package private protocol public repeat "
    "rethrows return self static struct subscript super switch this throw throws true try type typealias typeof val "
    "var when where while".split()
)
_MARK = re.compile(r"\{\{(\w+)\}\}")


def property_names(columns: Sequence[ColumnSpec]) -> dict[str, str]:
    """Return column name to the name of its property: ``length (mm)`` to ``lengthMm``; all differ."""
    names: dict[str, str] = {}
    for number, column in enumerate(columns, start=1):
        words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", column.name))
        joined = "".join([*[w.lower() for w in words[:1]], *[w[:1].upper() + w[1:] for w in words[1:]]])
        name = joined if joined.isidentifier() else f"column{number}"
        if name in _KEPT:
            name += "_"
        taken = {n.lower() for n in names.values()}
        names[column.name] = name if name.lower() not in taken else f"{name}_{number}"
    return names


def type_name(model: Model) -> str:
    """Return a name for a type that stands for this model, such as ``RingsModel``."""
    words = re.findall("[A-Za-z0-9]+", unicodedata.normalize("NFKD", model.schema.target.name))
    joined = "".join(w[:1].upper() + w[1:] for w in words)
    return f"{joined}Model" if joined[:1].isalpha() else "AfieldModel"


def comment_of(spec: ColumnSpec, missing: str) -> str:
    """Return one line on a column: unit, range, levels, form; ``missing`` is the language's word for no value."""
    parts = [f"Column {spec.name!r}"]
    if spec.unit:
        parts.append(f"in {spec.unit}")
    if spec.kind == "number" and spec.low is not None and spec.high is not None:
        parts.append(f"seen in training: {spec.low:g} to {spec.high:g}")
    if spec.kind == "datetime":
        parts.append("as YYYY-MM-DDTHH:MM:SS, in UTC where the zone is known")
    if spec.kind == "category":
        if spec.canonical == "number":
            parts.append("the text of a number without needless zeros, such as 1 or 2.5")
        if spec.canonical == "boolean":
            parts.append("true or false")
        if spec.levels:
            parts.append("one of " + ", ".join(spec.levels[:8]) + (", ..." if len(spec.levels) > 8 else ""))
    if spec.kind == "audio":
        parts.append(f"{spec.rate} samples a second, from -1 to 1")
    if spec.kind == "image":
        parts.append("a picture of any size")
    elif spec.kind != "audio":
        parts.append(f"{missing} where it is not known")
    return one_line("; ".join(parts))


def one_line(text: str) -> str:
    """Return text that stands inside a comment: on one line, neither ending nor beginning another comment."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("{{", "{ {")


def output_types(model: Model) -> dict[str, str]:
    """Return the graph's outputs, in its order: name to onnxruntime's name of the type."""
    return {o.name: o.type for o in open_session(model.bytes).get_outputs()}


def fill(path: Path, values: Mapping[str, str]) -> bytes:
    """Return a template with its ``{{marks}}`` filled in."""
    return _MARK.sub(lambda found: values[found[1]], path.read_text(encoding="utf-8")).encode()


def indented(lines: Sequence[str], depth: int) -> str:
    """Return lines below each other, each that many spaces in."""
    return "\n".join(" " * depth + line for line in lines)
