"""The main job: from a problem and its data to one proven model file."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afield.api.answered import answered_rows
from afield.api.packing import make_card, make_provenance, make_selftest, pack
from afield.api.room import check_room
from afield.api.scoring import Judged, baselines_of, score_of
from afield.api.sizing import LEVELS, shortened, sizer
from afield.api.stating import Understood, announce, check_options, store, understand
from afield.core.events import Event, Listener, silent
from afield.core.files import remove_parts, write_atomic
from afield.core.findings import Finding
from afield.core.output import check_output
from afield.core.registry import load as load_part
from afield.data.costs import cost_matrix
from afield.data.metrics import Metric, choose_metric
from afield.engines.protocol import Engine
from afield.model.card import Baseline, Score
from afield.model.model import Model
from afield.model.selftest import require
from afield.problem.problem import Problem
from afield.search.artifacts import save_array
from afield.search.clock import Clock
from afield.search.combine import Price
from afield.search.driver import Driver, Finished, Plan
from afield.search.journal import Journal
from afield.search.loop import summary
from afield.search.memory import Memory
from afield.search.outer import baseline_answers, plain_rule
from afield.search.store import Question, open_question
from afield.search.student import limit_of
from afield.search.studies import new_study
from afield.search.within import too_large

#: what workers import while the driver reads the data
PRELOAD = (
    "afield.search.tasks", "afield.parts.learners.lightgbm", "lightgbm", "sklearn.linear_model", "onnxruntime",
    "afield.parts.learners.catboost", "catboost",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit gives back.

    Parameters
    ----------
    model : Model
    study : str
        The id under which `afield resume`, `report` and `studies` know it.
    path : Path or None
        The file written, where one was asked for.
    findings : tuple of Finding
    score : dict
        The card's score.
    leaderboard : list of dict
        All trials of the main search, best first.
    wall_s : float
    """

    model: Model
    study: str
    path: Path | None
    findings: tuple[Finding, ...]
    score: Mapping[str, Any]
    leaderboard: list[dict[str, Any]]
    wall_s: float


def fit(
    problem: Problem,
    *,
    frame: object = None,
    out: Path | None = None,
    force: bool = False,
    listener: Listener = silent,
    started: float | None = None,
    root: Path | None = None,
) -> FitResult:
    """Find a good model and return it, written to ``out`` where given.

    Parameters
    ----------
    problem : Problem
    frame : object
        A table in memory, instead of ``problem.data``.
    out : Path or None
    force : bool
        Overwrite ``out``.
    listener : callable
        Is told what happens.
    started : float or None
        ``time.time()`` at the start of the command: the time limit counts from there.
    root : Path or None
        Folder of the studies; None: ``.afield/studies`` in the working folder.

    Raises
    ------
    AfieldError
        Of every class; ``model.limits`` where nothing keeps ``max_size_bytes`` and ``max_latency_us``.
    """
    budget_s = None if problem.minutes is None else 60 * problem.minutes
    clock = Clock(time.time() if started is None else started, budget_s)
    check_options(problem)
    if out is not None:
        check_output(out, force=force)
    folder = new_study(problem.target, root)
    with start_engine(problem) as engine, Journal.open(folder / "journal.jsonl") as journal:
        memory = Memory(journal)
        asked = {"problem": problem.to_json(), "out": None if out is None else str(out.absolute()), "force": force}
        memory.put("study", "asked", asked | {"frame": frame is not None, "at": int(time.time())})
        understood, question = understand(problem, frame, listener)
        check_room(folder, question.table)
        store(question, folder)
        memory.put("study", "understood", understood.to_json())
        return finish(folder, problem, understood, engine, memory, clock, listener, out=out, force=force)


def start_engine(problem: Problem) -> Any:
    """Return the local engine with the workers that the problem allows."""
    # where the system tells which processors are ours, the others do not count
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return load_part("engines", "local")(
        problem.jobs or usable, memory_bytes=problem.memory_bytes or _memory_share(), preload=PRELOAD
    )


def _memory_share() -> int:
    import psutil

    return int(psutil.virtual_memory().total * 0.75)


def finish(
    folder: Path,
    problem: Problem,
    understood: Understood,
    engine: Engine,
    memory: Memory,
    clock: Clock,
    listener: Listener,
    *,
    out: Path | None,
    force: bool,
) -> FitResult:
    """Search, judge, pack and write; steps that the journal knows are not repeated."""
    driver = make_driver(folder, problem, understood, engine, memory, clock, listener)
    with driver.interrupt.listening():
        return deliver(driver, driver.run(), problem, understood, out=out, force=force)


def make_driver(
    folder: Path,
    problem: Problem,
    understood: Understood,
    engine: Engine,
    memory: Memory,
    clock: Clock,
    listener: Listener,
) -> Driver:
    """Return what drives the search of a stored question."""
    target = understood.schema.target
    metric = choose_metric(target.task, problem.metric, problem.costs, target.classes)
    announce(problem, understood, metric.name, listener)
    plan = Plan(
        folder=folder,
        schema=understood.schema,
        metric=metric,
        seed=problem.seed,
        effort=problem.effort,
        test_given=bool(problem.test),
        costs=cost_matrix(problem.costs, target.classes) if problem.costs else None,
        limit=limit_of(problem.max_size_bytes, problem.max_latency_us),
        packed_bytes=sizer(
            problem, understood, open_question(folder / "table").table, metric.name, problem.max_size_bytes
        ),
    )
    return Driver(plan, engine, memory, clock, listener)


def deliver(
    driver: Driver, finished: Finished, problem: Problem, understood: Understood, *, out: Path | None, force: bool
) -> FitResult:
    """Judge, pack and write what a search found."""
    folder, metric, listener = driver.plan.folder, driver.plan.metric, driver.listener
    question = open_question(folder / "table")
    content, judged = packed(problem, understood, question, finished, metric, listener)
    _keep(folder, judged)
    write_atomic(folder / "model.onnx", content)
    model = Model(content)
    require(model.verify())
    if out is not None:
        check_output(out, force=force)
        write_atomic(out, content)
        listener(Event("written", {"path": str(out), "bytes": len(content)}))
    board = sorted(
        (summary(t) | {"weight": finished.solution.weights.get(t.id, 0.0)} for t in finished.solution.trials),
        key=lambda t: (t["loss"] is None, t["loss"], t["id"]),
    )
    state = {"score": model.card.to_json()["score"], "leaderboard": board, "interrupted": finished.interrupted}
    driver.memory.put("step", "front", {"points": [p.to_json() for p in finished.front]})
    remove_parts(folder, below=True)  # of workers that died while writing
    driver.memory.put("study", "finished", state | {"wall_s": driver.clock.elapsed_s(), "bytes": len(content)})
    return FitResult(
        model=model,
        study=folder.name,
        path=out,
        findings=understood.findings,
        score=state["score"],
        leaderboard=board,
        wall_s=driver.clock.elapsed_s(),
    )


def packed(
    problem: Problem,
    understood: Understood,
    question: Question,
    finished: Finished,
    metric: Metric,
    listener: Listener,
) -> tuple[bytes, Judged]:
    """Judge what a search found and pack it; return the file, and the answers that its score is of."""
    schema, solution = understood.schema, finished.solution
    scale = float(np.std(question.answer.values)) if schema.target.task == "regression" else 0.0
    provenance = make_provenance(problem, understood.digest, understood.source)
    notes: tuple[str, ...] = ("The search was stopped by the user.",) if finished.interrupted else ()
    notes += (f"The search ended early: {finished.ended}.",) if finished.ended else ()

    def filled(score: Score | None, baselines: tuple[Baseline, ...]) -> bytes:
        card = make_card(
            metric=metric.name,
            schema=schema,
            table=question.table,
            solution=solution,
            parity=finished.parity.to_json(),
            score=score,
            baselines=baselines,
            findings=understood.findings,
            without_target=understood.without_target,
            notes=notes,
        )
        for level in LEVELS:
            selftest = make_selftest(
                solution.ensemble, schema, question.table, seed=problem.seed, scale=scale, real=problem.real_samples,
                samples=level.samples,
            )  # fmt: skip
            content = pack(solution, schema, shortened(card, level), selftest, provenance)
            if problem.max_size_bytes is None or len(content) <= problem.max_size_bytes:
                return content
        raise too_large(Price(len(content)), Price(problem.max_size_bytes or 0))

    if problem.test:
        judged = _judged_test_file(Model(filled(None, ())), problem.test, question, metric)
    else:
        judged = _judged(question, finished)
    if costs := solution.ensemble.finish.decision.costs:
        judged = judged.by_costs(np.array(costs))
    score = score_of(judged, metric, schema.target, problem.seed)
    listener(Event("score", {k: v for k, v in vars(score).items() if k != "others"} | {"others": dict(score.others)}))
    return filled(score, baselines_of(judged, metric)), judged


def _judged_test_file(model: Model, source: str, question: Question, metric: Metric) -> Judged:
    found = answered_rows(model, source)
    plain = baseline_answers(question, np.arange(question.table.rows), len(found.truth), metric)
    baselines = {plain_rule(metric): plain}
    labels = found.indices(question.answer.task, model.schema.target.classes)
    return Judged("test_file", np.full(len(found.truth), -1), found.truth, found.answers, baselines, labels=labels)


def _judged(question: Question, finished: Finished) -> Judged:
    tested = finished.tested or finished.out_of_fold
    rows = tested.rows
    return Judged(
        how="outer_splits" if finished.tested else "out_of_fold",
        rows=rows,
        truth=np.asarray(question.answer.values[rows]),
        answers=tested.answers,
        baselines=tested.baselines,
        weights=None if question.weights is None else question.weights[rows],
        groups=None if question.groups is None else question.groups[rows],
        splits=tested.splits,
        labels=tested.labels,
        baseline_labels=tested.baseline_labels,
    )


def _keep(folder: Path, judged: Judged) -> None:
    """Keep the judged answers for the report."""
    for name in ("rows", "truth", "answers", "labels"):
        if (values := getattr(judged, name)) is not None:
            save_array(folder / f"judged-{name}.npy", values)
