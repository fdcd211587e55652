"""A recipe: parts and their settings for one candidate. Serialisable, no arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from afield.core.randomness import digest


@dataclass(frozen=True, kw_only=True)
class Use:
    """One part with its settings; an encoder also names the column kind that it encodes."""

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
    def id(self) -> str:
        """Short, readable and unique: the part's name and a digest of the rest."""
        return f"{self.part}-{digest(self.to_json())[:8]}"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Encoders, in the order of their features, and a learner."""

    name: str
    encoders: tuple[Use, ...]
    learner: Use

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        encoders = [e.to_json() for e in self.encoders]
        return {"name": self.name, "encoders": encoders, "learner": self.learner.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Return what ``to_json`` wrote."""
        encoders = tuple(Use.from_json(e) for e in data["encoders"])
        return cls(name=data["name"], encoders=encoders, learner=Use.from_json(data["learner"]))

    @property
    def id(self) -> str:
        """Equal for equal parts and settings, whatever the name."""
        return digest([self.to_json() | {"name": ""}])
