"""A recipe: parts and their settings for one candidate. Serialisable, no arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from afield.core.randomness import digest
from afield.core.registry import find_part


@dataclass(frozen=True, kw_only=True)
class Use:
    """One part with its settings; an encoder also names the column kind that it encodes.

    An encoder of several kinds names them sorted and joined: ``category+number``.
    """

    part: str
    settings: Mapping[str, Any]
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return {"part": self.part, "settings": dict(self.settings), "kind": self.kind}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Use:
        """Return what ``to_json`` wrote."""
        return cls(part=data["part"], settings=data["settings"], kind=data["kind"])

    @property
    def kinds(self) -> frozenset[str]:
        """The column kinds that an encoder takes."""
        return frozenset(self.kind.split("+"))

    @property
    def id(self) -> str:
        """Short, readable and unique: the part's name and a digest of the rest."""
        return f"{self.part}-{digest(self.to_json())[:8]}"


def kind_there(part: str, kind: str, there: Collection[str]) -> str:
    """Return what an encoder takes of a kind such as ``category+number`` where a table has the kinds ``there``.

    That is the kinds of both, joined, if the part's manifest has them as an input; "": the part is of no use here.
    """
    found = "+".join(sorted(frozenset(kind.split("+")) & frozenset(there)))
    entry = find_part(part)
    return found if entry is not None and found in entry.manifest["inputs"] else ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Encoders, in the order of their features, and a learner.

    ``lesson`` is empty, or says what a student learns beside the labels: ``labels`` (how) and ``teacher`` (trial to
    weight).
    """

    name: str
    encoders: tuple[Use, ...]
    learner: Use
    lesson: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        encoders = [e.to_json() for e in self.encoders]
        taught = {"lesson": dict(self.lesson)} if self.lesson else {}
        return {"name": self.name, "encoders": encoders, "learner": self.learner.to_json()} | taught

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Return what ``to_json`` wrote."""
        encoders = tuple(Use.from_json(e) for e in data["encoders"])
        learner = Use.from_json(data["learner"])
        return cls(name=data["name"], encoders=encoders, learner=learner, lesson=data.get("lesson", {}))

    @property
    def id(self) -> str:
        """Equal for equal parts and settings, whatever the name."""
        return digest([self.to_json() | {"name": ""}])
