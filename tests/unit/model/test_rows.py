from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from afield.core.errors import ModelFileError
from afield.model.rows import feed_rows
from small_models import one_row, schema_of

SCHEMA = schema_of()
ROWS = [
    one_row(),
    one_row(**{"length (mm)": None, "weight": -1.5, "sex": None, "site": "2.5", "caught": None, "label": None}),
    one_row(**{"length (mm)": 7.0, "weight": None, "sex": "never", "site": None, "label": "é漢🦪"}),
]
LENGTHS, WEIGHTS = [4.5, np.nan, 7.0], [0.25, -1.5, np.nan]
TEXTS = {
    "sex": ["M", "", "never"],
    "site": ["1", "2.5", ""],
    "caught": ["2020-05-17T00:00:00", "", "2020-05-17T00:00:00"],
    "label_": ["good", "", "é漢🦪"],
}


def columns() -> dict[str, list[Any]]:
    return {name: [row[name] for row in ROWS] for name in ROWS[0]}


def structured() -> np.ndarray:
    c = columns()
    numbers = [[np.nan if v is None else v for v in c[n]] for n in ("length (mm)", "weight")]
    texts = [["" if v is None else v for v in c[n]] for n in ("sex", "site", "caught", "label")]
    kinds = [("length (mm)", "f8"), ("weight", "f4"), ("sex", "U9"), ("site", "U9"), ("caught", "U19"), ("label", "U9")]
    return np.array(list(zip(*numbers, *texts, strict=True)), dtype=kinds)


FORMS = {
    "columns": columns,
    "columns as tuples": lambda: {n: tuple(v) for n, v in columns().items()},
    "columns as arrays": lambda: {n: np.array(v, dtype=object) for n, v in columns().items()},
    "columns as series": lambda: {n: pd.Series(v) for n, v in columns().items()},
    "reordered, with more": lambda: {"extra": ["x"] * 3, **dict(reversed(columns().items()))},
    "records": lambda: ROWS,
    "records, tuple": lambda: tuple(OrderedDict(r) for r in ROWS),
    "pandas": lambda: pd.DataFrame(columns()),
    "pandas, odd index": lambda: pd.DataFrame(columns(), index=[7, 7, "a"]),
    "pandas, objects": lambda: pd.DataFrame(columns(), dtype=object),
    "pandas, categories": lambda: pd.DataFrame(columns()).astype({"sex": "category", "site": "category"}),
    "pandas, nullable": lambda: pd.DataFrame(columns()).convert_dtypes(),
    "pandas, arrow": lambda: pd.DataFrame(columns()).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, dates": lambda: pd.DataFrame(columns()).assign(caught=lambda f: pd.to_datetime(f["caught"])),
    "pandas, dates with zone": lambda: pd.DataFrame(columns()).assign(
        caught=lambda f: pd.to_datetime(f["caught"]).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    ),
    "pandas, numbers as category": lambda: pd.DataFrame(columns()).assign(site=[1.0, 2.5, np.nan]),
    "pandas, days": lambda: pd.DataFrame(columns()).assign(caught=[dt.date(2020, 5, 17), None, dt.date(2020, 5, 17)]),
    "polars": lambda: pl.DataFrame(columns()),
    "polars, dates": lambda: pl.DataFrame(columns()).with_columns(pl.col("caught").str.to_datetime()),
    "polars, days": lambda: pl.DataFrame(columns()).with_columns(pl.col("caught").str.slice(0, 10).str.to_date()),
    "polars, categorical": lambda: pl.DataFrame(columns()).with_columns(pl.col("sex").cast(pl.Categorical)),
    "pyarrow": lambda: pa.table(columns()),
    "pyarrow, chunks": lambda: pa.concat_tables([pa.Table.from_pylist(ROWS[:1]), pa.Table.from_pylist(ROWS[1:])],
                                                promote_options="permissive"),
    "pyarrow, batch": lambda: pa.RecordBatch.from_pydict(columns()),
    "pyarrow, dictionary": lambda: pa.table(columns() | {"sex": pa.array(columns()["sex"]).dictionary_encode()}),
    "structured": structured,
    "2-D objects": lambda: np.array([list(r.values()) for r in ROWS], dtype=object),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_feed(form: str) -> None:
    feed, rows = feed_rows(SCHEMA, FORMS[form]())
    assert rows == 3
    assert list(feed) == [c.input_name for c in SCHEMA.columns]
    np.testing.assert_array_equal(feed["length (mm)"], LENGTHS)
    np.testing.assert_array_equal(feed["weight"], WEIGHTS)
    assert feed["weight"].dtype == np.float64
    for name, texts in TEXTS.items():
        assert feed[name].dtype == object
        assert feed[name].tolist() == texts, name
        assert {type(t) for t in feed[name]} == {str}


@pytest.mark.parametrize("row", [one_row(), pd.Series(one_row()), {k: np.array(v) for k, v in one_row().items()}])
def test_one_row(row: Any) -> None:
    feed, rows = feed_rows(SCHEMA, row)
    assert rows == 1
    assert feed["weight"].tolist() == [0.25]
    assert feed["label_"].tolist() == ["good"]


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), "", " NA "])
@pytest.mark.parametrize("column", list(one_row()))
def test_every_missing_mark(nothing: Any, column: str) -> None:
    feed, _ = feed_rows(SCHEMA, [one_row(), one_row(**{column: nothing})])
    single, _ = feed_rows(SCHEMA, one_row(**{column: nothing}))
    spec = next(c for c in SCHEMA.columns if c.name == column)
    for value in (feed[spec.input_name][1], single[spec.input_name][0]):
        assert np.isnan(value) if spec.kind == "number" else value == ""


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("weight", "1.000,5 g", 1000.5),
        ("weight", 3, 3.0),
        ("weight", True, 1.0),
        ("weight", Decimal("2.5"), 2.5),
        ("weight", np.float32(0.5), 0.5),
        ("weight", -999, np.nan),
        ("weight", "-999", np.nan),
        ("site", 1, "1"),
        ("site", 1.0, "1"),
        ("site", "1.0", "1"),
        ("site", np.int64(1), "1"),
        ("sex", True, "true"),
        ("caught", "17.05.2020", "2020-05-17T00:00:00"),
        ("caught", dt.date(2020, 5, 17), "2020-05-17T00:00:00"),
        ("caught", dt.datetime(2020, 5, 17, 3, tzinfo=dt.timezone(dt.timedelta(hours=3))), "2020-05-17T00:00:00"),
        ("caught", np.datetime64("2020-05-17T00:00:00.999999"), "2020-05-17T00:00:00"),
        ("caught", pd.Timestamp("2020-05-17"), "2020-05-17T00:00:00"),
        ("label", 12, "12"),
    ],
)
def test_values_obey_the_schema_in_rows_and_in_columns(column: str, value: Any, wanted: Any) -> None:
    name = next(c.input_name for c in SCHEMA.columns if c.name == column)
    rows = [one_row(**{column: v}) for v in (value, None, value)]
    np.testing.assert_equal(feed_rows(SCHEMA, rows[0])[0][name][0], wanted)
    np.testing.assert_equal(feed_rows(SCHEMA, rows)[0][name][2], wanted)
    table = {n: [r[n] for r in rows] for n in rows[0]} | {column: np.array([value, value])}
    table = {n: v[:2] for n, v in table.items()}
    np.testing.assert_equal(feed_rows(SCHEMA, table)[0][name][1], wanted)


def test_a_mixed_category_keeps_its_levels_apart() -> None:
    rows = [one_row(sex=v) for v in (1, True, 1.5, "1", False, 0)]
    assert feed_rows(SCHEMA, rows)[0]["sex"].tolist() == ["1", "true", "1.5", "1", "false", "0"]


def test_masked_values_are_missing() -> None:
    table = columns() | {"length (mm)": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])}
    np.testing.assert_array_equal(feed_rows(SCHEMA, table)[0]["length (mm)"], [1.0, np.nan, 3.0])


def test_column_labels_that_are_numbers() -> None:
    from dataclasses import replace

    schema = replace(SCHEMA, columns=(replace(SCHEMA.columns[0], name="2019"),))
    for rows in (pd.DataFrame({2019: [1.0]}), {2019: 1.0}, [{2019: 1.0}], {2019: [1.0]}):
        assert feed_rows(schema, rows)[0]["2019"].tolist() == [1.0]


@pytest.mark.parametrize("rows", [[], {n: [] for n in one_row()}, pd.DataFrame(columns()).iloc[:0]])
def test_no_rows(rows: Any) -> None:
    feed, count = feed_rows(SCHEMA, rows)
    assert count == 0
    assert all(len(v) == 0 for v in feed.values())


def test_a_key_that_only_some_rows_have_is_missing_in_the_others() -> None:
    short = one_row()
    del short["sex"]
    assert feed_rows(SCHEMA, [one_row(), short])[0]["sex"].tolist() == ["M", ""]


@pytest.mark.error_code("model.missing_column")
@pytest.mark.parametrize(
    "form", [lambda t: t, lambda t: [{n: v[0] for n, v in t.items()}], lambda t: {n: v[0] for n, v in t.items()},
             pd.DataFrame, pl.DataFrame, pa.table],
)  # fmt: skip
def test_a_column_that_is_not_there_is_an_error(form: Any) -> None:
    table = columns()
    table["wieght"] = table.pop("weight")
    with pytest.raises(ModelFileError) as caught:
        feed_rows(SCHEMA, form(table))
    assert caught.value.code == "model.missing_column"
    assert "'weight'" in caught.value.what
    assert "did you mean 'wieght'" in caught.value.fix


@pytest.mark.error_code("model.cell")
@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("length (mm)", "long"), ("length (mm)", "4,5"), ("length (mm)", dt.date(2020, 1, 1)), ("length (mm)", [1]),
        ("length (mm)", np.inf), ("weight", "0.25"), ("caught", "2023-02-30"), ("caught", True), ("sex", {"a": 1}),
        ("sex", b"M"), ("label", "\ud800"), ("length (mm)", 10**400),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_column_and_row(column: str, bad: Any) -> None:
    rows = [one_row(), one_row(), one_row(**{column: bad})]
    for given, number in ((rows, 3), (rows[2], 1)):
        if isinstance(bad, list) and given is rows[2]:
            continue  # a list beside single values: another error
        if isinstance(bad, dict) and given is rows[2]:
            continue
        with pytest.raises(ModelFileError) as caught:
            feed_rows(SCHEMA, given)
        assert caught.value.code == "model.cell"
        assert caught.value.where == f"column {column!r}, row {number}"
        assert caught.value.expected


def test_a_wrong_value_in_an_array_is_named_with_its_row() -> None:
    table = columns() | {"length (mm)": np.array([1.0, -np.inf, 2.0])}
    with pytest.raises(ModelFileError, match="row 2"):
        feed_rows(SCHEMA, table)
    table = columns() | {"caught": np.array([20200517, 5, 6])}
    with pytest.raises(ModelFileError, match="row 1"):  # the column has no format that a number fits
        feed_rows(SCHEMA, table)
    table = columns() | {"caught": np.array(["2020-05-17", "2020-05-17", "12000-01-01"], dtype="datetime64[s]")}
    with pytest.raises(ModelFileError, match="row 3"):
        feed_rows(SCHEMA, table)


@pytest.mark.error_code("model.rows")
@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2, 3, 4, 5, 6]], [1, 2], 5, None, "shells.csv", b"bytes", np.zeros(6), np.zeros((2, 5)),
        np.zeros((1, 2, 3)),
        columns() | {"sex": ["M"]}, columns() | {"sex": "M"}, columns() | {"weight": np.zeros((3, 1))},
        pd.DataFrame([[*one_row().values(), 1.0]], columns=[*one_row(), "weight"]), {1, 2},
    ],
)  # fmt: skip
def test_what_is_not_rows(rows: Any) -> None:
    with pytest.raises(ModelFileError) as caught:
        feed_rows(SCHEMA, rows)
    assert caught.value.code == "model.rows"
