"""The rows of a split, and what is written for whom."""

from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.automl.plan import Table
from benchmarks.automl.splits import draw, plain_names, truth_of, typed, write_split

ROWS = 80


def test_classes_keep_their_shares_and_rare_ones_stay_in_training():
    labels = np.array([0] * 60 + [1] * 19 + [2])
    tested = draw(labels, None, ROWS, seed=0)
    assert [int(tested[labels == c].sum()) for c in range(3)] == [15, 5, 0]
    assert (draw(labels, None, ROWS, seed=0) == tested).all()
    assert (draw(labels, None, ROWS, seed=1) != tested).any()


def test_groups_are_whole_on_one_side():
    groups = np.repeat(np.arange(20), 4)
    tested = draw(np.zeros(ROWS, dtype=int), groups, ROWS, seed=0)
    assert all(len(set(tested[groups == g])) == 1 for g in range(20))
    assert tested.sum() in (20, 24)


def test_a_regression_tests_a_quarter():
    assert draw(None, None, 101, seed=0).sum() == 25


def test_names_become_plain_and_stay_apart():
    assert plain_names(["a b", "a_b", "a<b", "%"]) == {"a b": "a_b", "a_b": "a_b_2", "a<b": "a_b_3", "%": "column"}


def test_dates_are_parsed_and_other_texts_are_not():
    frame = pd.DataFrame(
        {"d": ["2020-01-05", None, "2020-02-01 10:00:00"], "t": ["2020-01-05", "x", "y"], "n": [1, 2, 3]}
    )
    found, dates = typed(frame)
    assert dates == ["d"]
    assert found["d"].dt.month.tolist()[::2] == [1, 2]


def test_everybody_reads_the_same_rows(tmp_path: Path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({
        "id": range(ROWS), "size (cm)": random.normal(size=ROWS).round(6), "kind": random.choice(["x", "?", "z"], ROWS),
        "who": np.repeat(np.arange(20), 4), "class": random.choice(["no", "yes"], ROWS),
    })  # fmt: skip
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = Table("t", "t.csv", "class", "binary", drop=("id",), group="who")
    files = write_split(table, 0, tmp_path, tmp_path / "split")
    assert (files.classes, files.columns, files.rows + files.test_rows) == (["no", "yes"], 2, ROWS)
    for part in ("train", "test"):
        raw = pd.read_csv(getattr(files, f"raw_{part}"), dtype=str, keep_default_na=False)
        read = pd.read_csv(getattr(files, part))
        assert list(raw.columns) == ["size (cm)", "kind", "class"]
        assert list(read.columns) == ["size_cm", "kind", "class"]
        assert (raw["size (cm)"].astype(float).to_numpy() == read["size_cm"].to_numpy()).all()
        assert ((raw["kind"] == "?").to_numpy() == read["kind"].isna().to_numpy()).all()
        assert [files.classes[c] for c in read["class"]] == raw["class"].tolist()
    assert truth_of(files).tolist() == read["class"].tolist()
    assert write_split(table, 0, tmp_path / "gone", tmp_path / "split") == files  # drawn once
