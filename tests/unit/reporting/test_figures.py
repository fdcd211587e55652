from __future__ import annotations

import math

import pytest

from afield.reporting.figures import datum, interval, number, plural, seconds, share, size, tick, ticks
from afield.reporting.markup import Markup, clip, tag, text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2.0999999, "2.10"), (1234.5, "1,234"), (0.00123, "0.00123"), (0.0, "0"), (-3.14159, "\u22123.14"),
     (math.nan, "\u2013"), (None, "\u2013"), (3e-8, "3.00e\u221208"), (math.inf, "∞")],
)  # fmt: skip
def test_number(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(2011.0, "2011"), (0.2340, "0.234"), (12345.0, "12,345"), (1234.56, "1,235"), (0.0, "0")]
)
def test_datum(value, shown):
    assert datum(value) == shown


def test_interval_decides_the_digits():
    assert interval(2.0999, 2.0212, 2.1899) == ("2.10", "2.02", "2.19")
    assert interval(0.91234, 0.9119, 0.9127) == ("0.91234", "0.91190", "0.91270")
    assert interval(123456.0, 120000.0, 130000.0) == ("123,456", "120,000", "130,000")
    assert interval(0.5, None, None) == ("0.500", "", "")


def test_units():
    assert [share(v) for v in (0.0, 0.0004, 0.055, 0.5, 0.95, 0.99961, 1.0)] == [
        "0\u00a0%", "<0.1\u00a0%", "5.5\u00a0%", "50\u00a0%", "95\u00a0%", ">99.9\u00a0%", "100\u00a0%"]  # fmt: skip
    assert [size(v) for v in (812, 3_400, 1_840_000, 2_500_000_000)] == [
        "812\u00a0B", "3.4\u00a0kB", "1.8\u00a0MB", "2.5\u00a0GB"]  # fmt: skip
    assert seconds(0.034).replace("\u00a0", " ") == "34 ms"
    assert seconds(200).replace("\u00a0", " ") == "3 min 20 s"
    assert plural(1, "row") == "1 row"
    assert plural(2000, "row") == "2,000 rows"


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 977.0), (1e-7, 2e-7), (5.0, 5.0), (-1e9, 1e9)])
def test_ticks_are_inside_and_few(low, high):
    marks = ticks(low, high)
    assert 1 <= len(marks) <= 9
    assert all(low - 1e-9 * abs(low) <= m <= high + 1e-9 * abs(high) for m in marks)


def test_tick_labels():
    assert tick(0.25, 0.05) == "0.25"
    assert tick(2000.0, 500.0) == "2,000"


def test_markup_escapes_all_but_itself():
    assert tag("p", "<b>", Markup("<i>x</i>"), title='"') == '<p title="&quot;">&lt;b&gt;<i>x</i></p>'
    assert tag("line", x1=3.14159, klass=None) == '<line x1="3.14"></line>'
    assert text("a\x00b\u202ec") == "a\ufffdb\ufffdc"
    assert clip("abcdef", 4) == "abc…"
