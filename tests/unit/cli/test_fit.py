from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afield.api.fit import FitResult
from afield.core.events import Event
from afield.core.findings import Finding
from afield.model.model import Model
from afield.problem.problem import Problem
from small_models import small_model

FINDING = Finding(code="target.leak", severity="serious", what="It equals the target.", column="RISK", rows=(1, 2))


class Fitter:
    """Stands in for the fit: keeps what it was asked, says a few events, gives a small model."""

    def __init__(self) -> None:
        self.problem = Problem(target="")
        self.options: dict[str, Any] = {}

    def __call__(self, problem: Problem, **options: Any) -> FitResult:
        self.problem, self.options = problem, options
        tell = options["listener"]
        tell(Event("stage", {"name": "read"}))
        tell(Event("table", {"rows": 4177, "columns": 8, "source": "shells.csv"}))
        tell(Event("finding", FINDING.to_json()))
        tell(Event("problem", {"target": "rings", "task": "multiclass", "metric": "log_loss"}))
        ended = {"status": "ok", "split": "main", "planned": 9}
        tell(Event("trial", ended | {"recipe": {"name": "linear"}, "score": 0.4, "loss": 0.4, "done": 1}))
        tell(Event("trial", ended | {"recipe": {"name": "forest"}, "score": 0.3, "loss": 0.3, "done": 2}))
        tell(Event("trial", ended | {"recipe": {"name": "bad"}, "status": "failed", "reason": "no luck", "done": 3}))
        tell(Event("trial", ended | {"recipe": {"name": "late"}, "status": "stopped", "reason": "", "done": 4}))
        return FitResult(
            model=Model(small_model()),
            study="rings-1",
            path=options["out"],
            findings=(FINDING,),
            score={},
            leaderboard=[],
            wall_s=75.0,
        )


@pytest.fixture
def fitter(monkeypatch: pytest.MonkeyPatch) -> Fitter:
    fitter = Fitter()
    monkeypatch.setattr("afield.api.fit.fit", fitter)
    return fitter


def test_every_option_reaches_the_problem(cli: Callable[..., Any], fitter: Fitter) -> None:
    ended = cli(
        *("fit", "shells.csv", "--target", "rings", "--task", "multiclass", "--metric", "log_loss", "--group", "g"),
        *("--time", "t", "--weight", "w", "--ignore", "id,name", "--ignore", "x", "--kind", "zip=category"),
        *("--decimal", "comma", "--date", "sold=%d.%m.%Y", "--test", "t.csv", "--positive", "yes", "--minutes", "2"),
        *("--jobs", "2", "--memory", "4GB", "--seed", "7", "--real-samples", "--out", "m.onnx", "--force"),
    )
    assert ended.code == 0, ended.err
    assert fitter.problem == Problem(
        target="rings",
        data="shells.csv",
        test="t.csv",
        task="multiclass",
        metric="log_loss",
        group="g",
        time="t",
        weight="w",
        ignore=("id", "name", "x"),
        kinds={"zip": "category"},
        decimal="comma",
        dates={"sold": "%d.%m.%Y"},
        positive="yes",
        minutes=2.0,
        jobs=2,
        memory_bytes=4 * 10**9,
        seed=7,
        real_samples=True,
    )
    assert (fitter.options["out"], fitter.options["force"]) == (Path("m.onnx"), True)


def test_defaults_are_those_of_the_problem(cli: Callable[..., Any], fitter: Fitter) -> None:
    assert cli("fit", "data/shells.csv.gz", "--target", "rings").code == 0
    assert fitter.problem == Problem(target="rings", data="data/shells.csv.gz")
    assert (fitter.options["out"], fitter.options["force"]) == (Path("shells.onnx"), False)


def test_problem_file_with_a_wish_on_top(cli: Callable[..., Any], fitter: Fitter, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('target = "rings"\ndata = "shells.csv"\neffort = "thorough"\nmetric = "mae"\n')
    assert cli("fit", file, "--minutes", "3").code == 0
    assert fitter.problem == Problem(target="rings", data=str(tmp_path / "shells.csv"), metric="mae", minutes=3.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "y", "--minutes", "5", "--effort", "quick"), "only one"),
        (("--target", "y", "--effort", "quik"), "did you mean 'quick'?"),
        (("--target", "y", "--memory", "much"), "4GB"),
        (("--target", "y", "--kind", "zip"), "zip=category"),
        ((), "No target"),
        (("--tarket", "y"), "--tarket"),
    ],
)
def test_wrong_use_ends_with_2_before_any_work(
    cli: Callable[..., Any], fitter: Fitter, arguments: tuple[str, ...], said: str
) -> None:
    ended = cli("fit", "a.csv", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert not fitter.options


def test_progress_is_plain_lines_and_the_result_a_summary(cli: Callable[..., Any], fitter: Fitter) -> None:
    ended = cli("fit", "shells.csv", "--target", "rings")
    progress = [line.partition("] ")[2] for line in ended.err.splitlines()]
    assert progress == [
        "reading the data",
        "4,177 rows, 8 columns from shells.csv",
        "serious: RISK: It equals the target. (such as rows 1, 2)",
        "predict rings: multiclass, measured by log_loss",
        "trial 1 of 9: linear 0.4, best log_loss 0.4",
        "trial 3 of 9: bad failed: no luck, best log_loss 0.3, about 0 s left",
    ]
    lines = ended.out.splitlines()
    labels = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert labels == [
        "predicts", "learned", "serious", "score", "baselines", "parity", "members", "file", "study", "next",
    ]  # fmt: skip
    assert "log_loss 0.41 (95% interval 0.39 to 0.43)" in ended.out
    assert "afield predict shells.onnx NEW_ROWS.csv --out answers.csv" in ended.out
    assert "afield report rings-1 shells.html" in ended.out


def test_quiet_prints_the_path_only(cli: Callable[..., Any], fitter: Fitter) -> None:
    ended = cli("fit", "shells.csv", "--target", "rings", "-q")
    assert (ended.out, ended.err) == ("shells.onnx\n", "")


def test_json_is_one_object_a_line(cli: Callable[..., Any], fitter: Fitter) -> None:
    ended = cli("fit", "shells.csv", "--target", "rings", "--json")
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert [e["event"] for e in events] == [
        "stage", "table", "finding", "problem", "trial", "trial", "trial", "trial", "result",
    ]  # fmt: skip
    assert events[-1]["path"] == "shells.onnx"
    assert events[-1]["card"]["metric"] == "log_loss"
    assert ended.err == ""


def test_resume_prints_the_same_summary(
    cli: Callable[..., Any], fitter: Fitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resume(study: str, **options: Any) -> FitResult:
        asked.append(study)
        return fitter(Problem(target="rings"), **options)

    monkeypatch.setattr("afield.api.resume.resume", resume)
    ended = cli("resume", "rings-1", "--out", "m.onnx")
    assert (ended.code, asked) == (0, ["rings-1"])
    assert "m.onnx" in ended.out
