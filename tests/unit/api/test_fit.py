"""The main job: every option of a problem, labels as they were, odd tables, and refusals before any work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import afield
from afield.core.errors import AfieldError, OutputError, ProblemError
from afield.core.events import Event
from afield.data.metrics import METRICS
from afield.search.journal import read_journal
from afield.search.store import open_split
from small_fits import old, quick_fits, shells
from small_studies import MemoryEngine


@pytest.fixture(autouse=True)
def engines(tmp_path: Path) -> Iterator[list[MemoryEngine]]:
    with quick_fits(tmp_path) as started:
        yield started


def study_folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / ".afield" / "studies").iterdir()
    return folder


def fitted(frame: pd.DataFrame, target: str = "age", **wishes: Any) -> afield.Model:
    model = afield.fit(frame, target, **wishes)
    assert model.verify().passed
    assert model.card.parity is not None
    assert model.card.parity.largest <= model.card.parity.tolerance
    assert model.card.parity.labels_different == 0
    return model


# Roles ----------------------------------------------------------------------------------------------------------------


def test_groups_stay_whole_in_every_split(tmp_path: Path) -> None:
    frame = shells(90, pen=np.arange(90) // 6)
    model = fitted(frame, group="pen")
    assert "pen" not in [c.name for c in model.schema.columns]
    folder = study_folder(tmp_path)
    for name in ("main", "outer-0", "outer-1", "outer-2"):
        split = open_split(folder / "splits" / name)
        groups = frame["pen"].to_numpy()[split.rows]
        for fold in range(split.folds.count):
            assert not set(groups[split.folds[fold].train]) & set(groups[split.folds[fold].valid])


@pytest.mark.parametrize("as_date", [True, False])
def test_time_is_split_forward_and_scored_on_the_last_fifth(as_date: bool, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(80)
    when: Any = pd.Timestamp("2024-01-01") + pd.to_timedelta(order, unit="D") if as_date else order
    frame = shells(80, when=when)
    model = fitted(frame, time="when")
    assert "when" not in [c.name for c in model.schema.columns]
    split = open_split(study_folder(tmp_path) / "splits" / "main")
    assert split.folds.forward
    for fold in range(split.folds.count):
        assert order[split.folds[fold].train].max() < order[split.folds[fold].valid].min()
    outer = open_split(study_folder(tmp_path) / "splits" / "outer-0")
    assert order[outer.rows].max() == 63
    assert model.card.score is not None
    assert (model.card.score.rows, model.card.score.splits) == (16, 1)


def test_rows_of_no_weight_teach_nothing() -> None:
    frame = shells(120)
    wrong = np.arange(120) % 2 == 0
    frame = frame.assign(age=np.where(wrong, 40.0 - 7 * frame["age"], frame["age"]), w=np.where(wrong, 0.0, 1.0))
    model = fitted(frame, weight="w")
    assert "w" not in [c.name for c in model.schema.columns]
    right = frame[~wrong]
    assert METRICS["r2"](right["age"].to_numpy(), model.predict(right)) > 0.7
    assert model.card.score is not None
    assert model.card.score.others["r2"] > 0.6  # type: ignore[operator]  # wrong rows do not count there either


def test_ignored_columns_are_not_asked_for() -> None:
    model = fitted(shells(), ignore=["depth", "site"])
    assert [c.name for c in model.schema.columns] == ["size"]
    assert np.isfinite(model.predict({"size": 0.5})).all()


def test_a_test_file_gives_the_score(tmp_path: Path) -> None:
    kept = shells(40, seed=5)
    kept.to_csv(tmp_path / "kept.csv", index=False)
    model = fitted(shells(), test=str(tmp_path / "kept.csv"), metric="mae")
    score = model.card.score
    assert score is not None
    assert (score.how, score.rows, score.splits, score.metric) == ("test_file", 40, 0, "mae")
    assert score.value == pytest.approx(METRICS["mae"](kept["age"].to_numpy(), model.predict(kept)), rel=1e-9)
    assert score.low < score.value < score.high  # type: ignore[operator]
    assert not (study_folder(tmp_path) / "splits" / "outer-0").exists()


def test_a_test_file_with_an_unknown_class_is_refused(tmp_path: Path) -> None:
    frame = shells()
    kept = shells(20, seed=5)
    kept.assign(age=["old"] * 19 + ["ancient"]).to_csv(tmp_path / "kept.csv", index=False)
    with pytest.raises(AfieldError, match="ancient"):
        afield.fit(frame.assign(age=old(frame)), "age", test=str(tmp_path / "kept.csv"))


# Task, metric, seed ---------------------------------------------------------------------------------------------------


def test_the_positive_class_is_the_one_that_f1_looks_for() -> None:
    frame = shells(80)
    frame["age"] = old(frame)
    found = {p: fitted(frame, metric="f1", positive=p) for p in ("old", "young")}
    assert {p: m.classes[1] for p, m in found.items()} == {"old": "old", "young": "young"}
    for positive, model in found.items():
        assert model.card.score is not None
        judged = model.predict(frame)
        assert set(judged) <= {"old", "young"}
        assert model.card.decision is not None
        least = model.predict_proba(frame)[judged == positive][:, 1].min()
        assert least >= model.card.decision.threshold - 1e-6
    scores = [m.card.score.value for m in found.values()]  # type: ignore[union-attr]
    assert scores[0] != scores[1]


@pytest.mark.error_code("problem.option")
@pytest.mark.parametrize("positive", ["olde", "1"])
def test_a_positive_class_that_is_not_there_is_refused(positive: str) -> None:
    frame = shells()
    frame["age"] = old(frame)
    with pytest.raises(ProblemError, match=r"positive|no class"):
        afield.fit(frame, "age", positive=positive)


@pytest.mark.parametrize(("task", "classes"), [("regression", ()), ("multiclass", (0, 1, 2, 3, 4, 5))])
def test_the_task_can_be_said(task: str, classes: tuple[int, ...]) -> None:
    frame = shells(90)
    frame["age"] = frame["age"].round().clip(0, 5).astype(int)
    frame.loc[:5, "age"] = range(6)
    model = fitted(frame, task=task)
    assert (model.task, model.classes) == (task, classes)


@pytest.mark.parametrize(("metric", "better"), [("mae", "lower"), ("r2", "higher")])
def test_the_metric_is_on_the_card_with_its_interval_and_baseline(metric: str, better: str) -> None:
    card = fitted(shells(), metric=metric).card
    assert card.metric == metric
    assert card.score is not None
    assert card.score.low <= card.score.value <= card.score.high  # type: ignore[operator]
    baseline = card.baselines[0]
    gain = card.score.value - baseline.value  # type: ignore[operator]
    assert (gain > 0) == (better == "higher")
    assert metric not in card.score.others
    assert {"rmse", "mae", "r2", "mape"} == {metric, *card.score.others}


def test_the_seed_and_nothing_else_changes_the_file() -> None:
    found = [afield.fit(shells(), "age", seed=s).bytes for s in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_samples_are_made_up_unless_real_ones_are_asked_for() -> None:
    frame = shells(60, note=[f"Jane Doe {i}" if i < 3 else "calm" for i in range(60)])
    made, real = fitted(frame), fitted(frame, real_samples=True)
    assert (made.selftest.real, real.selftest.real) == (False, True)
    assert not set(made.selftest.inputs["size"]) & set(frame["size"])
    assert set(real.selftest.inputs["size"]) <= set(frame["size"])
    assert b"Jane Doe" not in made.bytes
    assert frame["size"].iloc[7] not in made.selftest.inputs["size"]


# Labels and rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yes", "no", "dtype"),
    [
        ("old", "young", np.object_),
        (True, False, np.bool_),
        (7, -3, np.int64),
        (1.5, 0.5, np.float64),
        ("1", "0", None),
    ],
)
def test_labels_come_back_with_their_type(yes: Any, no: Any, dtype: Any) -> None:
    frame = shells(80)
    labels = old(frame, yes, no)
    model = fitted(frame.assign(age=labels), task="binary")
    answers = model.predict(frame)
    assert set(answers.tolist()) == {yes, no} or (dtype is None and set(map(str, answers.tolist())) == {yes, no})
    if dtype is not None:
        assert answers.dtype == dtype
    assert np.mean([str(a) == str(b) for a, b in zip(answers, labels, strict=True)]) > 0.8


def test_rows_without_target_are_left_out_and_counted() -> None:
    frame = shells(70)
    frame.loc[[3, 20, 69], "age"] = np.nan
    card = fitted(frame).card
    assert (card.rows_used, card.rows_without_target) == (67, 3)
    (finding,) = [f for f in card.findings if f.code == "target.missing"]
    assert finding.rows == (4, 21, 70)


def test_a_class_of_one_row_is_named_and_does_no_harm() -> None:
    frame = shells(60)
    labels = old(frame)
    labels[17] = "odd"
    model = fitted(frame.assign(age=labels))
    assert sorted(model.classes) == ["odd", "old", "young"]
    assert [f for f in model.card.findings if "odd" in f.what]
    assert model.predict_proba(frame).shape == (60, 3)


def test_five_rows_are_enough() -> None:
    frame = shells(5)
    assert np.isfinite(fitted(frame).predict(frame)).all()
    labels = ["a", "b", "a", "b", "a"]
    assert set(fitted(frame.assign(age=labels)).predict(frame)) <= {"a", "b"}


@pytest.mark.error_code("problem.too_few_rows")
def test_four_rows_are_not() -> None:
    with pytest.raises(ProblemError, match="4 rows") as caught:
        afield.fit(shells(4), "age")
    assert caught.value.code == "problem.too_few_rows"


@pytest.mark.error_code("problem.no_features")
def test_constant_columns_are_nothing_to_learn_from() -> None:
    frame = pd.DataFrame({"a": [1.0] * 20, "b": ["x"] * 20, "y": np.arange(20.0)})
    with pytest.raises(ProblemError, match="No usable column") as caught:
        afield.fit(frame, "y")
    assert caught.value.code == "problem.no_features"


# Odd tables -----------------------------------------------------------------------------------------------------------


def test_text_and_datetime_columns() -> None:
    words = ["torn net near cage", "calm sea and clear water", "storm came from the north", "feed was late again"]
    frame = shells(80, seen=pd.date_range("2024-01-01", periods=80, freq="31h"))
    notes = [f"{words[i % 4]} {'badly ' * (i % 3)}on trip {i}" for i in range(80)]
    frame["note"] = notes
    frame["age"] = np.array([2.0, 8.0, 4.0, 6.0])[np.arange(80) % 4] + 0.1 * frame["age"]
    model = fitted(frame)
    kinds = {c.name: c.kind for c in model.schema.columns}
    assert (kinds["seen"], kinds["note"]) == ("datetime", "text")
    assert METRICS["r2"](frame["age"].to_numpy(), model.predict(frame)) > 0.8


NAMES = [
    "label", "prediction", "probabilities", "score", "column:label", "größe (cm)", "a/b c", " padded ", "0", "列",
    "x" * 99,
]  # fmt: skip


@pytest.mark.parametrize("classes", [True, False])
def test_odd_column_names(classes: bool) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({n: draw.normal(size=60) for n in NAMES})
    frame["site"] = draw.choice(["a", "b"], 60)
    total = frame[NAMES].sum(axis=1) + (frame["site"] == "a")
    frame["y: the target"] = np.where(total > 0, "yes", "no") if classes else total
    model = fitted(frame, "y: the target")
    assert len(model.predict(frame)) == 60
    session = onnxruntime.InferenceSession(model.bytes)
    inputs = [i.name for i in session.get_inputs()]
    assert len(set(inputs)) == len(NAMES) + 1
    assert not set(inputs) & {o.name for o in session.get_outputs()}
    one = model.predict({n: frame[n].iloc[3] for n in [*NAMES, "site"]})
    assert one[0] == model.predict(frame)[3]


def test_an_empty_column_name() -> None:
    frame = shells().rename(columns={"depth": ""})
    model = fitted(frame)
    assert [c.name for c in model.schema.columns] == ["size", "", "site"]
    assert len(model.predict(frame)) == 60


def test_three_hundred_columns() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 300)), columns=[f"c{i}" for i in range(300)])
    frame["y"] = frame["c7"] + 0.1 * frame["c8"]
    model = fitted(frame, "y")
    assert len(model.schema.columns) == 300
    assert len(model.predict(frame)) == 60


def test_a_target_of_one_name_with_a_role_is_refused() -> None:
    for role in ("group", "time", "weight"):
        with pytest.raises(ProblemError, match="also the"):
            afield.fit(shells(), "age", **{role: "age"})


# Before the work ------------------------------------------------------------------------------------------------------


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr("afield.api.fit.understand", never)


@pytest.mark.error_code("output.exists")
@pytest.mark.usefixtures("unread")
def test_an_output_that_exists_is_seen_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    with pytest.raises(OutputError) as caught:
        afield.fit(shells(), "age", out=tmp_path / "m.onnx")
    assert caught.value.code == "output.exists"
    assert (tmp_path / "m.onnx").read_text() == "mine"
    assert not (tmp_path / ".afield").exists()


@pytest.mark.error_code("output.unwritable")
@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("name", ["no/such/m.onnx", "folder"])
def test_an_output_that_cannot_be_is_seen_before_the_work(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError) as caught:
        afield.fit(shells(), "age", out=tmp_path / name, force=True)
    assert caught.value.code == "output.unwritable"
    assert not (tmp_path / ".afield").exists()


@pytest.mark.error_code("problem.option")
@pytest.mark.usefixtures("unread")
def test_a_time_limit_that_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="time limit"):
        afield.fit(shells(), "age", minutes=0.01)
    assert not (tmp_path / ".afield").exists()


@pytest.mark.error_code("output.disk_full")
def test_a_full_disk_is_seen_before_the_search(monkeypatch: pytest.MonkeyPatch, engines: list[MemoryEngine]) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(OutputError, match="not enough room") as caught:
        afield.fit(shells(), "age")
    assert caught.value.code == "output.disk_full"
    assert "1 MB free" in caught.value.got
    assert not engines[0].log


def test_force_overwrites_and_the_file_is_the_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("mine")
    model = afield.fit(shells(), "age", out=tmp_path / "m.onnx", force=True)
    assert (tmp_path / "m.onnx").read_bytes() == model.bytes
    assert (study_folder(tmp_path) / "model.onnx").read_bytes() == model.bytes


# What is said and kept ------------------------------------------------------------------------------------------------


def test_events_tell_the_story_in_order(tmp_path: Path) -> None:
    from afield.api.fit import fit

    events: list[Event] = []
    result = fit(afield.Problem(target="age"), frame=shells(), out=tmp_path / "m.onnx", listener=events.append)
    kinds = [e.kind for e in events if e.kind not in ("finding", "progress")]
    assert kinds[:3] == ["stage", "table", "stage"]
    assert [e.data["name"] for e in events if e.kind == "stage"] == [
        "read", "check", "search", "honest score", "check the file",
    ]  # fmt: skip
    assert kinds[-2:] == ["score", "written"]
    assert result.path == tmp_path / "m.onnx"
    assert result.study == "age-1"
    assert [t["status"] for t in result.leaderboard] == ["ok", "ok"]
    assert result.leaderboard[0]["loss"] <= result.leaderboard[1]["loss"]
    assert sum(t["weight"] for t in result.leaderboard) == pytest.approx(1.0)
    assert result.score["how"] == "outer_splits"


def test_the_file_does_not_tell_where_the_data_lay(tmp_path: Path) -> None:
    files = []
    for place in ("secret", "other"):
        (tmp_path / place).mkdir()
        shells().to_csv(tmp_path / place / "shells.csv", index=False)
        files.append(afield.fit(tmp_path / place / "shells.csv", "age"))
    assert files[0].bytes == files[1].bytes
    assert files[0].provenance.data_name == "shells.csv"
    assert b"secret" not in files[0].bytes


def test_each_record_is_written_once(tmp_path: Path) -> None:
    afield.fit(shells(), "age")
    names = [(r["kind"], r["name"]) for r in read_journal(study_folder(tmp_path) / "journal.jsonl")]
    assert len(names) == len(set(names))


def test_a_table_in_three_forms_gives_one_file(tmp_path: Path) -> None:
    import polars as pl
    import pyarrow as pa

    frame = shells()
    found = [afield.fit(f, "age") for f in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame))]
    rows = frame.head(5)
    for model in found[1:]:
        assert np.array_equal(model.predict(rows), found[0].predict(rows))
