"""What the shell offers after Tab: columns of the data, study ids, and the words that an option knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import typer

HEAD_BYTES = 1 << 16  # a header is looked for in this much of the file
DELIMITERS = ",;\t|"


def columns(context: typer.Context, incomplete: str) -> list[str]:
    """Return columns of the text file given as DATA, read from its first line alone."""
    # an option that still lacks its value stops the parser before DATA is known: then it is among the rest
    given = context.params.get("data") or next((a for a in context.args if not a.startswith("-")), None)
    return [name for name in header(Path(given)) if name.startswith(incomplete)] if given else []


def header(path: Path) -> list[str]:
    """Return the cells of the first line of a delimited text file; none where it is not such a file."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
        return []
    with open(path, "rb") as file:
        line = file.read(HEAD_BYTES).decode("utf-8-sig", errors="replace").partition("\n")[0].rstrip("\r")
    delimiter = max(DELIMITERS, key=line.count)
    return next(csv.reader(io.StringIO(line), delimiter=delimiter), [])


def studies(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return ids of studies with their targets."""
    from afield.api.study import list_studies

    return [(s.id, f"{s.target}, {s.state}") for s in list_studies() if s.id.startswith(incomplete)]


def platforms(incomplete: str) -> list[str]:
    """Return the platforms that a model can be exported to."""
    from afield.api.export import platform_names

    return [name for name in platform_names() if name.startswith(incomplete)]


def values(option: str) -> Callable[[str], list[str]]:
    """Return a completion that offers the values that an option knows."""

    def offer(incomplete: str) -> list[str]:
        from afield.api.problem import choices

        return [word for word in choices(option) if word.startswith(incomplete)]

    return offer


def kinds(context: typer.Context, incomplete: str) -> list[str]:
    """Return ``COLUMN=kind`` for the column typed so far."""
    from afield.api.problem import choices

    column, mark, kind = incomplete.rpartition("=")
    if mark:
        return [f"{column}={k}" for k in choices("kinds") if k.startswith(kind)]
    return [f"{name}=" for name in columns(context, incomplete)]


tasks = values("task")
efforts = values("effort")
decimals = values("decimal")


def metrics(incomplete: str) -> list[str]:
    """Return names of metrics."""
    from afield.api.score import metric_names

    return [name for name in metric_names() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Return model files and folders that begin with what is typed."""
    head, mark, tail = incomplete.rpartition("/")
    place = Path(head + mark) if mark else Path()
    if not place.is_dir():
        return []
    found = sorted(p for p in place.iterdir() if p.name.startswith(tail) and (p.is_dir() or p.suffix == ".onnx"))
    return [f"{head}{mark}{p.name}{'/' if p.is_dir() else ''}" for p in found if tail or not p.name.startswith(".")]


def words(*known: str) -> Callable[[str], list[str]]:
    """Return a completion that offers fixed words."""
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]
