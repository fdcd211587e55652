"""A proof: how a model was run somewhere, and how far its answers were off. What was not run says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How a model was run on a platform.

    Parameters
    ----------
    platform : str
        ``python``, ``browser``, ...
    ran : bool
        False where this machine lacks what it takes; ``needs`` then says what.
    how : str
        What ran the model, such as ``onnxruntime 1.31.1, new process``.
    rows : int
        Answers compared.
    largest : float
        Largest difference to the reference answers: absolute for probabilities; for regression relative to
        max(|y|, standard deviation of the target). NaN where an answer is missing on one side only.
    tolerance : float
        What ``largest`` may be, in the same unit.
    passed : bool
    details : tuple of str
        One sentence each: where answers differ, near ties, batch sizes.
    needs : str
        What a machine needs to run it; empty when it ran.
    """

    platform: str
    ran: bool
    how: str
    rows: int = 0
    largest: float = 0.0
    tolerance: float = 0.0
    passed: bool = False
    details: tuple[str, ...] = ()
    needs: str = ""

    @classmethod
    def not_run(cls, platform: str, needs: str) -> Proof:
        """Return the proof that says that nothing was run, and why."""
        return cls(platform=platform, ran=False, how="", needs=needs)

    def text(self) -> str:
        """Return one line for people."""
        if not self.ran:
            return f"{self.platform}: not run here: needs {self.needs}"
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"{self.platform}: {verdict}, {self.rows} answers, largest difference {self.largest:.2g} "
            f"(tolerance {self.tolerance:.2g}), {self.how}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object; a ``largest`` that is not finite becomes null."""
        largest = self.largest if abs(self.largest) < float("inf") else None
        return asdict(self) | {"details": list(self.details), "largest": largest}
