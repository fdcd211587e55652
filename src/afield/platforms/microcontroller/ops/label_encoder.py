"""LabelEncoder over numbers: a table of keys, searched from the first, and the value of the key that is found."""

from __future__ import annotations

import numpy as np

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.following.steps import table_of
from afield.platforms.microcontroller.ir import Array, DType
from afield.platforms.microcontroller.operators import Operator, Site, register


@register("ai.onnx.ml.LabelEncoder")
class LabelEncoder(Operator):
    """One input and one output of numbers; texts are settled by ``tabular``."""

    def problems(self, at: Site) -> list[str]:
        """Refuse texts."""
        strings = DType.STRING in (at.input().dtype, at.output().dtype)
        return ["texts that do not come from a column, or go nowhere, have no form in C."] if strings else []

    def macs(self, at: Site) -> int:
        """Return the comparisons."""
        return at.output().size * max(1, len(_tables(at)[0]))

    def emit(self, at: Site, kernel: Kernel) -> None:
        """Search from the first key on."""
        keys, values, default = _tables(at)
        kernel.input(0, "x")
        kernel.output(0, "y")
        of, to = at.input().dtype, at.output().dtype
        otherwise = kernel.literal(default, to)
        if not len(keys):
            with kernel.loop("i", at.output().size) as i:
                kernel.line(f"y[{i}] = {otherwise};")
            return
        kernel.table(keys, "key", "keys")
        kernel.table(values, "value", "values")
        with kernel.loop("i", at.output().size) as i:
            kernel.line("int found = 0;")
            unlike = f"key[found] != x[{i}]"
            if of.is_float and at.integer("nan_is_key", 1) and np.isnan(keys).any():
                unlike = f"({unlike} && (key[found] == key[found] || x[{i}] == x[{i}]))"
            with kernel.block(f"while (found < {len(keys)} && {unlike})"):
                kernel.line("++found;")
            kernel.line(f"y[{i}] = found < {len(keys)} ? value[found] : {otherwise};")


def _tables(at: Site) -> tuple[Array, Array, float]:
    """Return keys and values in the types of input and output, and the default."""
    keys, values, default = table_of(dict(at.node.attributes))
    kinds = (at.input().dtype.numpy, at.output().dtype.numpy)
    return np.array(keys, kinds[0]), np.array(values, kinds[1]), -1 if default is None else default
