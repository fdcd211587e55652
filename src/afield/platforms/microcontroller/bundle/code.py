"""``<prefix>.c``: the network, and the functions that a firmware calls."""

from __future__ import annotations

from afield.platforms.microcontroller.bundle.header import LICENCE
from afield.platforms.microcontroller.bundle.meaning import Enumeration, Field, Meaning
from afield.platforms.microcontroller.bundle.names import string
from afield.platforms.microcontroller.emission.files import flash_macro
from afield.platforms.microcontroller.emission.network import Port
from afield.platforms.microcontroller.following.columns import UNKNOWN


def code(meaning: Meaning) -> str:
    """Return the source's text."""
    prefix, network = meaning.prefix, meaning.compiled.network
    body = network.source.replace(f"void {prefix}_run(", f"static void {prefix}_run(", 1)
    lines = [
        LICENCE,
        "/* Compile with -ffp-contract=off where answers must be the same to the last bit on every device. */",
        f'#include "{prefix}.h"',
        "",
        "#include <string.h>",
        "",
        *flash_macro(prefix),
        "",
        body,
        *_predict(meaning),
        "",
        *_static(meaning),
    ]
    for one in meaning.enumerations:
        lines += ["", *_text(one)]
    return "\n".join([*lines, ""])


def _predict(meaning: Meaning) -> list[str]:
    upper, prefix, network = meaning.upper, meaning.prefix, meaning.compiled.network
    scattered = [p for p in network.inputs if _cells(meaning.inputs, p)]
    labelled = [p for p in network.outputs if _cells(meaning.outputs, p)]
    lines = [
        f"{prefix}_status {prefix}_predict(const {prefix}_input *input, {prefix}_output *output, void *arena)",
        "{",
        *(f"    {p.tensor.dtype.c} {p.identifier}[{p.tensor.size}];" for p in (*scattered, *labelled)),
        "    if (input == 0 || output == 0" + (" || arena == 0)" if network.arena_bytes else ")"),
        f"        return {upper}_NULL;",
    ]
    if network.arena_bytes:
        lines += [
            f"    if ((uintptr_t)arena % {upper}_ARENA_ALIGNMENT != 0)",
            f"        return {upper}_ALIGNMENT;",
        ]
    for port in scattered:
        for field in _cells(meaning.inputs, port):
            lines.append(f"    {port.identifier}[{field.place}] = {_value(field, port)};")
    passed = [_passed(meaning.inputs, p, "input") for p in network.inputs]
    passed += [_passed(meaning.outputs, p, "output") for p in network.outputs]
    lines.append(f"    {prefix}_run({', '.join([*passed, 'arena'])});")
    for port in labelled:
        field = _cells(meaning.outputs, port)[0]
        lines.append(f"    output->{field.member} = ({field.c_type}){port.identifier}[0];")
    return [*lines, f"    return {upper}_OK;", "}"]


def _cells(fields: tuple[Field, ...], port: Port) -> list[Field]:
    return [f for f in fields if f.port == port.identifier and f.place >= 0]


def _value(field: Field, port: Port) -> str:
    member = f"input->{field.member}"
    if field.values is None:
        return member
    kind = port.tensor.dtype.c
    return f"({kind})((unsigned){member} < {len(field.values.constants)}u ? (unsigned){member} : {UNKNOWN}u)"


def _passed(fields: tuple[Field, ...], port: Port, struct: str) -> str:
    field = next((f for f in fields if f.port == port.identifier), None)
    if field is None or field.place >= 0:
        return port.identifier
    return f"{'' if field.size else '&'}{struct}->{field.member}"


def _static(meaning: Meaning) -> list[str]:
    upper, prefix, network = meaning.upper, meaning.prefix, meaning.compiled.network
    head = [f"{prefix}_status {prefix}_predict_static(const {prefix}_input *input, {prefix}_output *output)", "{"]
    if not network.arena_bytes:
        return [*head, f"    return {prefix}_predict(input, output, 0);", "}"]
    unit = "uint64_t" if network.alignment > 4 else "uint32_t"
    count = f"({upper}_ARENA_BYTES + sizeof({unit}) - 1u) / sizeof({unit})"
    return [*head, f"    static {unit} arena[{count}];", f"    return {prefix}_predict(input, output, arena);", "}"]


def _text(one: Enumeration) -> list[str]:
    lines = [f"const char *{one.type}_text({one.type} value)", "{", "    static const char *const texts[] = {"]
    lines += [f"        {string(text)}," for _, text in one.constants]
    count = len(one.constants)
    return [*lines, "    };", f'    return (unsigned)value < {count}u ? texts[value] : "";', "}"]
