"""Runs the app's assembler without a phone: registers, labels and exceptions as Android's machine has them.

Classes of the app are interpreted; those of Android are stood in for by ``Framework``, which notes each call and
answers what a test told it to. A register that was never written, an unknown instruction or a missing label is an
error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALL = re.compile(r"invoke-(\w+) \{([^}]*)\}, (L[^;]+;)->([^(]+)\(([^)]*)\)(\S+)")
FIELD = re.compile(r"([vp]\d+), ([vp]\d+), (L[^;]+;)->(\w+):")
TYPES = re.compile(r"\[*(?:L[^;]+;|[A-Z])")


class Thrown(Exception):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(eq=False)
class Thing:
    """An object: of the app, with fields, or of Android, with what it was made from."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Method:
    name: str
    types: list[str]
    registers: int
    lines: list[str]
    labels: dict[str, int]
    catches: list[tuple[str, str, str, str]]


class Framework:
    """Android, as far as the tests told it: method name to answer, a function of the arguments or a value."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.calls = answers, []

    def call(self, owner: str, name: str, arguments: list[Any]) -> Any:
        self.calls.append((owner.strip("L;").rsplit("/", 1)[-1], name, arguments))
        answer = self.answers.get(name)
        return answer(*arguments) if callable(answer) else answer

    def named(self, name: str) -> list[list[Any]]:
        return [arguments for _, called, arguments in self.calls if called == name]


class Machine:
    def __init__(self, folder: Path, framework: Framework) -> None:
        self.framework = framework
        self.methods: dict[str, dict[str, Method]] = {}
        for path in sorted(folder.rglob("*.smali")):
            text = path.read_text(encoding="utf-8")
            owner = re.search(r"^\.class .*(L\S+;)$", text, re.MULTILINE)[1]
            bodies = re.findall(r"^\.method (.*?)^\.end method", text, re.MULTILINE | re.DOTALL)
            self.methods[owner] = {m.name: m for m in map(_method, bodies)}

    def new(self, owner: str, *arguments: Any) -> Thing:
        made = Thing(owner)
        self.run(made, "<init>", *arguments)
        return made

    def run(self, this: Thing, name: str, *arguments: Any) -> Any:
        method = self.methods[this.kind][name]
        assert len(arguments) == len(method.types), f"{name} takes {method.types}"
        values = {f"p{n}": value for n, value in enumerate([this, *arguments])}
        at, result, thrown = 0, None, None
        while True:
            line = method.lines[at]
            kind, _, rest = line.partition(" ")
            at += 1
            try:
                if kind.startswith("return"):
                    return None if kind == "return-void" else _null(_read(values, rest), kind == "return-object")
                if kind.startswith("invoke-"):
                    result = self._invoke(line, values)
                elif kind == "goto":
                    at = method.labels[rest]
                elif kind.startswith("if-"):
                    at = method.labels[rest.split(", ")[-1]] if _holds(kind, rest, values) else at
                elif kind.startswith("move-result"):
                    _write(values, method, rest, result)
                elif kind == "move-exception":
                    _write(values, method, rest, thrown)
                else:
                    _plain(kind, rest, values, method)
            except Thrown as error:
                thrown = Thing(error.kind)
                at = _handler(method, at - 1, error)

    def _invoke(self, line: str, values: dict[str, Any]) -> Any:
        kind, registers, owner, name, types, _ = CALL.fullmatch(line).groups()
        arguments = [_read(values, r.strip()) for r in registers.split(",") if r.strip()]
        kinds = ([] if kind == "static" else ["L"]) + TYPES.findall(types)
        arguments = [_null(a, k[0] in "L[") for a, k in zip(arguments, kinds, strict=True)]
        if owner in self.methods and name in self.methods[owner] and kind != "super":
            return self.run(arguments[0], name, *arguments[1:])
        return self.framework.call(owner, name, arguments)


def _method(text: str) -> Method:
    head, *body = [line.strip() for line in text.splitlines()]
    name, types = re.search(r"(\S+)\(([^)]*)\)", head).groups()
    lines, labels, catches, registers = [], {}, [], 0
    for line in body:
        if not line or line.startswith(("#", ".annotation", ".end annotation")):
            continue
        if line.startswith(".locals"):
            registers = int(line.split()[1])
        elif line.startswith(".catch"):
            catches.append(re.fullmatch(r"\.catch (\S+) \{(\S+) \.\. (\S+)\} (\S+)", line).groups())
        elif line.startswith(":"):
            assert line not in labels, line
            labels[line] = len(lines)
        else:
            lines.append(line)
    return Method(name, TYPES.findall(types), registers, lines, labels, catches)


def _handler(method: Method, at: int, error: Thrown) -> int:
    for kind, start, end, target in method.catches:
        if method.labels[start] <= at < method.labels[end] and kind in (error.kind, "Ljava/lang/Exception;"):
            return method.labels[target]
    raise error


def _read(values: dict[str, Any], register: str) -> Any:
    assert register in values, f"{register} was never written"
    return values[register]


def _null(value: Any, is_object: bool) -> Any:
    """Return None for a zero that stands where an object is meant."""
    return None if is_object and value == 0 and isinstance(value, int) else value


def _write(values: dict[str, Any], method: Method, register: str, value: Any) -> None:
    assert register in values or int(register[1:]) < method.registers, f"{register} is beyond .locals"
    values[register] = value


def _holds(kind: str, rest: str, values: dict[str, Any]) -> bool:
    registers = [_read(values, r) for r in rest.split(", ")[:-1]]
    first = registers[0] if isinstance(registers[0], int) else int(registers[0] is not None)
    second = registers[1] if len(registers) > 1 else 0
    return {"eqz": first == 0, "nez": first != 0, "ge": first >= second, "ne": first != second}[
        kind.removeprefix("if-")
    ]


def _plain(kind: str, rest: str, values: dict[str, Any], method: Method) -> None:
    parts = rest.split(", ", 1) if kind == "const-string" else rest.split(", ")
    if kind == "const-string":
        value = parts[1][1:-1]
    elif kind == "const/4":
        value = int(parts[1], 16)
    elif kind == "new-instance":
        value = Thing(parts[1])
    elif kind == "new-array":
        value = [None] * _read(values, parts[1])
    elif kind == "array-length":
        value = len(_read(values, parts[1]))
    elif kind in ("aget", "aget-object"):
        value = _read(values, parts[1])[_read(values, parts[2])]
    elif kind == "add-int/lit8":
        value = _read(values, parts[1]) + int(parts[2], 16)
    elif kind == "iget-object":
        value = _read(values, parts[1]).fields.get(FIELD.match(rest)[4])
    elif kind == "aput-object":
        _read(values, parts[1])[_read(values, parts[2])] = _read(values, parts[0])
        return
    elif kind == "iput-object":
        _read(values, parts[1]).fields[FIELD.match(rest)[4]] = _null(_read(values, parts[0]), True)
        return
    else:
        raise AssertionError(f"not an instruction that this machine has: {kind}")
    _write(values, method, parts[0], value)
