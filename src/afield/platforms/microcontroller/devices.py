"""The catalogue of devices and boards: flash, RAM, clock, and where these figures come from."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from afield.core.errors import UnsupportedError, did_you_mean

CATALOGUE = Path(__file__).with_name("devices.toml")


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device or board.

    Parameters
    ----------
    name, title : str
    core : str
        Instruction set by its common name.
    flash_bytes, ram_bytes, clock_hz : int
    code : float
        Size of code against that of its board; where no board stands for the device, against a Cortex-M4F's.
    board : str
        The emulated board that runs its proofs; "" where none does.
    source : str
    double_bytes : int
        Of C's double; where it is 4, what needs float64 is refused.
    lacks : tuple of str
        Functions of math.h that its library is without.
    """

    name: str
    title: str
    core: str
    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    code: float
    board: str
    source: str
    double_bytes: int = 8
    lacks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


@cache
def devices() -> dict[str, Device]:
    """Return all devices by name, in the catalogue's order."""
    table = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {n: Device(name=n, **{**fields, "lacks": tuple(fields.get("lacks", ()))}) for n, fields in table.items()}


def device_named(name: str) -> Device:
    """Return a device.

    Raises
    ------
    UnsupportedError
        ``device.unknown``.
    """
    known = devices()
    if name not in known:
        raise UnsupportedError(
            "device.unknown",
            f"There is no device {name!r} in the catalogue.",
            where="--device",
            expected=did_you_mean(name, list(known)),
            fix="`afield devices` lists them.",
        )
    return known[name]
