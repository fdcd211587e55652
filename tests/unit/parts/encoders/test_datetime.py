import datetime as dt
import random

import numpy as np
import pytest

from afield.parts.encoders.datetime import part

VARIED = [f"{y}-{m:02}-{d:02}T{h:02}:30:00" for y, m, d, h in [(2001, 1, 1, 0), (2020, 12, 31, 23), (2011, 6, 15, 7)]]
WEIRD = [
    "", " ", "\n", "never", "2023-02-30", "2023-02-29", "1900-02-29", "2023-04-31", "2023-00-01", "2023-13-01",
    "2023-01-00", "2023-01-32", "0000-01-01", "10000-01-01", "2023-1-1", "23-01-01", "-2023-01-01", "+2023-01-01",
    "2023-01-01T24:00:00", "2023-01-01T23:60:00", "2023-01-01T23:59:60", "2023-01-01T10:00", "2023-01-01T",
    "2023-01-01 10:00:00", "2023-01-01Z", "2023-01-01T10:00:00Z", "2023-01-01T10:00:00.5", "2023-01-01\n",
    "\n2023-01-01", " 2023-01-01", "2023-01-01 ", "2023-01-01\0", "\0", "\uff12\uff10\uff12\uff13-01-01",
    "\u0662\u0660\u0662\u0663-01-01", "2023/01/01", "2023-01-01T10-00-00", "T", "-", ":", "--T::", "2" * 50_000,
    "1e3-01-01", "0x7-01-01",
]  # fmt: skip


def _moments(count):
    draw = random.Random(0)
    days = [dt.date.fromordinal(draw.randint(1, dt.date.max.toordinal())) for _ in range(count)]
    days += [dt.date(y, 2, 29) for y in (4, 400, 1600, 1996, 2000, 2024, 2400, 9996)]
    days += [
        dt.date(y, m, d) for y in (1, 1900, 2000, 2023, 2024, 9999) for m, d in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    return [
        dt.datetime(*d.timetuple()[:3], draw.randint(0, 23), draw.randint(0, 59), draw.randint(0, 59)) for d in days
    ]


def test_every_part_agrees_with_python_from_year_1_to_9999(encoding):
    moments = _moments(5000)
    out = encoding(part, {"t": [*VARIED, "0001-01-01"]}).named({"t": [m.isoformat() for m in moments]})
    assert out["t.year"].tolist() == [m.year for m in moments]
    assert out["t.month"].tolist() == [m.month for m in moments]
    assert out["t.day"].tolist() == [m.day for m in moments]
    assert out["t.weekday"].tolist() == [m.weekday() for m in moments]
    assert out["t.day_of_year"].tolist() == [m.timetuple().tm_yday for m in moments]
    hours = [m.hour + m.minute / 60 + m.second / 3600 for m in moments]
    np.testing.assert_allclose(out["t.hour"], hours, rtol=1e-6)
    elapsed = [(m - dt.datetime(1, 1, 1)) / dt.timedelta(days=1) for m in moments]
    np.testing.assert_allclose(out["t.elapsed"], elapsed, rtol=1e-7)


def test_all_days_of_four_centuries_count_on_by_one(encoding):
    days = [
        dt.date.fromordinal(i).isoformat()
        for i in range(dt.date(1599, 12, 1).toordinal(), dt.date(2000, 4, 1).toordinal())
    ]
    out = encoding(part, {"t": [*VARIED, days[0]]}).named({"t": days})
    np.testing.assert_array_equal(out["t.elapsed"], np.arange(len(days)))
    assert np.all(np.diff(out["t.weekday"]) % 7 == 1)


@pytest.mark.parametrize("form", ["tree", "linear"])
def test_what_is_no_moment_counts_as_missing(encoding, form):
    encoded = encoding(part, {"t": [*VARIED, ""]}, settings={"form": form})
    texts = [*WEIRD, "2024-02-29"]
    out = encoded({"t": texts})
    for text, row in zip(texts, out, strict=True):
        if text == "2024-02-29":
            assert np.isfinite(row).all()
        elif form == "tree":
            assert np.isnan(row).all(), text
        else:
            assert row.tolist() == [0] * 7 + [1], text


@pytest.mark.parametrize("form", ["tree", "linear"])
def test_a_training_column_of_garbage_works(encoding, form):
    out = encoding(part, {"t": WEIRD, "u": [*VARIED, *WEIRD][: len(WEIRD)]}, settings={"form": form})()
    assert not np.isinf(out).any()


def test_parts_that_do_not_vary_in_training_are_left_out(encoding):
    dates = {"day": ["2020-01-01", "2020-01-02", ""], "same": ["2020-01-01"] * 3}
    assert encoding(part, dates).names == ["day.day", "day.weekday", "day.day_of_year", "day.elapsed"]
    assert encoding(part, {"same": dates["same"]}).names == ["same.elapsed"]
    names = encoding(part, dates, settings={"form": "linear"}).names
    assert names == ["day.weekday.sin", "day.weekday.cos", "day.elapsed", "day.missing"]


def test_cycles_meet_and_elapsed_is_standardised_and_clipped(encoding):
    days = [(dt.datetime(2020, 1, 1, 5) + dt.timedelta(hours=7 * i)).isoformat() for i in range(2000)]
    encoded = encoding(part, {"t": days}, settings={"form": "linear"})
    out = encoded.named()
    assert out["t.elapsed"].mean() == pytest.approx(0, abs=1e-6)
    assert out["t.elapsed"].std() == pytest.approx(1, abs=1e-6)
    two = encoded.named({"t": ["2021-01-04T00:00:00", "2021-12-05T23:59:59", "9999-01-01", "0001-01-01"]})
    for cycle, index, length in (
        ("month", [0, 11, 0, 0], 12),
        ("weekday", [0, 6, 4, 0], 7),
        ("hour", [0, 23, 0, 0], 24),
    ):
        angle = 2 * np.pi * np.array(index) / length
        np.testing.assert_allclose(two[f"t.{cycle}.sin"], np.sin(angle), atol=1e-6)
        np.testing.assert_allclose(two[f"t.{cycle}.cos"], np.cos(angle), atol=1e-6)
    assert two["t.elapsed"][2:].tolist() == [10, -10]


def test_columns_are_read_side_by_side(encoding):
    columns = {"a": VARIED, "b": VARIED[::-1], "c": ["", *VARIED[1:]]}
    whole = encoding(part, columns)()
    width = whole.shape[1] // 3
    np.testing.assert_array_equal(whole[:, :width], encoding(part, {"a": VARIED})())
    assert np.isnan(whole[0, 2 * width :]).all()
