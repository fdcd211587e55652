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
        f"#define {upper}_ARENA_ALIGNMENT {network.alignment}",
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


def source(network: Network) -> str:
    """Return ``<prefix>.c``."""
    upper = network.prefix.upper()
    rom = f"{upper}_ROM"
    lines = [
        _NOTE,
        "/* Compile with -ffp-contract=off where answers must be the same to the last bit on every device. */",
        f'#include "{network.prefix}.h"',
        "",
        "#include <math.h>",
        "#include <string.h>",
        "",
        "#if defined(__AVR__) && !defined(__cplusplus)",
        f"#define {rom} __flash",
        "#else",
        f"#define {rom}",
        "#endif",
        "",
    ]
    return "\n".join([*lines, network.source])
