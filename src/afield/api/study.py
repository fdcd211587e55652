"""Studies as a user sees them: what ran here, and the layer below `fit` for those who want to steer."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from afield.core.errors import EngineError
from afield.core.events import Listener, silent
from afield.search.journal import read_journal
from afield.search.lock import FileLock
from afield.search.studies import find_study, study_folders
from afield.search.trial import is_student

if TYPE_CHECKING:
    from afield.api.steering import Study
    from afield.problem.problem import Problem

State = Literal["running", "stopped", "finished", "failed"]


@dataclass(frozen=True, kw_only=True)
class StudyInfo:
    """One study.

    Parameters
    ----------
    best : float or None
        The honest score where finished, else the best out-of-fold score so far.
    trials : int
        Trials of the main search that are done.
    bytes : int
        Disk that the study takes.
    created : str
        ISO 8601, UTC.
    """

    id: str
    state: State
    target: str
    task: str
    metric: str
    best: float | None
    trials: int
    bytes: int
    created: str


def list_studies() -> list[StudyInfo]:
    """Return the studies of the working folder, oldest first."""
    return [study_info(folder) for folder in study_folders()]


def study_info(folder: Path) -> StudyInfo:
    """Return what is known of a study; reads its journal without locking it."""
    records = {(r["kind"], r["name"]): r["data"] for r in read_journal(folder / "journal.jsonl")}
    asked = records.get(("study", "asked"), {})
    finished, understood = records.get(("study", "finished")), records.get(("study", "understood"), {})
    trials = [
        d
        for (kind, name), d in records.items()
        if kind == "trial" and name.startswith("main/") and not is_student(name[5:])
    ]
    state: State = "finished" if finished else "stopped"
    if is_running(folder):
        state = "running"
    problem: Mapping[str, Any] = asked.get("problem", {})
    score = (finished or {}).get("score") or {}
    return StudyInfo(
        id=folder.name,
        state=state,
        target=problem.get("target", ""),
        task=understood.get("schema", {}).get("target", {}).get("task", ""),
        metric=score.get("metric") or problem.get("metric") or "",
        best=score.get("value") if finished else _best(trials),
        trials=sum(t["status"] == "ok" for t in trials),
        bytes=sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()),
        created=datetime.fromtimestamp(asked.get("at", 0), UTC).isoformat(timespec="seconds"),
    )


def is_running(folder: Path) -> bool:
    """Return whether a living process works on the study."""
    try:
        FileLock(folder / "journal.jsonl.lock").release()
    except EngineError:
        return True
    return False


def _best(trials: list[dict[str, Any]]) -> float | None:
    done = [t for t in trials if t["status"] == "ok"]
    return min(done, key=lambda t: (t["loss"], t["id"]))["score"] if done else None


def remove_study(id: str) -> None:
    """Remove a study with all its files.

    Raises
    ------
    EngineError
        ``study.not_found``; ``study.busy``: it is running.
    """
    folder = find_study(id)
    if is_running(folder):
        raise EngineError("study.busy", f"The study {id} is running.", where=str(folder), fix="stop it first")
    shutil.rmtree(folder)


def study(problem: Problem, *, frame: object = None, listener: Listener = silent) -> Study:
    """Return a study of the problem that the caller drives: trials, leaderboard, every recipe, the next step by hand.

    Raises
    ------
    DataError, ProblemError
        As ``afield.fit``.
    """
    from afield.api.steering import Study

    return Study(problem, frame=frame, listener=listener)
