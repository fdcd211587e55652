"""Places where a process can be told to die at once, so that tests can prove that nothing is lost there.

``AFIELD_FAILPOINT="journal.half:3"`` kills the process with SIGKILL at the third passing of that point.
"""

from __future__ import annotations

import os
import signal

#: name -> what has happened, and what has not, when the process dies there
FAILPOINTS: dict[str, str] = {
    "journal.write": "Records are ready; none of their bytes is in the journal.",
    "journal.half": "Half of the bytes of an append are in the journal.",
    "journal.synced": "The records are durable; nobody was told.",
    "artifact.replace": "An array or a state is whole in its temporary file, and not yet under its name.",
    "file.replace": "A file is whole in its temporary sibling, and not yet under its name.",
    "ensemble": "All trials have ended; the ensemble has not been chosen.",
}

VARIABLE = "AFIELD_FAILPOINT"


def _armed(text: str) -> tuple[str, int]:
    name, _, passing = text.partition(":")
    if text and name not in FAILPOINTS:
        raise ValueError(f"{VARIABLE}={text!r}: no such failpoint; one of {', '.join(FAILPOINTS)}")
    return name, int(passing or 1)


_name, _left = _armed(os.environ.get(VARIABLE, ""))


def failpoint(name: str) -> None:
    """Do nothing, unless the environment names this point: then die at its k-th passing, as ``kill -9`` would."""
    global _left  # noqa: PLW0603  the one count of this process
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows: SIGTERM ends at once
