"""Kinds, marks, dates and words for missing: what is read, and what is refused rather than guessed."""

from __future__ import annotations

import numpy as np
import pytest

from afield.core.errors import DataError, ProblemError


def column(cells, header="x", other="v", values=None):
    values = values or range(len(cells))
    return "".join(f"{a};{b}\n" for a, b in [(header, other), *zip(cells, values, strict=False)])


def found(loaded, code):
    return [f for f in loaded.findings if f.code == code]


@pytest.mark.parametrize(
    ("cells", "values", "marks"),
    [
        (["1", "2"], [1, 2], (".", "")),
        (["0.125", "1.500", "2.750"], [0.125, 1.5, 2.75], (".", "")),
        (["1,5", "2,25"], [1.5, 2.25], (",", "")),
        (["1.234,5", "2.750"], [1234.5, 2750], (",", ".")),
        (["1,234.5", "2,750"], [1234.5, 2750], (".", ",")),
        (["1,234,567", "1,000"], [1234567, 1000], (".", ",")),
        (["1.234.567", "1.000"], [1234567, 1000], (",", ".")),
        (["1 234,5", "2\u00a0000", "3\u202f000"], [1234.5, 2000, 3000], (",", " ")),
        (["1'234.5", "2\u2019000"], [1234.5, 2000], (".", "'")),
        (["1e3", "2.5E-1"], [1000, 0.25], (".", "")),
        (["$5", "$1,250.50"], [5, 1250.5], (".", ",")),
        (["12,5 %", "7 %"], [12.5, 7], (",", "")),
        (["-3,5 €", "4 €"], [-3.5, 4], (",", "")),
        ([" 5", "6 "], [5, 6], (".", "")),
    ],
)
def test_numbers_as_written(table, cells, values, marks):
    loaded = table(column(cells))
    spec = loaded.specs["x"]
    assert spec.kind == "number"
    assert (spec.decimal, spec.thousands) == marks
    assert loaded.table["x"].values.tolist() == values


@pytest.mark.error_code("data.ambiguous")
@pytest.mark.parametrize(
    "cells", [["3.750", "1.250"], ["1,234", "2,345"], ["-1.500", "12.345", "7"], ["$1,500", "$2,500"]]
)
def test_two_readings_stop(table, cells):
    with pytest.raises(DataError) as caught:
        table(column(cells))
    assert caught.value.code == "data.ambiguous"
    assert "--decimal" in caught.value.fix
    assert "rows 1, 2" in caught.value.where


@pytest.mark.parametrize(("mark", "value"), [("point", 3.75), ("comma", 3750.0)])
def test_the_option_settles(table, mark, value):
    assert table(column(["3.750", "1.250"]), decimal=mark).table["x"].values[0] == value


@pytest.mark.parametrize(("other", "value"), [("2.5", 3.75), ("2,5", 3750.0)])
def test_the_rest_of_the_file_settles_and_it_is_told(table, other, value):
    loaded = table(column(["3.750", "1.250"], values=["1", other]))
    assert loaded.table["x"].values[0] == value
    assert found(loaded, "data.ambiguous")


def test_columns_that_contradict_each_other_settle_nothing(table):
    with pytest.raises(DataError, match="two ways"):
        table("x;a;b\n3.750;1.5;1,5\n1.250;2.5;2,5\n")


def test_a_category_is_never_ambiguous(table):
    loaded = table(column(["3.750", "1.250"]), kinds={"x": "category"})
    assert loaded.specs["x"].kind == "category"


def test_against_the_option_a_column_keeps_its_only_reading(table):
    loaded = table(column(["12.5", "3.25"]), decimal="comma")
    assert loaded.table["x"].values.tolist() == [12.5, 3.25]
    assert found(loaded, "data.decimal")


def test_whole_numbers_take_the_mark_of_the_file(table):
    loaded = table(column(["181", "190"], values=["1,5", "2,5"]))
    assert loaded.specs["x"].decimal == ","
    assert loaded.table["x"].values.tolist() == [181, 190]


@pytest.mark.parametrize(
    ("cells", "formats", "first"),
    [
        (["2024-01-31", "2024-02-01 12:30"], ("iso",), "2024-01-31T00:00:00"),
        (["31.01.2024", "1.2.2024"], ("%d.%m.%Y",), "2024-01-31T00:00:00"),
        (["03.04.2024", "05.06.2024"], ("%d.%m.%Y",), "2024-04-03T00:00:00"),
        (["03/04/2024", "15/06/2024"], ("%d/%m/%Y",), "2024-04-03T00:00:00"),
        (["03/04/2024", "06/15/2024 1:05 PM"], ("%m/%d/%Y", "%m/%d/%Y %I:%M %p"), "2024-03-04T00:00:00"),
        (["5-Mar-2024", "6-Apr-2024"], ("%d-%b-%Y",), "2024-03-05T00:00:00"),
        (["Mar 5, 2024", "Apr 6, 2024"], ("%b %d, %Y",), "2024-03-05T00:00:00"),
        (["05/05/2024", "06/06/2024"], ("%d/%m/%Y",), "2024-05-05T00:00:00"),
    ],
)
def test_dates_as_written(table, cells, formats, first):
    loaded = table(column(cells))
    assert (loaded.specs["x"].kind, loaded.specs["x"].formats) == ("datetime", formats)
    assert loaded.table["x"].feed(slice(None))[0] == first


def test_day_or_month_first_stops(table):
    with pytest.raises(DataError) as caught:
        table(column(["03/04/2024", "05/06/2024"]))
    assert caught.value.code == "data.ambiguous"
    assert caught.value.fix == "--date x=%d/%m/%Y or --date x=%m/%d/%Y"
    loaded = table(column(["03/04/2024", "05/06/2024"]), dates={"x": "%d/%m/%Y"})
    assert loaded.table["x"].feed(slice(None)).tolist() == ["2024-04-03T00:00:00", "2024-06-05T00:00:00"]


def test_other_dates_of_the_file_settle_and_it_is_told(table):
    loaded = table(column(["03/04/2024", "05/06/2024"], values=["01/30/2024", "02/02/2024"]))
    assert loaded.specs["x"].formats == ("%m/%d/%Y",)
    assert found(loaded, "data.ambiguous")


def test_a_date_range_in_days(table):
    spec = table(column(["1970-01-02", "1970-01-03 12:00"])).specs["x"]
    assert (spec.low, spec.high) == (1.0, 2.5)


@pytest.mark.error_code("data.cell")
def test_a_forced_date_format_that_does_not_fit_names_the_row(table):
    with pytest.raises(DataError) as caught:
        table(column(["01.02.2024", "soon"]), dates={"x": "%d.%m.%Y"})
    assert caught.value.code == "data.cell"
    assert "row 2" in caught.value.where


NUMBERS = [f"{i * 1.5}" for i in range(20)]


@pytest.mark.parametrize("word", ["?", "-", "n.d.", "Unknown", "#DIV/0!", "inf", "NA", " "])
def test_words_for_missing_in_numbers(table, word):
    loaded = table(column([*NUMBERS, word, word]))
    assert loaded.specs["x"].kind == "number"
    assert np.isnan(loaded.table["x"].values[20:]).all()
    assert np.isfinite(loaded.table["x"].values[:20]).all()
    if word not in ("NA", " "):
        assert found(loaded, "data.missing_token")[0].rows == (21, 22)


def test_stray_words_are_told_and_the_user_decides(table):
    content = column([*NUMBERS, "<0.1"])
    loaded = table(content)
    assert loaded.specs["x"].kind == "category"
    assert loaded.roles["x"] == "feature"
    (mixed,) = found(loaded, "data.mixed")
    assert (mixed.severity, mixed.rows) == ("serious", (21,))
    forced = table(content, kinds={"x": "number"})
    assert "<0.1" in forced.specs["x"].missing
    assert np.isnan(forced.table["x"].values[20])
    assert found(forced, "data.missing_token")[0].severity == "warning"


def test_minus_999_only_where_nothing_else_can_be_meant(table):
    loaded = table(column([*NUMBERS, "-999", "-999.0"]))
    assert "-999" in loaded.specs["x"].missing
    assert np.isnan(loaded.table["x"].values[20:]).all()
    assert not np.isnan(table(column([*NUMBERS, "-999", "-999"]), kinds={"x": "number"}).table["x"].values).any()
    for kept in ([*NUMBERS, "-999"], [*NUMBERS, "-999", "-999", "-900"], [*NUMBERS, "999", "999"]):
        assert not np.isnan(table(column(kept)).table["x"].values).any()


def test_none_is_a_level_of_a_category_and_na_of_country_codes(table):
    spec = table(column(["none", "gas", "oil", "gas"])).specs["x"]
    assert "none" not in spec.missing
    loaded = table(column(["NA", "DE", "FR", "US", "ZA", "KE"]))
    assert loaded.table["x"].feed(slice(None))[0] == "NA"
    assert table(column(["NA", "red", "green", "blue"])).table["x"].feed(slice(None))[0] == ""


@pytest.mark.parametrize(
    ("cells", "kind", "canonical"),
    [
        (["True", "False", "TRUE"], "category", "boolean"),
        (["yes", "no"], "category", ""),
        (["01234", "99999"], "category", ""),
        (["1234567890123456789", "1"], "category", ""),
        (["01", "12"], "number", ""),
        (["2", "3", "5more"], "category", ""),
        (["R1", "R2"], "category", ""),
        (["192.168.1.1", "10.0.0.1"], "category", ""),
    ],
)
def test_words_and_codes(table, cells, kind, canonical):
    spec = table(column(cells)).specs["x"]
    assert (spec.kind, spec.canonical) == (kind, canonical)


def test_forced_category_of_numbers_unites_their_texts(table):
    loaded = table(column(["1", "1.0", "2"]), kinds={"x": "category"})
    assert loaded.table["x"].feed(slice(None)).tolist() == ["1", "1", "2"]


def test_running_text_and_names(table):
    loaded = table(column([f"the catch of day {i} was good, with some rain" for i in range(40)]))
    assert loaded.specs["x"].kind == "text"
    names = [
        f"{a}, Mr. {b}"
        for a in ("Braund", "Cumings", "Allen", "Moran", "Rice", "Bonnell")
        for b in ("Owen", "John", "Tom", "Max")
    ]
    loaded = table(column(names, header="Name"))
    assert loaded.specs["Name"].kind == "text"


@pytest.mark.parametrize(("header", "unit"), [("length (mm)", "mm"), ("weight [g]", "g"), ("temp_C", ""), ("(mm)", "")])
def test_units_in_headers(table, header, unit):
    assert table(column(["1", "2"], header=header)).specs[header].unit == unit


def test_levels_are_common_ones_by_frequency_then_text(table):
    loaded = table(column(["b"] * 6 + ["a"] * 6 + ["c"] * 7 + ["rare"] * 4))
    assert loaded.specs["x"].levels == ("c", "a", "b")


@pytest.mark.parametrize(
    ("header", "cells", "role"),
    [
        ("x", [str(i) for i in range(1, 60)], "id"),
        ("x", [str(i) for i in range(60, 0, -1)], "id"),
        ("x", [str(1000 + 7 * i) for i in range(60)], "id"),
        ("fish_id", [str(i * i) for i in range(60)], "id"),
        ("fishId", [str(i * i) for i in range(60)], "id"),
        ("x", [str(i * i % 3571) for i in range(60)], "feature"),
        ("year", [str(1950 + i) for i in range(60)], "feature"),
        ("x", [f"{i * 1.5}" for i in range(60)], "feature"),
        ("x", [f"{i:04d}-AB{i % 7}" for i in range(60)], "id"),
        ("x", [f"A{i}" if i else "A1" for i in range(60)], "feature"),
        ("x", ["7"] * 30, "constant"),
        ("x", ["7"] * 29 + [""], "feature"),
        ("x", ["NA"] * 30, "empty"),
        ("x", [""] * 30, "empty"),
    ],
)
def test_roles(table, header, cells, role):
    loaded = table(column(cells, header=header))
    assert loaded.roles[header] == role
    if role == "id":
        assert table(column(cells, header=header), kinds={header: "category"}).roles[header] == "feature"


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize(
    "options",
    [{"kinds": {"x": "float"}}, {"dates": {"x": "%d.%m"}}, {"kinds": {"x": "datetime"}}, {"decimal": "dot"}],
)
def test_options_that_cannot_be_used(table, options):
    with pytest.raises(ProblemError) as caught:
        table(column(["a", "b"]), **options)
    assert caught.value.code == "problem.option"


@pytest.mark.error_code("problem.column_not_found")
@pytest.mark.parametrize(
    "options", [{"ignore": ("Xx",)}, {"group": "Xx"}, {"kinds": {"Xx": "text"}}, {"dates": {"Xx": "iso"}}]
)
def test_options_name_columns_that_exist(table, options):
    with pytest.raises(ProblemError, match="did you mean 'xx'") as caught:
        table("xx,y\n1,2\n3,4\n", **options)
    assert caught.value.code == "problem.column_not_found"


def test_ignored_columns_are_dropped_and_cannot_stop_anything(table):
    loaded = table(column(["3.750", "1.250"]), ignore=("x",))
    assert list(loaded.specs) == ["v"]
