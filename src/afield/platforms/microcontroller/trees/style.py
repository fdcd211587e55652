"""How trees are laid out in C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Leaves = Literal["float", "int16"]


@dataclass(frozen=True, kw_only=True)
class TreeStyle:
    """A choice between size and speed.

    Parameters
    ----------
    branches : bool
        Nested ifs instead of tables that a loop walks: about half of the instructions, about three times the flash.
    leaves : {"float", "int16"}
        ``int16`` halves the leaves; a sum is then off by at most half a step for each tree (``Packed.bound``).
    """

    branches: bool = False
    leaves: Leaves = "float"
