"""What ``import afield`` offers is a promise: it changes only together with ``api.txt`` and the changelog.

After a wanted change: ``python tests/surface/test_api.py`` writes the file anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import afield
from afield.parts.protocol import Encoder, FitContext, FittedEncoder, FittedLearner, Learner
from afield.search.recipe import Recipe, Use

STORED = Path(__file__).with_name("api.txt")
#: beyond the facade: what packages of parts, and users of studies, hold on to
BELOW: tuple[Any, ...] = (Encoder, FittedEncoder, Learner, FittedLearner, FitContext, Recipe, Use)


def members(cls: type) -> Iterator[str]:
    """Yield one line for each public field, method and property that the class defines or inherits from afield."""
    fields = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    yield from (f"  {name}" for name in fields)
    for name in sorted(dir(cls)):
        owner = next((c for c in cls.__mro__ if name in vars(c)), object)
        if name.startswith("_") or name in fields or not owner.__module__.startswith("afield"):
            continue
        if re.fullmatch("set_.*_request", name):  # scikit-learn's own
            continue
        member = inspect.getattr_static(cls, name)
        if isinstance(member, staticmethod | classmethod):
            yield f"  {name}{inspect.signature(member.__func__)}"
        elif inspect.isfunction(member):
            yield f"  {name}{inspect.signature(member)}"
        else:
            yield f"  {name}"


def surface() -> str:
    """Return the public surface, one name a line."""
    lines = []
    for name, value in [(n, getattr(afield, n)) for n in afield.__all__] + [(c.__name__, c) for c in BELOW]:
        if name == "__version__":
            continue
        if inspect.isclass(value):
            shown = "" if dataclasses.is_dataclass(value) or value in BELOW else str(inspect.signature(value))
            lines += [f"class {name}{shown}", *members(value)]
        else:
            lines.append(f"{name}{inspect.signature(value)}")
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", "\n".join(lines) + "\n")


def test_the_surface_is_as_promised() -> None:
    assert surface() == STORED.read_text(encoding="utf-8")


def test_public_names_are_explained() -> None:
    for name in afield.__all__:
        value = getattr(afield, name)
        if name != "__version__":
            assert inspect.getdoc(value), name


def test_the_model_stays_thin() -> None:
    """The facade object must not grow a method for each wish."""
    assert len([n for n in dir(afield.Model) if not n.startswith("_")]) <= 12


if __name__ == "__main__":
    STORED.write_text(surface(), encoding="utf-8")
