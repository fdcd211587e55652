"""``<prefix>_test.c``: rows with their answers, and a program that holds the model to them, on a board too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.platforms.microcontroller.bundle.header import LICENCE
from afield.platforms.microcontroller.bundle.meaning import Field, Meaning
from afield.platforms.microcontroller.bundle.rows import Feed, initialisers
from afield.platforms.microcontroller.emission.literals import literal
from afield.platforms.microcontroller.ir import DType

#: rows in the file; each takes flash
ROWS = 16


def selftest(meaning: Meaning, feed: Feed, answers: Mapping[str, NDArray[Any]], tolerance: float, scale: float) -> str:
    """Return the program's text for the first rows of a feed that float32 can hold."""
    upper, prefix = meaning.upper, meaning.prefix
    rows = min(ROWS, len(next(iter(feed.values()))))
    lines = [
        LICENCE,
        f"/* Holds the model to its stored answers. {prefix}_test() returns how many rows are off; main prints it. */",
        f'#include "{prefix}.h"',
        "",
        "#include <stdio.h>",
        "",
        f"#define {upper}_TEST_ROWS {rows}",
        "",
        f"static const {prefix}_input rows[{upper}_TEST_ROWS] = {{",
        *(f"    {one}," for one in initialisers(meaning, {n: v[:rows] for n, v in feed.items()})),
        "};",
        "",
    ]
    checks = []
    for field in meaning.outputs:
        declared, check = _check(meaning, field, answers[field.column][:rows], scale)
        lines += [*declared, ""]
        checks += check
    lines += [
        "static int near(double got, double want, double scale)",
        "{",
        "    const double size = fabs(want) > scale ? fabs(want) : scale;",
        f"    return got == want || (got != got && want != want) || fabs(got - want) <= {tolerance!r} * size;",
        "}",
        "",
        f"int {prefix}_test(void);",
        f"int {prefix}_test(void)",
        "{",
        "    int off = 0;",
        f"    for (int row = 0; row < {upper}_TEST_ROWS; ++row) {{",
        f"        {prefix}_output output;",
        f"        int right = {prefix}_predict_static(&rows[row], &output) == {upper}_OK;",
        *(f"        {line}" for line in checks),
        "        off += right ? 0 : 1;",
        "    }",
        "    return off;",
        "}",
        "",
        f"#ifndef {upper}_TEST_NO_MAIN",
        "int main(void)",
        "{",
        f"    const int off = {prefix}_test();",
        f'    printf("%d of %d rows are right\\n", {upper}_TEST_ROWS - off, {upper}_TEST_ROWS);',
        "    return off != 0;",
        "}",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _check(meaning: Meaning, field: Field, wanted: NDArray[Any], scale: float) -> tuple[list[str], list[str]]:
    name = f"want_{field.member}"
    if field.values is not None:
        by_text = {text: constant for constant, text in field.values.constants}
        listed = ", ".join(by_text[str(t)] for t in wanted)
        declared = [f"static const {field.values.type} {name}[{meaning.upper}_TEST_ROWS] = {{{listed}}};"]
        return declared, [f"right = right && output.{field.member} == {name}[row];"]
    flat = wanted.reshape(len(wanted), -1)
    dtype = next(d for d in DType if d.c == field.c_type and d is not DType.BOOL)
    declared = [f"static const {field.c_type} {name}[{meaning.upper}_TEST_ROWS][{flat.shape[1]}] = {{"]
    declared += ["    {" + ", ".join(literal(v, dtype) for v in row) + "}," for row in flat]
    declared.append("};")
    size = max(scale, 1.0) if field.column == "prediction" else 1.0
    got = f"output.{field.member}[i]" if field.size else f"output.{field.member}"
    return declared, [
        f"for (int i = 0; i < {flat.shape[1]}; ++i)",
        f"    right = right && near((double){got}, (double){name}[row][i], {float(np.float64(size))!r});",
    ]
