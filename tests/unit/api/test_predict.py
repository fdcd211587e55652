from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from afield.api.predict import answer, predict_file
from afield.api.rows import BATCH_ROWS
from afield.core.errors import AfieldError
from afield.model.model import Model
from small_models import one_row, small_model

HEADER = ["length (mm)", "weight", "sex", "site", "caught", "label"]


def write_rows(path: Path, rows: list[dict[str, Any]], extra: tuple[str, ...] = ()) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*extra, *HEADER])
        writer.writeheader()
        writer.writerows(rows)
    return path


def text_row(number: int, **changes: Any) -> dict[str, Any]:
    cells = one_row(weight=f"{number % 7},25 g", sex="MFI"[number % 3], label='say "good", then\nleave')
    return cells | {"id": f'a,"{number}"'} | changes


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv", [text_row(n) for n in range(7)], ("id",))


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_classes_in_order_with_exact_probabilities(rows: Path, tmp_path: Path) -> None:
    model = Model(small_model())
    out = tmp_path / "answers.csv"
    written = predict_file(model, str(rows), out=out, keep=["id"])
    found = read_csv(out.read_text(encoding="utf-8"))
    assert (written.rows, written.path) == (7, out)
    assert list(found[0]) == ["id", "label", "probability_low", "probability_high", "probability_ærlig"]
    assert [r["id"] for r in found] == [f'a,"{n}"' for n in range(7)]
    frame = [one_row(weight=(n % 7) + 0.25, sex="MFI"[n % 3], label="x") for n in range(7)]
    labels, probabilities = model.label_and_probabilities(frame)
    assert [r["label"] for r in found] == list(labels)
    texts = np.array([[r[f"probability_{c}"] for c in model.classes] for r in found])
    assert (texts.astype(np.float32) == probabilities).all()
    assert max(len(t) for t in texts.ravel()) <= 14  # the shortest text that names the float32


def test_regression_floats_come_back_to_the_bit(rows: Path, tmp_path: Path) -> None:
    model = Model(small_model(regression=True))
    predict_file(model, str(rows), out=tmp_path / "a.csv")
    found = [float(r["prediction"]) for r in read_csv((tmp_path / "a.csv").read_text())]
    frame = [one_row(weight=(n % 7) + 0.25, sex="MFI"[n % 3], label="x") for n in range(7)]
    assert found == model.predict(frame).tolist()


def test_every_format_holds_the_same_answers(rows: Path, tmp_path: Path) -> None:
    model = Model(small_model("integer"))
    for name in ("a.csv", "a.tsv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet"):
        predict_file(model, str(rows), out=tmp_path / name, keep=["id"])
    expected = pd.read_csv(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.tsv", sep="\t"), expected)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv.gz"), expected)
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert pd.DataFrame([json.loads(line) for line in lines]).equals(expected)
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == (tmp_path / "a.jsonl").read_bytes()
    with duckdb.connect() as connection:
        stored = connection.execute(f"SELECT * FROM '{tmp_path / 'a.parquet'}'").fetchall()
    assert [row[:2] for row in stored] == list(zip(expected["id"], expected["label"], strict=True))
    assert np.allclose([row[2] for row in stored], expected["probability_3"], rtol=1e-7, atol=0)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_equal_answers_give_equal_bytes(rows: Path, tmp_path: Path) -> None:
    model = Model(small_model())
    for name in ("a.csv.gz", "b.csv.gz"):
        predict_file(model, str(rows), out=tmp_path / name)
    content = (tmp_path / "a.csv.gz").read_bytes()
    assert content == (tmp_path / "b.csv.gz").read_bytes()
    assert content[3:8] == bytes(5)  # neither a name nor a time in the header


def test_booleans_are_written_as_they_are_read(rows: Path, tmp_path: Path) -> None:
    predict_file(Model(small_model("boolean")), str(rows), out=tmp_path / "a.csv")
    assert {r["label"] for r in read_csv((tmp_path / "a.csv").read_text())} <= {"true", "false"}
    predict_file(Model(small_model("boolean")), str(rows), out=tmp_path / "a.jsonl")
    assert isinstance(json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0])["label"], bool)


def test_rows_across_batches_keep_their_order(tmp_path: Path) -> None:
    count = BATCH_ROWS + 10
    frame = pd.DataFrame([one_row(weight="0,25 g")] * count).assign(**{"length (mm)": np.arange(count, dtype=float)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    model = Model(small_model(regression=True))
    predict_file(model, tmp_path / "rows.csv", out=tmp_path / "a.csv")
    found = pd.read_csv(tmp_path / "a.csv")["prediction"].to_numpy()
    assert len(found) == count
    assert (np.diff(found) > 0.99).all()


def test_answers_of_a_file_have_the_type_of_the_labels(rows: Path) -> None:
    model = Model(small_model("integer"))
    found = answer(model, str(rows))
    assert found.dtype == np.int64
    assert set(found.tolist()) <= {3, -1, 12}
    assert answer(model, [one_row()]).tolist() == model.predict([one_row()]).tolist()


def test_a_frame_can_be_written_too(tmp_path: Path) -> None:
    frame = pd.DataFrame([one_row(), one_row(sex="F")]).assign(id=[10, 20])
    predict_file(Model(small_model()), frame, out=tmp_path / "a.csv", keep=["id"])
    assert [r["id"] for r in read_csv((tmp_path / "a.csv").read_text())] == ["10", "20"]
    with pytest.raises(AfieldError, match="did you mean 'id'"):
        predict_file(Model(small_model()), frame, out=tmp_path / "b.csv", keep=["idd"])


def refused(code: str, *arguments: Any, **options: Any) -> AfieldError:
    with pytest.raises(AfieldError) as caught:
        predict_file(*arguments, **options)
    assert caught.value.code == code
    return caught.value


@pytest.mark.error_code("output.exists")
def test_nothing_is_overwritten_unasked(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    out.write_text("precious")
    refused("output.exists", Model(small_model()), str(rows), out=out)
    assert out.read_text() == "precious"
    predict_file(Model(small_model()), str(rows), out=out, force=True)
    assert out.read_text().startswith("label,")


@pytest.mark.error_code("output.unwritable")
def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path) -> None:
    model = Model(small_model())
    for out in (tmp_path, tmp_path / "no" / "a.csv", tmp_path / "a.xlsx", tmp_path / "answers"):
        refused("output.unwritable", model, "does not exist.csv", out=out)


def test_a_bad_cell_is_placed_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv", [text_row(n) for n in range(5)] + [text_row(5, weight="heavy")], ("id",))
    error = refused("data.cell", Model(small_model()), str(path), out=tmp_path / "a.csv")
    assert "rows.csv" in error.where
    assert "weight" in error.text()
    assert "row 6" in error.text()
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("length (mm),sex\n1,M\n")
    with pytest.raises(AfieldError, match="weight") as caught:
        predict_file(Model(small_model()), str(path), out=tmp_path / "a.csv")
    assert caught.value.code in ("data.missing_column", "model.missing_column")


def test_a_kept_column_that_is_not_there(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(AfieldError, match="idd"):
        predict_file(Model(small_model()), str(rows), out=tmp_path / "a.csv", keep=["idd"])


def test_a_kept_column_named_like_an_answer(rows: Path, tmp_path: Path) -> None:
    refused("problem.option", Model(small_model()), str(rows), out=tmp_path / "a.csv", keep=["label"])
