"""What is read off C without a compiler: operations on floats and doubles, conversions, functions, conditions."""

from __future__ import annotations

import pytest

from afield.platforms.microcontroller.counting import chosen, counted


def function(*lines: str, head: str = "const float *x, float *y, int n") -> str:
    return "\n".join([f"static void f({head})", "{", *(f"    {line}" for line in lines), "}", ""])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("y[0] = x[1] + x[2];", {"float+"}),
        ("y[n * 2] = x[n + 1];", set()),
        ("*y++ = *x * 2.0f;", {"float*"}),
        ("const float a = x[0], b = x[1]; y[0] = a < b ? a / b : -a;", {"float<", "float/"}),
        ("const float *p = x + 3; y[0] = p[0];", set()),
        ("y[0] = x[0] == x[1] ? 1.5f : 0.0f;", {"float="}),
        ("const double a = x[0]; y[0] = (float)(a - 1.0);", {"double-", "double>float", "float>double"}),
        ("const int k = (int)x[0];", {"float>int"}),
        ("y[0] = (float)n;", {"int>float"}),
        ("const uint8_t k = 3; y[0] = (float)k;", {"unsigned>float"}),
        ("n = (int)(n + 1);", set()),
        ("const int64_t m = (int64_t)n * n;", {"long*"}),
        ("y[0] = powf(x[0], 2.0f);", {"powf"}),
        ("memcpy(y, x, 4 * sizeof(*y));", {"memcpy"}),
        ("memcpy(&n, x, sizeof n);", set()),
        ("/* x[0] + x[1] */ n += 1;", set()),
    ],
)
def test_operations_are_seen_by_the_types_of_their_operands(line: str, found: set[str]) -> None:
    assert counted(function(line), "").operations == found


def test_the_same_name_may_be_another_type_in_the_next_function() -> None:
    text = function("const int a = n;", "n = a * 2;") + function("const float a = x[0];", "y[0] = a;")
    assert counted(text, "").operations == set()


def test_conditions_are_settled_as_on_the_chip() -> None:
    text = "#if defined(__ARM_FEATURE_DSP) && defined(__GNUC__)\nfast\n#else\nplain\n#endif\nboth"
    assert chosen(text, dsp=True).split() == ["fast", "both"]
    assert chosen(text, dsp=False).split() == ["plain", "both"]
