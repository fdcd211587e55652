"""GRU and LSTM with their standard activations, forward, reverse and both, either layout."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.kernel import Kernel
from afield.platforms.microcontroller.ir import DType
from afield.platforms.microcontroller.operators import Operator, Site, register

_STANDARD = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}


class _Recurrent(Operator):
    """Inputs: X, W, R, B, sequence_lens, initial_h (and initial_c, P); outputs: Y, Y_h (and Y_c)."""

    gates = 0

    def problems(self, at: Site) -> list[str]:
        """Float32, standard activations, no clipping."""
        floats = [t for i in range(at.count) if i != 4 and (t := at.given(i)) is not None]
        found = [] if all(t.dtype is DType.FLOAT32 for t in floats) else ["only float32 is supported here."]
        named = at.attribute("activations")
        if isinstance(named, tuple) and named:
            standard = _STANDARD[at.node.op]
            if any(n.lower() != standard[i % len(standard)] for i, n in enumerate(named)):
                found.append(f"only the activations {', '.join(standard)} are supported.")
        if at.number("clip") or at.integer("input_forget"):
            found.append("clip and input_forget are not supported.")
        return found

    def macs(self, at: Site) -> int:
        """Return one for each weight and step."""
        steps = at.input().size // at.input().shape[-1]
        return steps * (at.input(1).size + at.input(2).size)

    def scratch_bytes(self, at: Site) -> int:
        """Return room for gates, state and one more vector."""
        return 4 * (self.gates + 2) * at.input(2).shape[-1]

    def emit(self, at: Site, kernel: Kernel) -> None:
        """One sequence after the other; a step computes all gates, then the state."""
        hidden, ins = at.input(2).shape[-1], at.input().shape[-1]
        directions, batched_first = at.input(1).shape[0], at.integer("layout") == 1
        batch, steps = at.input().shape[:2] if batched_first else at.input().shape[1::-1]
        names = ("x", "w", "r", "bias", "lengths", "first_h", "first_c", "peephole")
        for index, name in enumerate(names):
            if at.given(index) is not None:
                kernel.input(index, name)
        for index, name in enumerate(("y", "last_h", "last_c")):
            if at.wants(index):
                kernel.output(index, name)
        kernel.scratch("float", "gates")
        wide = self.gates * hidden
        kernel.line(f"float *const h = gates + {wide}, *const c = h + {hidden};")
        backwards = at.text("direction", "forward")
        with kernel.loop("d", directions) as d, kernel.loop("n", batch) as n:
            state = f"({n} * {directions} + {d}) * {hidden}" if batched_first else f"({d} * {batch} + {n}) * {hidden}"
            state = (
                state.replace("(n ", f"({n} ")
                .replace("+ d)", f"+ {d})")
                .replace("(d ", f"({d} ")
                .replace("+ n)", f"+ {n})")
            )
            with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
                for index, vector, given in ((5, "h", "first_h"), (6, "c", "first_c")):
                    known = index < 6 or at.node.op == "LSTM"
                    value = f"{given}[{state} + j]" if known and at.given(index) is not None else "0.0f"
                    kernel.line(f"{vector}[j] = {value};")
            length = str(steps)
            if at.given(4) is not None:
                kernel.line(f"const int length = (int)lengths[{n}];")
                length = "length"
                if at.wants(0):  # what lies behind a short sequence is zero
                    with kernel.block(f"for (int t = length; t < {steps}; ++t)"):
                        kernel.line(f"for (int j = 0; j < {hidden}; ++j)")
                        kernel.line(f"    y[{_place(at, 't', n, d)} * {hidden} + j] = 0.0f;")
            with kernel.block(f"for (int s = 0; s < {length}; ++s)"):
                turned = f"{length} - 1 - s"
                both = f"{d} ? {turned} : s"
                kernel.line(f"const int t = {turned if backwards == 'reverse' else both if d == 'd' else 's'};")
                place = f"({n} * {steps} + t)" if batched_first else f"(t * {batch} + {n})"
                kernel.line(f"const float *const p = x + {place} * {ins};")
                self.step(at, kernel, d, hidden, ins)
                if at.wants(0):
                    with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
                        kernel.line(f"y[{_place(at, 't', n, d)} * {hidden} + j] = h[j];")
            for index, name, vector in ((1, "last_h", "h"), (2, "last_c", "c")):
                if at.wants(index):
                    with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
                        kernel.line(f"{name}[{state} + j] = {vector}[j];")

    def step(self, at: Site, kernel: Kernel, d: str, hidden: int, ins: int) -> None:
        """Write one step: from x at p and the state h (and c) to the next state."""
        raise NotImplementedError

    def sums(self, at: Site, kernel: Kernel, d: str, count: int, hidden: int, ins: int) -> None:
        """Write gates[0 .. count) = W p + R h + both biases."""
        wide = self.gates * hidden
        biased = at.given(3) is not None
        with kernel.block(f"for (int g = 0; g < {count}; ++g)"):
            start = f"bias[{d} * {2 * wide} + g] + bias[{d} * {2 * wide} + {wide} + g]" if biased else "0.0f"
            kernel.line(f"float a = {start};")
            kernel.line(f"const {kernel.rom}float *const wg = w + ({d} * {wide} + g) * {ins};")
            kernel.line(f"const {kernel.rom}float *const rg = r + ({d} * {wide} + g) * {hidden};")
            kernel.line(f"for (int k = 0; k < {ins}; ++k)")
            kernel.line("    a += p[k] * wg[k];")
            kernel.line(f"for (int k = 0; k < {hidden}; ++k)")
            kernel.line("    a += h[k] * rg[k];")
            kernel.line("gates[g] = a;")


def _place(at: Site, t: str, n: str, d: str) -> str:
    """Return where a step's state lies in Y, in vectors: [steps, directions, batch] or [batch, steps, directions]."""
    directions, second = at.input(1).shape[0], at.input().shape[1]
    if at.integer("layout") == 1:
        return f"(({n} * {second} + {t}) * {directions} + {d})"
    return f"(({t} * {directions} + {d}) * {second} + {n})"


@register("LSTM")
class LSTM(_Recurrent):
    """Gates in the order input, output, forget, cell; P holds peepholes of the first three."""

    gates = 4

    def step(self, at: Site, kernel: Kernel, d: str, hidden: int, ins: int) -> None:
        """Write one step."""
        self.sums(at, kernel, d, 4 * hidden, hidden, ins)
        peeps = [f" + peephole[{d} * {3 * hidden} + {k * hidden} + j] * " for k in range(3)]
        peeps = peeps if at.given(7) is not None else ["", "", ""]
        old, new = (" c[j]", " c[j]") if at.given(7) is not None else ("", "")
        with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
            kernel.line(f"const float i = 1.0f / (1.0f + expf(-(gates[j]{peeps[0]}{old.strip()})));")
            kernel.line(f"const float f = 1.0f / (1.0f + expf(-(gates[{2 * hidden} + j]{peeps[2]}{old.strip()})));")
            kernel.line(f"c[j] = f * c[j] + i * tanhf(gates[{3 * hidden} + j]);")
            kernel.line(f"const float o = 1.0f / (1.0f + expf(-(gates[{hidden} + j]{peeps[1]}{new.strip()})));")
            kernel.line("h[j] = o * tanhf(c[j]);")


@register("GRU")
class GRU(_Recurrent):
    """Gates in the order update, reset, hidden."""

    gates = 3

    def step(self, at: Site, kernel: Kernel, d: str, hidden: int, ins: int) -> None:
        """Write one step; c holds what the hidden gate sees of the state."""
        self.sums(at, kernel, d, 2 * hidden, hidden, ins)
        linear, biased, wide = bool(at.integer("linear_before_reset")), at.given(3) is not None, 3 * hidden
        with kernel.block(f"for (int j = 0; j < {2 * hidden}; ++j)"):
            kernel.line("gates[j] = 1.0f / (1.0f + expf(-gates[j]));")
        if not linear:
            with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
                kernel.line(f"c[j] = gates[{hidden} + j] * h[j];")
        with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
            own = f"{d} * {2 * wide} + {2 * hidden} + j"
            kernel.line(f"float a = {f'bias[{own}]' if biased else '0.0f'};")
            kernel.line(f"float b = {f'bias[{own} + {wide}]' if biased else '0.0f'};")
            kernel.line(f"const {kernel.rom}float *const wg = w + ({d} * {wide} + {2 * hidden} + j) * {ins};")
            kernel.line(f"const {kernel.rom}float *const rg = r + ({d} * {wide} + {2 * hidden} + j) * {hidden};")
            kernel.line(f"for (int k = 0; k < {ins}; ++k)")
            kernel.line("    a += p[k] * wg[k];")
            kernel.line(f"for (int k = 0; k < {hidden}; ++k)")
            kernel.line(f"    b += {'h' if linear else 'c'}[k] * rg[k];")
            reset = f"gates[{hidden} + j] * b" if linear else "b"
            kernel.line(f"gates[{2 * hidden} + j] = tanhf(a + {reset});")
        with kernel.block(f"for (int j = 0; j < {hidden}; ++j)"):
            kernel.line(f"h[j] = (1.0f - gates[j]) * gates[{2 * hidden} + j] + gates[j] * h[j];")
