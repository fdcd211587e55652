"""A finished study as one HTML file that opens offline."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.api.stating import Understood
from afield.core.errors import EngineError
from afield.core.files import write_atomic
from afield.core.output import check_output
from afield.data.metrics import find_metric, row_losses, title_of
from afield.model.model import Model
from afield.problem.problem import Problem, Task
from afield.reporting.columns import describe
from afield.reporting.diagnostics import calibration_of, confusion, residuals, roc
from afield.reporting.facts import (
    Asked,
    Baseline,
    CostFacts,
    ImportanceFacts,
    ParityFacts,
    PointFacts,
    ReportFacts,
    ScoreFacts,
    SliceFacts,
    StageFacts,
    TrialFacts,
)
from afield.reporting.html import render
from afield.reporting.importance import permutation_importance
from afield.reporting.slices import worst_slices
from afield.search.artifacts import open_array
from afield.search.front import Point
from afield.search.journal import read_journal
from afield.search.store import Question, open_question
from afield.search.studies import find_study, study_folders

LATENCY_RUNS = 300


def report(study_or_model: Model | str | os.PathLike[str], path: Path, *, force: bool = False) -> None:
    """Write the report of a study, or of the study that a model came from.

    Raises
    ------
    AfieldError
        ``output.exists``, ``output.unwritable``.
    EngineError
        ``study.not_found``; ``study.stopped``: it has no model yet.
    """
    path = Path(path)
    check_output(path, force=force)
    write_atomic(path, render(report_facts(folder_of(study_or_model))).encode())


def folder_of(study_or_model: Model | str | os.PathLike[str]) -> Path:
    """Return the folder of a study by its id, by a model or by a model's path."""
    if isinstance(study_or_model, Model):
        return _folder_of_model(study_or_model.bytes)
    path = Path(study_or_model)
    if path.suffix == ".onnx":
        return _folder_of_model(Model.load(path).bytes)
    return find_study(str(study_or_model))


def _folder_of_model(content: bytes) -> Path:
    wanted = hashlib.sha256(content).digest()
    for folder in reversed(study_folders()):
        own = folder / "model.onnx"
        if own.exists() and hashlib.sha256(own.read_bytes()).digest() == wanted:
            return folder
    raise EngineError(
        "study.not_found",
        "The study that this model came from is not here: a report needs its data and trials.",
        fix="run it in the folder where `afield fit` ran; `afield show` prints the model's card anywhere",
    )


def report_facts(folder: Path) -> ReportFacts:
    """Return everything that the report shows; importance, slices and latency are computed now."""
    began = time.perf_counter()
    records = {(r["kind"], r["name"]): r["data"] for r in read_journal(folder / "journal.jsonl")}
    finished = records.get(("study", "finished"))
    if finished is None or not (folder / "model.onnx").exists():
        raise EngineError(
            "study.stopped", f"The study {folder.name} has no model yet.", fix=f"afield resume {folder.name}"
        )
    problem = Problem.from_json(records[("study", "asked")]["problem"])
    understood = Understood.from_json(records[("study", "understood")])
    question, model = open_question(folder / "table"), Model.load(folder / "model.onnx")
    kept = [n for n in ("rows", "truth", "answers", "labels") if (folder / f"judged-{n}.npy").exists()]
    judged = {n: np.asarray(open_array(folder / f"judged-{n}.npy")) for n in kept}
    card = model.card
    answers = _answer_facts(model, judged, problem)
    facts = ReportFacts(
        title=card.title,
        asked=_asked(problem, understood, card.metric),
        rows=card.rows_used,
        rows_without_target=card.rows_without_target,
        columns=describe(
            question.table, {s.name: s for s in question.specs}, dict.fromkeys(question.table.columns, "feature")
        ),
        findings=understood.findings,
        score=_score(model),
        baselines=tuple(Baseline(name=b.name, value=b.value) for b in card.baselines if b.value is not None),
        importance=_importance(model, question, problem.seed),
        leaderboard=tuple(_trial(t) for t in finished["leaderboard"]),
        slices=_slices(judged, question, question.answer.task),
        loss="absolute error" if card.task == "regression" else "log loss",
        decision=_decision(model),
        cost=_cost(model, question),
        parity=None if card.parity is None else ParityFacts(**vars(card.parity)),
        provenance=_provenance(model, folder),
        front=_front(records.get(("step", "front"))),
        study=folder.name,
        state="stopped" if finished["interrupted"] else "finished",
        **answers,
    )
    timing = [StageFacts(stage="search, check and honest score", seconds=float(finished["wall_s"]))]
    timing.append(StageFacts(stage="this report", seconds=time.perf_counter() - began))
    return ReportFacts(**(vars(facts) | {"timing": tuple(timing)}))


def _asked(problem: Problem, understood: Understood, metric: str) -> Asked:
    given = {n: str(v) for n in ("group", "time", "weight", "positive", "test") if (v := getattr(problem, n))}
    if problem.ignore:
        given["ignore"] = ", ".join(problem.ignore)
    target = understood.schema.target
    return Asked(
        target=target.name,
        task=target.task,
        metric=title_of(metric),
        unit=target.unit,
        data=understood.source,
        effort=f"{problem.minutes:g} minutes" if problem.minutes else problem.effort,
        options=given,
    )


def _score(model: Model) -> ScoreFacts | None:
    score = model.card.score
    if score is None or score.value is None:
        return None
    costs = () if model.card.decision is None else model.card.decision.costs
    metric = find_metric(score.metric, np.array(costs) if costs else None)
    return ScoreFacts(
        metric=metric.title,
        value=score.value,
        low=score.low,
        high=score.high,
        level=score.level,
        rows=score.rows,
        how=score.text,
        higher_is_better=metric.higher_is_better,
        others={title_of(n): v for n, v in score.others.items() if v is not None},
    )


def _answer_facts(model: Model, judged: dict[str, NDArray[Any]], problem: Problem) -> dict[str, Any]:
    truth, answers = judged["truth"], judged["answers"]
    if model.card.task == "regression":
        return {"residuals": residuals(truth, answers)}
    classes = model.schema.target.classes
    positive = _positive(classes, truth, problem)
    found: dict[str, Any] = {
        "confusion": confusion(truth, judged["labels"], classes),
        "calibration": calibration_of(truth, answers, classes, positive),
    }
    if len(classes) == 2:
        found["roc"] = roc(truth == positive, answers[:, positive], classes[positive])
    return found


def _positive(classes: tuple[str, ...], truth: NDArray[np.int64], problem: Problem) -> int:
    """Return the class asked for, else the last one (class 1 of two)."""
    return classes.index(problem.positive) if problem.positive in classes else len(classes) - 1


def _importance(model: Model, question: Question, seed: int) -> tuple[ImportanceFacts, ...]:
    every = np.arange(question.table.rows)
    chosen = (
        every if len(every) <= 20_000 else np.sort(np.random.default_rng(seed).choice(every, 20_000, replace=False))
    )
    feed = {s.input_name: question.table[s.name].feed(chosen) for s in question.specs}
    truth, task = question.answer.values[chosen], question.answer.task
    output = "prediction" if task == "regression" else "probabilities"

    def predict(feed: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return np.asarray(model.run(feed, [output])[output], dtype=np.float64)

    def loss(answers: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return _losses(task, truth[rows], answers)

    return permutation_importance(predict, loss, feed, {s.input_name: s.name for s in question.specs}, seed=seed)


def _slices(judged: dict[str, NDArray[Any]], question: Question, task: Task) -> tuple[SliceFacts, ...]:
    rows = judged["rows"]
    if (rows < 0).any():  # rows of a test file are not in the study's table
        return ()
    losses = _losses(task, judged["truth"], judged["answers"])
    return tuple(worst_slices(question.table.take(rows), {s.name: s for s in question.specs}, losses))


def _losses(task: Task, truth: NDArray[Any], answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what people can read: the absolute error, or the negative log likelihood."""
    return np.abs(answers - truth) if task == "regression" else row_losses(task, truth, answers)


def _decision(model: Model) -> str:
    rule, calibration = model.card.decision, model.card.calibration
    label = "" if rule is None else rule.text(model.schema.target.classes)
    return "; ".join(t for t in (label, "" if calibration is None else calibration.text()) if t)


def _trial(data: dict[str, Any]) -> TrialFacts:
    recipe = data["recipe"]
    return TrialFacts(
        id=data["id"],
        recipe=recipe["name"],
        learner=recipe["learner"]["part"],
        status=data["status"],
        score=data["score"],
        reason=data["reason"].splitlines()[0] if data["reason"] else "",
        fit_s=data["fit_s"],
        bytes=data["bytes"],
        weight=data["weight"],
    )


def _front(stored: dict[str, Any] | None) -> tuple[PointFacts, ...]:
    points = [] if stored is None else [Point.from_json(p) for p in stored["points"]]
    return tuple(
        PointFacts(bytes=p.bytes, latency_us=p.latency_us, score=p.score, noise=p.noise, members=p.recipes, own=p.own)
        for p in points
    )


def _cost(model: Model, question: Question) -> CostFacts:
    import onnx

    graph = onnx.load_from_string(model.bytes).graph
    began = time.perf_counter()
    fresh = Model(model.bytes)
    row = {s.input_name: question.table[s.name].feed(slice(0, 1)) for s in question.specs}
    fresh.run(row)
    load_ms = 1e3 * (time.perf_counter() - began)
    times = []
    for _ in range(LATENCY_RUNS):
        start = time.perf_counter()
        fresh.run(row)
        times.append(time.perf_counter() - start)
    return CostFacts(
        bytes=len(model.bytes),
        nodes=len(graph.node),
        trees=sum(m.trees for m in model.card.members),
        latency_us=1e6 * float(np.median(times)),
        load_ms=load_ms,
    )


def _provenance(model: Model, folder: Path) -> dict[str, str]:
    made = model.provenance
    return {
        "afield": made.afield,
        "study": folder.name,
        "data": made.data_name,
        "data digest": made.data[:16],
        "seed": str(made.seed),
        **{f"library {n}": v for n, v in made.libraries.items()},
        **{f"licence of {p.name}": p.licence for p in model.card.parts},
    }
