"""How a server runs, checked before it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from afield.core.errors import ProblemError

LOG_LEVELS = ("error", "warning", "info", "debug")
_RANGES = {"port": (0, 65_535), "workers": (1, 256), "max_bytes": (1, 2**31), "timeout_s": (0.001, 86_400)}
BATCHING = ("auto", "on", "off")


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What can be chosen.

    Parameters
    ----------
    sources : tuple of Path
        Model files, and folders with ``NAME.onnx`` or ``NAME/VERSION/model.onnx``.
    host : str
        Address to listen on.
    port : int
        0 takes a free one.
    token_file : Path or None
        File with the bearer token that requests must carry; health needs none.
    workers : int
        Processes.
    max_bytes : int
        Largest body of a request, unpacked.
    timeout_s : float
        For a body to arrive, and for a model to answer.
    log_level : {"error", "warning", "info", "debug"}
        info tells of starts, stops, loads and refused requests; debug of every request.
    batch : {"auto", "on", "off"}
        Whether rows that arrive together go through the graph together.
    cors : tuple of str
        Origins whose pages may ask; none unless named.

    Raises
    ------
    ProblemError
        ``problem.option``.
    """

    sources: tuple[Path, ...]
    host: str = "127.0.0.1"
    port: int = 8080
    token_file: Path | None = None
    workers: int = 1
    max_bytes: int = 16 * 2**20
    timeout_s: float = 30.0
    log_level: str = "info"
    batch: str = "auto"
    cors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _unusable(name, str(value), f"{low:g} to {high:g}")
        for name, known in (("log_level", LOG_LEVELS), ("batch", BATCHING)):
            if getattr(self, name) not in known:
                raise _unusable(name, getattr(self, name), ", ".join(known))
        if self.workers > 1 and not self.port:
            raise _unusable("port", "0", "a port of its own where there are several workers")

    def token(self) -> str:
        """Return the bearer token, empty where none is wanted.

        Raises
        ------
        ProblemError
            ``problem.option``: the file cannot be read, or holds no token.
        """
        if self.token_file is None:
            return ""
        try:
            found = self.token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _unusable("token_file", str(self.token_file), "a readable file with one ASCII line") from error
        if not found or not found.isprintable() or " " in found:
            raise _unusable(
                "token_file", str(self.token_file), "one line of ASCII, such as `openssl rand -hex 32` prints"
            )
        return found

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can ask."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def _unusable(option: str, got: str, expected: str) -> ProblemError:
    flag = "--" + option.removesuffix("_s").replace("_", "-")
    return ProblemError("problem.option", f"The option {flag} cannot be used.", where=flag, got=got, expected=expected)
