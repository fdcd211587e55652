"""The fast paths give what ``read_cell`` gives, cell by cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from afield.data.columns import BadCell, column_of
from afield.data.raw import NumberCells, ObjectCells, TextCells
from afield.problem.cells import CellError, read_cell
from afield.problem.schema import ColumnSpec

SPECS = (
    ColumnSpec(name="x", kind="number"),
    ColumnSpec(name="x", kind="number", decimal=","),
    ColumnSpec(name="x", kind="number", thousands=",", missing=("", "?", "-999")),
    ColumnSpec(name="x", kind="number", missing=("", "-999.0")),
    ColumnSpec(name="x", kind="number", decimal=",", thousands=".", prefix="$"),
    ColumnSpec(name="x", kind="category", canonical="number"),
    ColumnSpec(name="x", kind="text"),
)
CELL = st.one_of(
    st.text(alphabet="0123456789.,-+eE ?$", max_size=6),
    st.sampled_from(["", " ", "NA", "?", "-999", "-999.0", "1e400", "inf", "1,234", "\x1f", "5\u00a0"]),
)


def one_by_one(spec, cells):
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(read_cell(spec, cell))
        except CellError:
            return row
    return values


def at_once(spec, cells):
    try:
        column = column_of(spec, cells)
    except BadCell as bad:
        return bad.row
    return column.feed(slice(None)).tolist()


def same(a, b):
    if isinstance(a, int) or isinstance(b, int):
        return a == b
    return all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b, strict=True))


@given(st.sampled_from(SPECS), st.lists(CELL, min_size=1, max_size=6))
@example(SPECS[3], ["1", "-999.0", "-999"])
@example(SPECS[2], ["1", "-999.0", "-999"])
@example(SPECS[1], ["\x1f"])
def test_text_cells(spec, cells):
    assert same(at_once(spec, TextCells.pack(cells)), one_by_one(spec, cells))
    assert same(at_once(spec, TextCells((cells,), len(cells))), one_by_one(spec, cells))


@given(st.sampled_from(SPECS), st.lists(st.floats(), min_size=1, max_size=6))
def test_typed_numbers(spec, values):
    expected = one_by_one(spec, values)
    assert same(at_once(spec, NumberCells(np.array(values, dtype=np.float64), whole=False)), expected)
    assert same(at_once(spec, ObjectCells(values)), expected)


@pytest.mark.parametrize("chunks", [(["1", "2"], ["3", "x"]), (["1"], ["2", "3", "x"])])
def test_the_row_of_a_bad_cell_counts_over_chunks(chunks):
    with pytest.raises(BadCell) as caught:
        column_of(SPECS[0], TextCells(chunks, 4))
    assert caught.value.row == 3
