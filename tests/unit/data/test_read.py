"""Sources: what is read alike however it is written, and what is refused with its place."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from afield.core.errors import DataError
from afield.data.load import load
from afield.data.opening import open_source
from afield.problem.problem import Problem

PLAIN = 'name,size,when\n"Smith, J",1.5,2024-01-31\n"two\nlines",,2024-02-01\n'
ANY = Problem(target="y")


def cells_of(path, rows=2):
    """Return all cells as text, read in batches of ``rows``."""
    with open_source(path) as source:
        columns = {n: [] for n in source.names}
        for batch in source.batches(rows, source.names):
            for name, cells in batch.items():
                columns[name] += [c for chunk in cells.lists() for c in chunk]
    return columns


EXPECTED = {"name": ["Smith, J", "two\nlines"], "size": ["1.5", ""], "when": ["2024-01-31", "2024-02-01"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path, delimiter, end):
    path = tmp_path / "t.csv"
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows(csv.reader(io.StringIO(PLAIN)))
    assert cells_of(path) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes("größe,preis\nklein,5 €\ngroß,7 €\n".encode(encoding))
    assert cells_of(path) == {"größe": ["klein", "groß"], "preis": ["5 €", "7 €"]}


def test_a_late_character_decides_the_encoding(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 150_000 + "2,ä\n".encode("cp1252"))
    loaded = load(path, ANY)
    assert loaded.table["b"].feed(slice(None))[-1] == "ä"
    assert [f.code for f in loaded.findings] == ["data.encoding"]


def _zip(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
        archive.writestr("__MACOSX/t.csv", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, _zip])
def test_packed(tmp_path, pack):
    path = tmp_path / "whatever"
    path.write_bytes(pack(PLAIN.encode()))
    assert cells_of(path) == EXPECTED


def test_rows_come_in_order_over_many_steps(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(10_001)))
    for rows in (1000, 4096, 20_000):
        assert cells_of(path, rows)["a"] == [str(i) for i in range(10_001)]
    path.write_text(path.read_text() + "1\n")
    with pytest.raises(DataError, match="Row 10002 has 1 cells"):
        cells_of(path, 5000)


def test_long_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1," + "x" * 300_000 + "\n2,y\n")
    assert len(cells_of(path)["b"][0]) == 300_000


def test_excels_own_first_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\na;b\n1;2\n")
    assert cells_of(path) == {"a": ["1"], "b": ["2"]}


def test_surplus_blank_cells_and_empty_lines_may_go(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,\n\n3,4, ,\n\n")
    assert cells_of(path) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blank_names_are_numbered_and_told(table):
    loaded = table("a,,column_2\n1,2,3\n4,5,6\n")
    assert list(loaded.specs) == ["a", "column_2_", "column_2"]
    assert [f.code for f in loaded.findings] == ["data.header_blank"]


def test_a_header_of_numbers_is_told(table):
    assert [f.code for f in table("5.1,3.5\n4.9,3.0\n").findings] == ["data.no_header"]


@pytest.mark.parametrize(
    ("content", "code", "where"),
    [
        pytest.param("a,b\n1,2\n\n3\n", "data.ragged", "row 2, line 4", marks=pytest.mark.error_code("data.ragged")),
        pytest.param('a,b\n"x\ny",2\n3,4,5\n', "data.ragged", "row 2, line 4"),
        pytest.param(
            "a,b,a\n1,2,3\n",
            "data.duplicate_columns",
            "columns 1, 3",
            marks=pytest.mark.error_code("data.duplicate_columns"),
        ),
        pytest.param("", "data.empty", "", marks=pytest.mark.error_code("data.empty")),
        pytest.param(" \n\n", "data.empty", ""),
        pytest.param("a,b\n", "data.empty", ""),
        pytest.param('a,b\n1,"x\n2,y\n', "data.format", "line", marks=pytest.mark.error_code("data.format")),
        pytest.param(
            b"a,b\n" + b"1,2\n" * 99 + b"1,\x00\n", "data.binary", "", marks=pytest.mark.error_code("data.binary")
        ),
        pytest.param(bytes(range(256)) * 9, "data.binary", ""),
        pytest.param(b"\xff\xfea\x00,\x00b", "data.binary", ""),
        pytest.param(b"a,b\n1,\x81\n", "data.binary", ""),
        pytest.param(gzip.compress(b"a,b\n" * 999, mtime=0)[:-9], "data.format", ""),
        pytest.param(gzip.compress(bytes(range(256)) * 99, mtime=0)[:99] + b"xx" * 99, "data.format", ""),
        pytest.param(b"PK\x03\x04junk", "data.format", ""),
        pytest.param(b"PAR1junk", "data.format", ""),
        pytest.param(b"\xd0\xcf\x11\xe0junk", "data.format", ""),
        pytest.param('{"a":1}\n{"a":\n', "data.format", "line 2"),
        pytest.param('{"a":1}\n[2]\n', "data.format", "line 2"),
        pytest.param('{"a":1,"a":2}\n{"a":3}\n', "data.duplicate_columns", "line 1"),
        pytest.param(
            '{"a":1}\n{"a":[1]}\n', "data.unsupported", "row 2", marks=pytest.mark.error_code("data.unsupported")
        ),
    ],
)
def test_refused_files(table, tmp_path, content, code, where):
    with pytest.raises(DataError) as caught:
        table(content)
    assert caught.value.code == code
    assert where in caught.value.where
    assert str(tmp_path) in caught.value.where
    assert caught.value.fix or code == "data.empty"


def test_a_text_file_called_xlsx_is_refused(table):
    with pytest.raises(DataError, match=r"ends in .xlsx") as caught:
        table("a,b\n1,2\n", name="t.xlsx")
    assert caught.value.code == "data.format"


@pytest.mark.error_code("data.not_found")
@pytest.mark.parametrize(
    ("name", "fix"), [("tabel.csv", "did you mean 'table.csv'?"), ("nowhere/t.csv", "check the path")]
)
def test_missing_files(tmp_path, name, fix):
    (tmp_path / "table.csv").write_text("a\n1\n")
    with pytest.raises(DataError) as caught:
        load(tmp_path / name, ANY)
    assert (caught.value.code, caught.value.fix) == ("data.not_found", fix)


@pytest.mark.error_code("data.is_directory")
def test_a_directory(tmp_path):
    with pytest.raises(DataError) as caught:
        load(tmp_path, ANY)
    assert caught.value.code == "data.is_directory"


def test_urls(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(PLAIN)
    assert cells_of(path.as_uri()) == EXPECTED
    import fsspec

    with fsspec.open("memory://t.csv", "wb") as file:
        file.write(PLAIN.encode())
    assert cells_of("memory://t.csv") == EXPECTED
    with pytest.raises(DataError) as caught:
        load("http://user:secret@127.0.0.1:1/t.csv?key=secret", ANY)
    assert caught.value.code == "data.not_found"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("count", [0, 2])
def test_a_zip_holds_one_file(tmp_path, count):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/", b"")
        for i in range(count):
            archive.writestr(f"{i}.csv", b"a\n1\n")
    with pytest.raises(DataError) as caught:
        load(path, ANY)
    assert caught.value.code == "data.format"


TYPED = {
    "i": [1, 2, 3],
    "f": [1.5, None, -2.0],
    "s": ["a", None, "b"],
    "b": [True, False, None],
    "t": [datetime(2024, 1, 31, 12, 0, 1), None, datetime(2024, 2, 1)],
}


def _excel(folder):
    book = openpyxl.Workbook()
    book.active.append(list(TYPED))
    for row in zip(*TYPED.values(), strict=True):
        book.active.append(row)
    book.create_sheet("second").append(["x"])
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def _parquet(folder):
    frame = pl.DataFrame(TYPED)  # noqa: F841 - duckdb finds it by name
    duckdb.sql(f"COPY (SELECT * FROM frame) TO '{folder}/t.parquet'")
    return folder / "t.parquet"


def _json_lines(folder):
    rows = [dict(zip(TYPED, row, strict=True)) for row in zip(*TYPED.values(), strict=True)]
    lines = [json.dumps({k: v.isoformat() if k == "t" and v else v for k, v in row.items()}) for row in rows]
    (folder / "t.jsonl").write_text("\n".join(lines))
    return folder / "t.jsonl"


def _rows(folder):
    return [dict(zip(TYPED, row, strict=True)) for row in zip(*TYPED.values(), strict=True)]


SOURCES = {
    "dict": lambda folder: TYPED,
    "rows": _rows,
    "pandas": lambda folder: pd.DataFrame(TYPED),
    "pandas_nullable": lambda folder: pd.DataFrame(TYPED).convert_dtypes(),
    "pandas_index": lambda folder: pd.DataFrame(TYPED, index=[7, 7, 9]),
    "polars": lambda folder: pl.DataFrame(TYPED),
    "polars_lazy": lambda folder: pl.LazyFrame(TYPED),
    "arrow": lambda folder: pa.table(TYPED),
    "excel": _excel,
    "parquet": _parquet,
    "json_lines": _json_lines,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_typed_sources_agree(tmp_path, kind):
    loaded = load(SOURCES[kind](tmp_path), ANY)
    kinds = {n: s.kind for n, s in loaded.specs.items()}
    assert kinds == {"i": "number", "f": "number", "s": "category", "b": "category", "t": "datetime"}
    assert loaded.table["i"].values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(loaded.table["f"].values, [1.5, np.nan, -2.0])
    assert loaded.table["s"].feed(slice(None)).tolist() == ["a", "", "b"]
    assert loaded.table["b"].feed(slice(None)).tolist() == ["true", "false", ""]
    assert loaded.table["t"].feed(slice(None)).tolist() == ["2024-01-31T12:00:01", "", "2024-02-01T00:00:00"]
    assert (loaded.labels["i"], loaded.labels["f"], loaded.labels["s"]) == ("integer", "number", "string")
    assert loaded.specs["b"].canonical == "boolean"
    assert loaded.table["s"].levels.tolist() == ["a", "", "b"]
    if kind == "excel":
        assert [f.code for f in loaded.findings] == ["data.sheets"]


def test_equal_frames_have_one_digest_and_other_content_another():
    digests = {load(SOURCES[k](None), ANY).info.digest for k in ("pandas", "polars", "arrow", "dict", "rows")}
    assert len(digests) == 1
    assert load(TYPED | {"i": [1, 2, 4]}, ANY).info.digest not in digests


def test_files_have_the_digest_of_their_bytes(table):
    import hashlib

    assert table(PLAIN).info.digest == hashlib.sha256(PLAIN.encode()).hexdigest()


def test_arrays():
    loaded = load(np.array([[1, 2.5], [3, np.nan]]), ANY)
    assert list(loaded.specs) == ["x0", "x1"]
    loaded = load(np.array([[1, "a"], [2, None]], dtype=object), ANY)
    assert loaded.specs["x1"].kind == "category"


def test_large_integers_stay_exact():
    values = [2**60 + i for i in range(3)]
    for data in ({"k": values}, pl.DataFrame({"k": values}), pd.DataFrame({"k": values})):
        loaded = load(data, ANY)
        assert loaded.table["k"].feed(slice(None)).tolist() == [str(v) for v in values]


def test_offsets_go_to_utc():
    times = pd.to_datetime(["2024-01-31T23:00:00-02:00", "2024-06-01T00:00:00-02:00"])
    for data in (pd.DataFrame({"t": times}), pl.DataFrame({"t": times.to_pydatetime()})):
        assert load(data, ANY).table["t"].feed(slice(None))[0] == "2024-02-01T01:00:00"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (5, "data.unsupported"),
        ([], "data.empty"),
        ([1, 2], "data.unsupported"),
        (np.zeros(3), "data.unsupported"),
        (np.zeros((2, 2, 2)), "data.unsupported"),
        ({"a": [1], "b": [1, 2]}, "data.ragged"),
        ({"a": [{}]}, "data.unsupported"),
        ({}, "data.empty"),
        (pd.DataFrame({"a": []}), "data.empty"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "data.duplicate_columns"),
        (pl.DataFrame({"a": [[1]]}), "data.unsupported"),
    ],
)
def test_refused_objects(data, code):
    with pytest.raises(DataError) as caught:
        load(data, ANY)
    assert caught.value.code == code


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(2, 4).flatmap(lambda w: st.lists(st.lists(TEXT, min_size=w, max_size=w), min_size=1, max_size=6)),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    batch=st.integers(1, 4),
)
@example(
    rows=[["\x1f", "a"], ["b\x1f", "\r"]], delimiter=",", end="\n", encoding="utf-8", quoting=csv.QUOTE_ALL, batch=1
)
def test_any_table_comes_back(tmp_path, rows, delimiter, end, encoding, quoting, batch):
    if quoting == csv.QUOTE_MINIMAL:  # Python's writer leaves a lone CR unquoted then
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    names = [f"c{i}" for i in range(len(rows[0]))]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([names, *rows])
    path = Path(tmp_path) / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    control = sum((c < " " and c not in "\t\n\r\f\v\x01\x1a\x1f") or c == "\x7f" for c in text.getvalue())
    if control > 0.02 * len(text.getvalue()):
        return  # told as binary, rightly
    columns = cells_of(path, batch)
    assert [list(r) for r in zip(*columns.values(), strict=True)] == rows
