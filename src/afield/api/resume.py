"""Going on with a study after a crash, a kill or Ctrl-C: finished work is found in the journal and not repeated."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from afield.api.fit import FitResult, finish, start_engine
from afield.api.stating import Understood, store, understand
from afield.core.errors import DataError, EngineError
from afield.core.events import Event, Listener, silent
from afield.core.files import remove_parts
from afield.core.output import check_output
from afield.data.opening import open_source
from afield.problem.problem import Problem
from afield.search.clock import Clock
from afield.search.journal import Journal
from afield.search.memory import Memory
from afield.search.studies import damaged_study, find_study


def resume(
    study: str,
    *,
    out: Path | None = None,
    force: bool = False,
    listener: Listener = silent,
    started: float | None = None,
) -> FitResult:
    """Go on with a study and return what `fit` would have returned.

    Parameters
    ----------
    study : str
        Its id.
    out : Path or None
        Where to write the model; None: where the study was told to.

    Raises
    ------
    EngineError
        ``study.not_found``, ``study.busy``, ``study.journal``.
    DataError
        ``data.changed``: the source is not what it was.
    """
    folder = find_study(study)
    with Journal.open(folder / "journal.jsonl") as journal:
        remove_parts(folder, below=True)
        memory = Memory(journal)
        asked = memory.get("study", "asked")
        if asked is None:
            raise damaged_study(folder, "The study was stopped before its first line: there is nothing to go on with.")
        problem = Problem.from_json(asked["problem"])
        place, overwrite = (out, force) if out is not None or not asked["out"] else (Path(asked["out"]), asked["force"])
        if place is not None:
            _check_place(place, folder, force=overwrite)
            remove_parts(place.parent, place.name)
        budget_s = None if problem.minutes is None else 60 * problem.minutes
        clock = Clock(time.time() if started is None else started, budget_s, memory.spent_s())
        with start_engine(problem) as engine:
            understood = _understood(folder, problem, memory, asked, listener)
            return finish(folder, problem, understood, engine, memory, clock, listener, out=place, force=True)


def _check_place(place: Path, folder: Path, *, force: bool) -> None:
    """Let the study's own, already written file be: a kill may have come right after it."""
    own = folder / "model.onnx"
    if place.is_file() and own.exists() and place.read_bytes() == own.read_bytes():
        return
    check_output(place, force=force)


def _understood(
    folder: Path, problem: Problem, memory: Memory, asked: dict[str, Any], listener: Listener
) -> Understood:
    known = memory.get("study", "understood")
    if known is None:
        if asked["frame"]:
            raise EngineError(
                "study.stopped",
                "The study was stopped before its table was stored, and the table came from memory.",
                where=folder.name,
                fix="call fit again with the frame",
            )
        understood, question = understand(problem, None, listener)
        store(question, folder)
        memory.put("study", "understood", understood.to_json())
        return understood
    understood = Understood.from_json(known)
    if not asked["frame"]:
        _refuse_changed(problem, understood, listener)
    for finding in understood.findings:
        listener(Event("finding", finding.to_json()))
    return understood


def _refuse_changed(problem: Problem, understood: Understood, listener: Listener) -> None:
    try:
        with open_source(problem.data) as source:
            now = source.digest
    except DataError as error:
        if error.code != "data.not_found":
            raise
        listener(Event("notice", {"text": f"{problem.data} is gone; the study goes on with its own copy of the table"}))
        return
    if now != understood.digest:
        raise DataError(
            "data.changed",
            "The data is not what it was when the study began.",
            where=problem.data,
            got=f"sha256 {now[:16]}",
            expected=f"sha256 {understood.digest[:16]}",
            fix="put the old file back, or start a new study with `afield fit`",
        )
