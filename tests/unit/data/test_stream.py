"""Streams of graph feeds: the same values as whole tables, whatever the batches."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from afield.core.errors import DataError
from afield.data.load import load
from afield.data.stream import stream
from afield.problem.problem import Problem

ROWS = [f"{i / 4},{'abc'[i % 3]},2024-01-{i % 28 + 1:02d},w{i}" for i in range(100)]
CONTENT = "size,grade,day,note\n" + "\n".join(ROWS) + "\n"


@pytest.fixture
def specs(table):
    return {n: s for n, s in table(CONTENT).specs.items() if n != "note"}


@pytest.mark.parametrize("batch", [1, 7, 100, 1000])
def test_batches_join_to_the_table(tmp_path, table, specs, batch):
    whole = table(CONTENT).table
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(CONTENT.encode()))
    parts = list(stream(tmp_path / "p.csv.gz", list(specs.values()), batch_rows=batch, keep=["note", "size"]))
    assert len(parts) == -(-100 // batch)
    for name in specs:
        joined = np.concatenate([columns[name] for columns, _ in parts])
        assert joined.tolist() == whole[name].feed(slice(None)).tolist()
        assert joined.dtype == (np.float64 if name == "size" else object)
    assert [c for _, kept in parts for c in kept["note"]] == [f"w{i}" for i in range(100)]
    assert [c for _, kept in parts for c in kept["size"]][1] == "0.25"


def test_extra_and_reordered_columns_do_not_matter(tmp_path, specs):
    path = tmp_path / "p.csv"
    path.write_text("more,day,grade,size\nx,2024-01-05,a,1.5\n")
    ((columns, _),) = stream(path, list(specs.values()))
    assert {n: c.tolist() for n, c in columns.items()} == {
        "size": [1.5],
        "grade": ["a"],
        "day": ["2024-01-05T00:00:00"],
    }


def test_frames_stream_too(specs):
    frame = pd.DataFrame({"size": [1, 2, 3], "grade": ["a", None, "z"], "day": pd.to_datetime(["2024-01-05"] * 3)})
    parts = list(stream(frame, list(specs.values()), batch_rows=2, keep=["size"]))
    assert [c["grade"].tolist() for c, _ in parts] == [["a", ""], ["z"]]
    assert [k["size"] for _, k in parts] == [[1, 2], [3]]


@pytest.mark.error_code("data.missing_column")
def test_a_lacking_column(tmp_path, specs):
    path = tmp_path / "p.csv"
    path.write_text("Size_,grade,day\n1,a,2024-01-01\n")
    with pytest.raises(DataError, match="did you mean 'Size_'") as caught:
        list(stream(path, list(specs.values())))
    assert caught.value.code == "data.missing_column"


@pytest.mark.error_code("data.cell")
@pytest.mark.parametrize("batch", [1, 2, 10])
def test_a_bad_cell_names_file_column_and_row(tmp_path, specs, batch):
    path = tmp_path / "p.csv"
    path.write_text("size,grade,day\n1,a,2024-01-01\n2,a,\n3,a,2024-01-01\n1,a,\n1,a,yesterday\n")
    with pytest.raises(DataError) as caught:
        list(stream(path, list(specs.values()), batch_rows=batch))
    assert caught.value.code == "data.cell"
    assert caught.value.where == f"{path}, column 'day', row 5"
    assert "yesterday" in caught.value.got


def test_a_decimal_comma_later_is_an_error_and_never_a_guess(tmp_path, specs):
    path = tmp_path / "p.csv"
    path.write_text("size;grade;day\n1,5;a;2024-01-01\n")
    with pytest.raises(DataError, match="decimal mark"):
        list(stream(path, list(specs.values())))


def test_no_rows(tmp_path, specs):
    path = tmp_path / "p.csv"
    path.write_text("size,grade,day\n")
    with pytest.raises(DataError) as caught:
        list(stream(path, list(specs.values())))
    assert caught.value.code == "data.empty"


def test_load_and_stream_agree_on_marks(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("a;b\n1.234,5;5 %\n2.750;7,5 %\n")
    loaded = load(path, Problem(target="a"))
    ((columns, _),) = stream(path, list(loaded.specs.values()))
    assert columns["a"].tolist() == [1234.5, 2750.0]
    assert columns["b"].tolist() == [5.0, 7.5]
