"""Reads canonical dates and times inside the graph, and counts days in the proleptic Gregorian calendar.

``YYYY-MM-DD`` and ``YYYY-MM-DDTHH:MM:SS`` are read, from year 0001 to 9999. All other text is missing, never an
error: blanks, other digits than 0 to 9, hour 24, second 60, and days that do not exist such as 2023-02-30. These are
the rules of Python's ``datetime.fromisoformat``, for texts of these two shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afield.graph.builder import Builder, Value

_YEAR = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_MONTH = "(0[1-9]|1[0-2])"
_DAY = "(0[1-9]|[12][0-9]|3[01])"
_TIME = "(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?"
PATTERN = f"{_YEAR}-{_MONTH}-{_DAY}{_TIME}"

_STAND_IN = "2001-01-01"  # read in place of missing texts, whose results are never used
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_BEFORE_MONTH = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
_EPOCH = 719_163  # day number of 1970-01-01 where 0001-01-01 is 1


@dataclass(frozen=True)
class Moments:
    """Values in the graph, all of shape [C, N]; where ``valid`` is False the others mean nothing.

    ``valid`` bool; ``year``, ``month`` (1 to 12), ``day`` (1 to 31), ``hour``, ``weekday`` (0 is Monday) and
    ``day_of_year`` (1 to 366) int64; ``day_part`` (elapsed part of the day) and ``days`` (since
    1970-01-01T00:00:00) float64.
    """

    valid: Value
    year: Value
    month: Value
    day: Value
    hour: Value
    weekday: Value
    day_of_year: Value
    day_part: Value
    days: Value


def read_moments(builder: Builder, texts: Sequence[Value]) -> Moments:
    """Add about 60 nodes that read string [N] each of C columns."""
    op = builder.op

    def whole(n: int) -> Value:
        return builder.constant(np.int64(n))

    # A stand-in before the first cell gives StringSplit something to split when there are no rows.
    flat = builder.concat([builder.constant(np.array([_STAND_IN], object)), *texts], axis=0)
    shaped = op("RegexFullMatch", flat, dtype="bool", pattern=PATTERN)
    safe = op("Where", shaped, flat, builder.constant(np.array(_STAND_IN, object)), dtype="string")
    timed = op("StringConcat", safe, builder.constant(np.array("T00:00:00", object)))
    date, time = (builder.gather(_split(builder, timed, "T"), whole(i), axis=1) for i in (0, 1))
    digits = builder.concat([_split(builder, date, "-"), _split(builder, time, ":")], axis=1)
    table = builder.transpose(builder.cast(digits, "int64"), [1, 0])  # [6, 1 + C * N]
    shape = [len(texts), -1]
    rows = builder.op_many("Split", _after_first(builder, table, axis=1), dtypes=["int64"] * 6, axis=0, num_outputs=6)
    year, month, day, hour, minute, second = (builder.reshape(row, shape) for row in rows)

    # Leap days before year y: (y-1)/4 - (y-1)/100 + (y-1)/400; a leap year adds one to the count of the next.
    def leaps(y: Value) -> Value:
        by_4, by_100, by_400 = (op("Div", y, whole(n)) for n in (4, 100, 400))
        return op("Add", op("Sub", by_4, by_100), by_400)

    before = op("Sub", year, whole(1))
    leaps_before = leaps(before)
    leap = op("Sub", leaps(year), leaps_before)  # 0 or 1
    february = builder.cast(op("Equal", month, whole(2), dtype="bool"), "int64")
    later = builder.cast(op("Greater", month, whole(2), dtype="bool"), "int64")
    longest = op("Add", builder.gather(builder.constant(_MONTH_DAYS), month, 0), op("Mul", february, leap))
    exists = op("LessOrEqual", day, longest, dtype="bool")
    valid = op("And", builder.reshape(_after_first(builder, shaped, axis=0), shape), exists)
    offset = op("Add", builder.gather(builder.constant(_BEFORE_MONTH), month, 0), op("Mul", later, leap))
    day_of_year = op("Add", offset, day)
    number = op("Add", op("Add", op("Mul", before, whole(365)), leaps_before), day_of_year)
    weekday = op("Mod", op("Sub", number, whole(1)), whole(7))  # 0001-01-01 was a Monday
    seconds = op("Add", op("Mul", op("Add", op("Mul", hour, whole(60)), minute), whole(60)), second)
    day_part = op("Div", builder.cast(seconds, "float64"), builder.constant(np.float64(86_400)))
    days = op("Add", builder.cast(op("Sub", number, whole(_EPOCH)), "float64"), day_part)
    return Moments(valid, year, month, day, hour, weekday, day_of_year, day_part, days)


def _split(builder: Builder, texts: Value, mark: str) -> Value:
    pieces, _ = builder.op_many("StringSplit", texts, dtypes=["string", "int64"], delimiter=mark)
    return pieces


def _after_first(builder: Builder, value: Value, *, axis: int) -> Value:
    bounds = (builder.constant(np.array([v], np.int64)) for v in (1, np.iinfo(np.int64).max, axis))
    return builder.op("Slice", value, *bounds)
