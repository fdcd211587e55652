"""What a bundle for phones is made of: pieces that are built, written and proven each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from afield.core.proofs import Proof
from afield.model.model import Model
from afield.platforms.phone.options import PhoneOptions
from afield.platforms.protocol import Bundle, Probe


class Piece(Protocol):
    """One piece of the bundle."""

    name: str

    def wanted(self, options: PhoneOptions) -> bool:
        """Return whether the bundle is to have it."""
        ...

    def build(self, model: Model, options: PhoneOptions) -> Mapping[str, bytes]:
        """Return its files, path in the bundle to content. Nothing is written when a piece cannot be built.

        Raises
        ------
        MissingDependencyError
            ``dependency.missing``: a program that it takes is not on this machine.
        """
        ...

    def prove(self, bundle: Bundle, model: Model, probe: Probe) -> Sequence[Proof]:
        """Return what was run and checked of it, one proof for each runtime; ``platform`` names the runtime."""
        ...


@dataclass(frozen=True)
class Told:
    """A proof as lines for people."""

    proof: Proof

    def lines(self) -> list[str]:
        """Return its verdict, then its details."""
        return [self.proof.text(), *(f"  {line}" for line in self.proof.details)]


def joined(platform: str, proofs: Sequence[Proof]) -> Proof:
    """Return one proof of several: passed when all that ran passed; what did not run says so in the details.

    ``largest`` and ``tolerance`` are those of the proof nearest to its tolerance, or furthest over it.
    """
    ran = [p for p in proofs if p.ran]
    details = tuple(line for p in proofs for line in Told(p).lines())
    needs = "; ".join(f"{p.platform}: {p.needs}" for p in proofs if not p.ran)
    if not ran:
        return Proof(platform=platform, ran=False, how="", needs=needs, details=details)
    worst = max(ran, key=_strain)
    return Proof(
        platform=platform,
        ran=True,
        how="; ".join(dict.fromkeys(p.how for p in ran)),
        rows=sum(p.rows for p in ran),
        largest=worst.largest,
        tolerance=worst.tolerance,
        passed=all(p.passed for p in ran),
        details=details,
        needs=needs,
    )


def _strain(proof: Proof) -> float:
    """Return how much of its tolerance a proof used up; a NaN is over any."""
    used = proof.largest / proof.tolerance if proof.tolerance else float(proof.largest > 0)
    return used if used == used else float("inf")  # noqa: PLR0124 - NaN differs from itself
