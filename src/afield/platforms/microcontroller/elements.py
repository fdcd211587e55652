"""What each elementwise operator computes, as C expressions over one element: data for ``ops/elementwise`` and fusion.

An entry takes a ``Scalars`` (types, literals, attributes) and returns an expression over the locals ``a`` (and ``b``).
Integer arithmetic wraps as in numpy, by way of unsigned types, so that no overflow is undefined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afield.platforms.microcontroller.emission.literals import literal
from afield.platforms.microcontroller.ir import Attribute, DType


@dataclass(frozen=True, kw_only=True)
class Scalars:
    """One element's operands: the type of ``a``, that of the result, and the node's attributes."""

    dtype: DType
    result: DType
    attributes: dict[str, Attribute]

    @property
    def f(self) -> str:
        """Suffix of math.h's functions."""
        return "f" if self.dtype is DType.FLOAT32 else ""

    def lit(self, value: float) -> str:
        """Return a literal of the operands' type."""
        return literal(value, self.dtype)

    def number(self, name: str, default: float) -> str:
        """Return an attribute as a literal."""
        value = self.attributes.get(name, default)
        return self.lit(float(value) if isinstance(value, int | float) else default)


Entry = Callable[[Scalars], str]

_UNSIGNED = dict.fromkeys((DType.INT8, DType.UINT8, DType.INT16, DType.UINT16), "unsigned")
_UNSIGNED |= dict.fromkeys((DType.INT32, DType.UINT32), "uint32_t")
_UNSIGNED |= dict.fromkeys((DType.INT64, DType.UINT64), "uint64_t")
_SIGNED = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)


def _arithmetic(sign: str) -> Entry:
    def entry(s: Scalars) -> str:
        if s.dtype.is_float:
            return f"a {sign} b"
        wide = _UNSIGNED[s.dtype]
        return f"({wide})a {sign} ({wide})b"

    return entry


def _compare(sign: str) -> Entry:
    return lambda s: f"a {sign} b ? 1 : 0"


def _call(name: str) -> Entry:
    return lambda s: f"{name}{s.f}(a)"


def _divide(s: Scalars) -> str:
    if s.dtype.is_float:
        return "a / b"
    if s.dtype in (DType.INT32, DType.INT64):  # the least number has no negative
        wide = _UNSIGNED[s.dtype]
        return f"b == 0 ? 0 : b == -1 ? ({s.dtype.c})(0 - ({wide})a) : a / b"
    return "b == 0 ? 0 : a / b"


def _mod(s: Scalars) -> str:
    if s.attributes.get("fmod"):
        return f"fmod{s.f}(a, b)" if s.dtype.is_float else "b == 0 || b == -1 ? 0 : a % b" if s.dtype in _SIGNED else (
            "b == 0 ? 0 : a % b")  # fmt: skip
    if s.dtype in _SIGNED:
        return "b == 0 || b == -1 ? 0 : (a % b != 0 && (a < 0) != (b < 0)) ? a % b + b : a % b"
    return f"floor_mod{s.f}(a, b)" if s.dtype.is_float else "b == 0 ? 0 : a % b"


def _power(s: Scalars) -> str:
    if s.dtype is DType.FLOAT32:
        return "powf(a, (float)b)"
    return "pow((double)a, (double)b)"


def _absolute(s: Scalars) -> str:
    if s.dtype.is_float:
        return f"fabs{s.f}(a)"
    return f"a < 0 ? 0 - ({_UNSIGNED[s.dtype]})a : ({_UNSIGNED[s.dtype]})a" if s.dtype in _SIGNED else "a"


def _negative(s: Scalars) -> str:
    return "-a" if s.dtype.is_float else f"0 - ({_UNSIGNED[s.dtype]})a"


def _sign(s: Scalars) -> str:
    if s.dtype in (DType.UINT8, DType.UINT16, DType.UINT32, DType.UINT64):
        return "a > 0 ? 1 : 0"
    nothing = "a" if s.dtype.is_float else "0"
    return f"a > 0 ? {s.lit(1)} : a < 0 ? {s.lit(-1)} : {nothing}"


def _clip(s: Scalars) -> str:
    low, high = s.attributes.get("min"), s.attributes.get("max")
    above = f"a > {s.lit(high)} ? {s.lit(high)} : a" if isinstance(high, int | float) else "a"
    if not isinstance(low, int | float):
        return above
    if isinstance(high, int | float) and low > high:  # the upper limit wins, as in min(max(x, low), high)
        return s.lit(high)
    return f"a < {s.lit(low)} ? {s.lit(low)} : {above}"


def _selu(s: Scalars) -> str:
    alpha, gamma = s.number("alpha", 1.67326319217681884765625), s.number("gamma", 1.05070102214813232421875)
    return f"{gamma} * (a > 0 ? a : {alpha} * (exp{s.f}(a) - {s.lit(1)}))"


def _gelu(s: Scalars) -> str:
    half, one = s.lit(0.5), s.lit(1)
    if s.attributes.get("approximate") == "tanh":
        return f"{half} * a * ({one} + tanh{s.f}({s.lit(0.7978845608028654)} * (a + {s.lit(0.044715)} * a * a * a)))"
    return f"{half} * a * ({one} + erf{s.f}(a * {s.lit(0.7071067811865476)}))"


def _is_infinite(s: Scalars) -> str:
    sides = [w for w, k in (("a > 0", "detect_positive"), ("a < 0", "detect_negative")) if s.attributes.get(k, 1)]
    return f"isinf(a) && ({' || '.join(sides)}) ? 1 : 0" if sides else "0"


def _shift(s: Scalars) -> str:
    signed, bits = s.dtype in _SIGNED, 8 * s.dtype.size_bytes
    beyond = f"b < 0 || b >= {bits}" if signed else f"b >= {bits}"
    if s.attributes.get("direction") == "LEFT":
        return f"{beyond} ? 0 : ({_UNSIGNED[s.dtype]})a << b"
    return f"{beyond} ? {'(a < 0 ? -1 : 0)' if signed else '0'} : a >> b"


#: operators of one input
UNARY: dict[str, Entry] = {
    "Abs": _absolute,
    "Neg": _negative,
    "Sign": _sign,
    "Relu": lambda s: f"a < 0 ? {s.lit(0)} : a",
    "Clip": _clip,
    "Reciprocal": lambda s: f"{s.lit(1)} / a",
    "LeakyRelu": lambda s: f"a < 0 ? {s.number('alpha', 0.01)} * a : a",
    "ThresholdedRelu": lambda s: f"a > {s.number('alpha', 1.0)} ? a : {s.lit(0)}",
    "Elu": lambda s: f"a < 0 ? {s.number('alpha', 1.0)} * (exp{s.f}(a) - {s.lit(1)}) : a",
    "Celu": lambda s: (
        f"a < 0 ? {s.number('alpha', 1.0)} * (exp{s.f}(a / {s.number('alpha', 1.0)}) - {s.lit(1)}) : a"
    ),
    "Selu": _selu,
    "Sigmoid": lambda s: f"{s.lit(1)} / ({s.lit(1)} + exp{s.f}(-a))",
    "HardSigmoid": lambda s: (
        f"fmax{s.f}({s.lit(0)}, fmin{s.f}({s.lit(1)}, {s.number('alpha', 0.2)} * a + {s.number('beta', 0.5)}))"
    ),
    "HardSwish": lambda s: f"a * fmax{s.f}({s.lit(0)}, fmin{s.f}({s.lit(1)}, a / {s.lit(6)} + {s.lit(0.5)}))",
    "Softplus": lambda s: f"a > 0 ? a + log1p{s.f}(exp{s.f}(-a)) : log1p{s.f}(exp{s.f}(a))",
    "Softsign": lambda s: f"a / ({s.lit(1)} + fabs{s.f}(a))",
    "Mish": lambda s: f"a * tanh{s.f}(a > 0 ? a + log1p{s.f}(exp{s.f}(-a)) : log1p{s.f}(exp{s.f}(a)))",
    "Swish": lambda s: f"a / ({s.lit(1)} + exp{s.f}(-({s.number('alpha', 1.0)} * a)))",
    "Gelu": _gelu,
    "Round": lambda s: f"nearbyint{s.f}(a)",
    "Not": lambda s: "a ? 0 : 1",
    "BitwiseNot": lambda s: "~a",
    "IsNaN": lambda s: "isnan(a) ? 1 : 0",
    "IsInf": _is_infinite,
    **{
        op: _call(c)
        for op, c in {
            "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin",
            "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Tanh": "tanh", "Asinh": "asinh",
            "Acosh": "acosh", "Atanh": "atanh", "Erf": "erf", "Floor": "floor", "Ceil": "ceil",
        }.items()
    },
}  # fmt: skip

#: operators of two inputs
BINARY: dict[str, Entry] = {
    "Add": _arithmetic("+"),
    "Sub": _arithmetic("-"),
    "Mul": _arithmetic("*"),
    "Div": _divide,
    "Mod": _mod,
    "Pow": _power,
    "Min": lambda s: "a < b || a != a ? a : b" if s.dtype.is_float else "a < b ? a : b",
    "Max": lambda s: "a > b || a != a ? a : b" if s.dtype.is_float else "a > b ? a : b",
    "PRelu": lambda s: "a < 0 ? a * b : a",
    "And": lambda s: "a && b ? 1 : 0",
    "Or": lambda s: "a || b ? 1 : 0",
    "Xor": lambda s: "a != b ? 1 : 0",
    "Equal": _compare("=="),
    "Less": _compare("<"),
    "Greater": _compare(">"),
    "LessOrEqual": _compare("<="),
    "GreaterOrEqual": _compare(">="),
    "BitShift": _shift,
    "BitwiseAnd": lambda s: "a & b",
    "BitwiseOr": lambda s: "a | b",
    "BitwiseXor": lambda s: "a ^ b",
}

#: those of the unary ones that a producer may apply to a finished element
FUSED = frozenset(UNARY) - {"Not", "BitwiseNot", "IsNaN", "IsInf", "Abs", "Sign"}


def expression(op: str, scalars: Scalars) -> str:
    """Return the C of an elementwise operator over ``a`` and ``b``, of the result's type."""
    text = (UNARY.get(op) or BINARY[op])(scalars)
    if scalars.result is scalars.dtype and scalars.dtype.is_float:
        return text
    return f"({scalars.result.c})({text})"
