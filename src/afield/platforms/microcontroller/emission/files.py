"""A network as one header and one source file: the plain form, which the proofs compile and bundles build upon."""

from __future__ import annotations

from afield.platforms.microcontroller.emission.network import Network

_NOTE = "/* Written by afield. The generated code is yours: use it under any terms you like. */"


def header(network: Network) -> str:
    """Return ``<prefix>.h``: sizes and the network function."""
    upper = network.prefix.upper()
    ports = [
        *((f"{upper}_{p.identifier.upper()}_SIZE", p.tensor.size) for p in (*network.inputs, *network.outputs)),
    ]
    lines = [
        _NOTE,
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <stdint.h>",
        "",
        f"#define {upper}_ARENA_BYTES {network.arena_bytes} /* working memory; nothing is kept in it between runs */",
        *alignment_macro(network.prefix, network.alignment),
        *(f"#define {name} {size} /* elements */" for name, size in ports),
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "/* Inputs are not changed. Inputs, outputs and memory must not overlap. Reentrant. */",
        f"{network.declaration};",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def flash_macro(prefix: str) -> list[str]:
    """Return the lines that define the qualifier of constants: on AVR it keeps them in flash, where reads find them."""
    rom = f"{prefix.upper()}_ROM"
    return [
        "#if defined(__AVR__) && (defined(__cplusplus) || defined(__STRICT_ANSI__))",
        '#error "on AVR compile this file as GNU C (-std=gnu99 or later): only it can keep constants in flash"',
        "#elif defined(__AVR__)",
        f"#define {rom} __flash",
        "#else",
        f"#define {rom}",
        "#endif",
    ]


def alignment_macro(prefix: str, alignment: int) -> list[str]:
    """Return the lines that define how the arena is aligned: AVR knows no alignment, and its compiler gives none."""
    name = f"{prefix.upper()}_ARENA_ALIGNMENT"
    if alignment == 1:
        return [f"#define {name} 1"]
    return ["#if defined(__AVR__)", f"#define {name} 1", "#else", f"#define {name} {alignment}", "#endif"]


def source(network: Network) -> str:
    """Return ``<prefix>.c``."""
    lines = [
        _NOTE,
        "/* Compile with -ffp-contract=off where answers must be the same to the last bit on every device. */",
        f'#include "{network.prefix}.h"',
        "",
        "#include <math.h>",
        "#include <string.h>",
        "",
        *flash_macro(network.prefix),
        "",
    ]
    return "\n".join([*lines, network.source])
