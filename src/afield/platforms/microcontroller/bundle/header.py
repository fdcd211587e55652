"""``<prefix>.h``: what a firmware includes."""

from __future__ import annotations

from afield.platforms.microcontroller.bundle.meaning import Enumeration, Field, Meaning
from afield.platforms.microcontroller.bundle.names import comment, string
from afield.platforms.microcontroller.emission.files import alignment_macro

LICENCE = "/* Written by afield. The generated code is yours: use it under any terms you like. */"


def header(meaning: Meaning) -> str:
    """Return the header's text."""
    upper, prefix, network = meaning.upper, meaning.prefix, meaning.compiled.network
    classes = next((len(f.values.constants) for f in meaning.outputs if f.values), 0)
    lines = [
        LICENCE,
        f"/* {meaning.title}. */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <math.h> /* NAN: a number that is missing */",
        "#include <stdint.h>",
        "",
        f"#define {upper}_MODEL_SHA256 {string(meaning.sha256)}",
        f"#define {upper}_AFIELD_VERSION {string(meaning.version)}",
        f"#define {upper}_INPUTS {len(meaning.inputs)}",
        *([f"#define {upper}_CLASSES {classes}"] if classes else []),
        f"#define {upper}_ARENA_BYTES {network.arena_bytes} /* working memory; nothing is kept in it between calls */",
        *alignment_macro(prefix, network.alignment),
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        "typedef enum {",
        f"    {upper}_OK = 0,",
        f"    {upper}_NULL = 1,      /* a pointer is missing */",
        f"    {upper}_ALIGNMENT = 2  /* the arena does not begin at a multiple of {upper}_ARENA_ALIGNMENT */",
        f"}} {prefix}_status;",
        "",
    ]
    for one in meaning.enumerations:
        lines += [*_enumeration(one), ""]
    lines += [*_struct(f"{prefix}_input", meaning.inputs), ""]
    lines += [*_struct(f"{prefix}_output", meaning.outputs), ""]
    lines += [
        "/* Answers one row. Reentrant: calls with arenas of their own may run at the same time. A code outside of its",
        f" * enumeration counts as unknown. `arena`: {upper}_ARENA_BYTES bytes; may be null where that is 0. */",
        f"{prefix}_status {prefix}_predict(const {prefix}_input *input, {prefix}_output *output, void *arena);",
        "",
        "/* The same with an arena of its own, which takes memory only where this is called. Not reentrant. */",
        f"{prefix}_status {prefix}_predict_static(const {prefix}_input *input, {prefix}_output *output);",
    ]
    for one in meaning.enumerations:
        lines += ["", "/* The text that a constant stands for; empty for missing, unknown and other numbers. */",
                  f"const char *{one.type}_text({one.type} value);"]  # fmt: skip
    lines += ["", "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""]
    return "\n".join(lines)


def _enumeration(one: Enumeration) -> list[str]:
    lines = ["typedef enum {"]
    for number, (name, text) in enumerate(one.constants):
        last = "" if number == len(one.constants) - 1 else ","
        said = f" /* {comment(text)} */" if text and name.rpartition("_")[2].lower() != text else ""
        lines.append(f"    {name} = {number}{last}{said}")
    return [*lines, f"}} {one.type};"]


def _struct(name: str, fields: tuple[Field, ...]) -> list[str]:
    lines = ["typedef struct {"]
    for field in fields:
        extent = f"[{field.size}]" if field.size else ""
        said = f" /* {field.comment} */" if field.comment else ""
        lines.append(f"    {field.c_type} {field.member}{extent};{said}")
    if not fields:
        lines.append("    char unused;")
    return [*lines, f"}} {name};"]
