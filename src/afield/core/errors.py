"""One error class with a code, what was found, where, and what to do.

AfieldError
├── ProblemError            the question is wrong (also a ValueError)
├── DataError               the data is wrong (also a ValueError)
├── MissingDependencyError  an extra is not installed (also an ImportError)
├── UnsupportedError        afield cannot do this (yet)
├── DeviceLimitError        the model does not fit the device
├── ModelFileError          the model file is damaged, foreign or wrongly fed (also a ValueError)
├── EngineError             a worker, the journal or a study failed
└── OutputError             the output exists, cannot be written, or does not fit on the disk

Subclasses say who must act. Codes are listed in ``afield.core.codes``; each has an entry in the docs
and a test that triggers it.
"""

from __future__ import annotations

from afield.core.codes import CODES


class AfieldError(Exception):
    """Base of all afield errors.

    Parameters
    ----------
    code : str
        A key of ``afield.core.codes.CODES``.
    what : str
        One sentence: what was found.
    where : str
        File, column, row or option; empty when there is none.
    got, expected : str
        What was found against what was wanted; empty when there is none.
    fix : str
        What to do about it.
    """

    def __init__(
        self, code: str, what: str, *, where: str = "", got: str = "", expected: str = "", fix: str = ""
    ) -> None:
        if code not in CODES:
            raise KeyError(f"unregistered error code {code!r}: add it to afield/core/codes.py")
        self.code, self.what, self.where = code, what, where
        self.got, self.expected, self.fix = got, expected, fix
        super().__init__(self.text())

    def text(self) -> str:
        """Return the message as printed, one fact a line."""
        lines = [self.what]
        for name in ("where", "got", "expected", "fix"):
            if value := getattr(self, name):
                lines.append(f"  {name}: {value}")
        return "\n".join([*lines, f"  code: {self.code}"])

    def to_json(self) -> dict[str, str]:
        """Return the fields as a JSON object."""
        return {n: getattr(self, n) for n in ("code", "what", "where", "got", "expected", "fix")}


class ProblemError(AfieldError, ValueError):
    """The question asked cannot be answered as stated."""


class DataError(AfieldError, ValueError):
    """The data cannot be used as it is."""


class MissingDependencyError(AfieldError, ImportError):
    """A package that this call needs is not installed."""


class UnsupportedError(AfieldError):
    """Not within what afield can do."""


class DeviceLimitError(AfieldError):
    """Needs more than the device has."""


class ModelFileError(AfieldError, ValueError):
    """The model file, or what it was fed, is not as the file demands."""


class EngineError(AfieldError):
    """A worker, the journal or a study failed."""


class OutputError(AfieldError):
    """The output exists, cannot be written, or does not fit on the disk."""


def did_you_mean(word: str, known: list[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known word, else the list of known words."""
    from difflib import get_close_matches

    folded = {k.casefold(): k for k in known}
    near = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    shown = ", ".join(repr(k) for k in known[:20])
    return f"one of {shown}" + (f" and {len(known) - 20} more" if len(known) > 20 else "")
