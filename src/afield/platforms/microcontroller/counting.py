"""What a network's C asks of a chip, counted in its text: tokens, operations on floats, functions of math.h.

No compiler is asked: types of operands are read off the declarations, which the emitters write in one style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_TOKEN = re.compile(
    r"[A-Za-z_]\w*|(?:\d+\.\d*|\d*\.\d+|\d+)(?:e[+-]?\d+)?[fuUlL]*"
    r"|<<=|>>=|[-+*/<>=!&|^%]=|<<|>>|&&|\|\||\+\+|--|->|[^\s\w]"
)
_DECLARED = re.compile(r"\b(float|double)\s+((?:\*\s*(?:const\s+)?)?\w+)(?=([^;{}()]*))")
_FUNCTION = re.compile(r"\b(float|double)\s+(\w+)\(")
_OPERATORS = {"+": "+", "-": "-", "*": "*", "/": "/", "+=": "+", "-=": "-", "*=": "*", "/=": "/", "<": "<", ">": "<",
              "<=": "<", ">=": "<", "==": "=", "!=": "="}  # fmt: skip
_INTEGERS = r"(?:u?int(?:8|16|32)_t|int|unsigned)"
_TYPES = frozenset({"return", "const", "float", "double", "int", "unsigned", "char", "void"})
#: functions of math.h by the names that the table of libraries has
_MATHS = re.compile(r"\b(sin|cos|tan|asin|acos|atan|sinh|cosh|tanh|asinh|acosh|atanh|sqrt|exp|log|log2|expm1|log1p|erf|"
                    r"floor|ceil|round|rint|trunc|pow|fmod|copysign)(f?)\(")  # fmt: skip
_LEAF = re.compile(r"\bsum \+= [^;]*f;")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a text asks for.

    Parameters
    ----------
    calls : int
        Tokens of the function that calls the others.
    kernels : int
        Tokens inside of these; of trees as branches none.
    branches : int
        Loops and conditions.
    floats, doubles : int
        Operations on such numbers.
    leaves : int
        Of trees as branches.
    operations : frozenset of str
        As the table of libraries names them.
    """

    calls: int
    kernels: int
    branches: int
    floats: int
    doubles: int
    leaves: int
    operations: frozenset[str]


def counted(functions: str, body: str, *, dsp: bool = False) -> Counts:
    """Return the counts of C; ``dsp`` says whether the chip has Cortex-M's DSP instructions."""
    text = chosen(_COMMENT.sub(" ", f"{functions}\n{body}"), dsp=dsp)
    tokens, calls = _TOKEN.findall(text), len(_TOKEN.findall(_COMMENT.sub(" ", body)))
    heads = sum(len(_TOKEN.findall(head)) for head in re.findall(r"^static [^{]*\{", text, re.M))
    leaves = len(_LEAF.findall(text)) if "forest_branches" in text else 0
    single, wide = _given(text, "float"), _given(text, "double")
    operations, floats, doubles = set[str](), 0, 0
    for one in re.split(r"^}", text, flags=re.M):
        found = list(_operations(one, single, wide))
        floats += sum(name.startswith("float") for name in found)
        doubles += sum(name.startswith("double") for name in found)
        operations |= {*found, *_conversions(one, single)}
    for name, suffix in _MATHS.findall(text):
        operations.add(name + suffix)
    return Counts(
        calls=calls,
        kernels=max(0, len(tokens) - calls - heads - 20 * leaves),
        branches=max(0, sum(token in ("for", "if", "while", "do", "?") for token in tokens) - leaves),
        floats=floats,
        doubles=doubles,
        leaves=leaves,
        operations=frozenset(operations),
    )


def _given(text: str, kind: str) -> set[str]:
    """Return the functions that give numbers of a kind."""
    return {name for found, name in _FUNCTION.findall(text) if found == kind}


def _declared(function: str, kind: str) -> set[str]:
    """Return the names of numbers of a kind; of pointers and arrays with ``@`` behind, as their elements are told."""
    names: set[str] = set()
    for found, name, rest in _DECLARED.findall(_flat(function)):
        if found == kind:
            more = re.findall(r",\s*(\*?\s*\w+\s*@?)\s*(?=,|$)", re.sub(r"=[^,;]*", "", rest))
            first = f"{name}{'@' if rest.lstrip().startswith('@') else ''}"
            for one in (first, *more):
                bare = re.sub(r"\bconst\b|[*@\s]", "", one)
                names.add(bare + ("@" if "*" in one or "@" in one else ""))
    return names


def _operations(function: str, single: set[str], wide: set[str]) -> Iterator[str]:
    """Yield the operations on floats and doubles, each time that one stands there."""
    single, wide = single | _declared(function, "float"), wide | _declared(function, "double")
    tokens = _TOKEN.findall(_flat(function))
    for at, token in enumerate(tokens[:-1]):
        sign = _OPERATORS.get(token)
        if sign is None or not at:
            continue
        sides = _left(tokens, at - 1), _right(tokens, at + 1)
        if None in sides:
            continue
        if any(n in wide for n in sides):
            yield "double" + sign
        elif any(n in single or re.fullmatch(r"[\d.e+-]+f", n or "") for n in sides):
            yield "float" + sign


def _conversions(function: str, single: set[str]) -> Iterator[str]:
    flat, names = _flat(function), {n.rstrip("@") for n in single | _declared(function, "float")}
    if re.search(rf"\({_INTEGERS}\)\(?-?(?:{'|'.join(map(re.escape, sorted(names))) or '0'})\b", flat):
        yield "float>int"
    unsigned = set(re.findall(r"\b(?:uint(?:8|16|32)_t|unsigned)\s+[*\s]*(?:const\s+)?(\w+)", flat))
    real = {n.rstrip("@") for n in _declared(function, "double")} | names
    for cast in re.findall(r"\(float\)\(?-?(\w+)", flat):
        if cast not in real:
            yield "unsigned>float" if cast in unsigned else "int>float"
    if re.search(r"\bdouble\b", function):
        yield from ("double>float", "float>double")
    if re.search(r"\(int64_t\)[^;]*\*", flat):
        yield "long*"
    if re.search(r"\b\w+ % \w", flat):
        yield "int/"
    if any(not re.search(r"sizeof \w+$|\b[1-8]$", call) for call in re.findall(r"\bmemcpy\(([^;]*)\);", function)):
        yield "memcpy"


def _flat(text: str) -> str:
    """Return a text with ``@`` for what stands in brackets: indices are whole numbers."""
    while (shorter := re.sub(r"\[[^\[\]]*\]", "@", text)) != text:
        text = shorter
    return text


def chosen(text: str, *, dsp: bool) -> str:
    """Return a text with its conditions on the compiler settled, as gcc settles them for a chip."""
    lines: list[str] = []
    states: list[bool] = []
    for line in text.splitlines():
        directive = re.match(r"\s*#\s*(if|else|endif)\b(.*)", line)
        if directive is None:
            if all(states):
                lines.append(line)
        elif directive[1] == "if":
            states.append(dsp if "__ARM_FEATURE_DSP" in directive[2] else "__GNUC__" in directive[2])
        elif directive[1] == "else":
            states[-1] = not states[-1]
        else:
            states.pop()
    return "\n".join(lines)


def _left(tokens: list[str], at: int) -> str | None:
    """Return the operand that ends at a token, an element of an array with ``@`` behind; None where there is none."""
    while at > 0 and tokens[at] == ")":
        at -= 1
    element = ""
    while at > 0 and tokens[at] == "@":
        at, element = at - 1, "@"
    name = tokens[at]
    if not re.match(r"[\w.]", name) or name in _TYPES or name.endswith(("_t", "_ROM")):
        return None
    before = tokens[at - 1] if at else ""
    if before == "*" and not re.match(r"[\w.@)]", tokens[at - 2] if at > 1 else ""):
        element = "@"  # what a pointer points to
    return name + element


def _right(tokens: list[str], at: int) -> str | None:
    """Return the operand that begins at a token; see ``_left``."""
    element = ""
    while at < len(tokens) and tokens[at] in ("(", "-", "*", "+"):
        at, element = at + 1, "@" if tokens[at] == "*" else element
    if at >= len(tokens) or not re.match(r"[\w.]", tokens[at]):
        return None
    follows = tokens[at + 1] if at + 1 < len(tokens) else ""
    return tokens[at] + ("@" if follows == "@" else element)
