"""The first layer: the verbs of ``import afield``. They only shape requests for the use cases."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from afield.api.export import Exported
    from afield.api.predict import Written
    from afield.core.events import Listener
    from afield.model.model import Model
    from afield.problem.problem import Problem

PathText = str | os.PathLike[str]


def fit(
    data: object,
    target: str | None = None,
    *,
    out: PathText | None = None,
    force: bool = False,
    progress: bool | None = None,
    **wishes: Any,
) -> Model:
    """Find a good model for ``target`` and return it, proven against the libraries that trained it.

    Parameters
    ----------
    data : path, URL, frame, Problem, or the path of a problem file
        A pandas, polars or pyarrow frame, or anything that ``afield fit`` reads.
    target : str
        The column to predict. Left out where ``data`` states a problem.
    out : path, optional
        Where to write the model file; ``model.save`` does it later.
    force : bool
        Overwrite ``out``.
    progress : bool, optional
        Print progress lines to stderr; None: in a terminal and in a notebook.
    **wishes
        Any field of ``afield.Problem``, such as ``minutes=5``, ``metric="mae"``, ``group="patient"``,
        ``ignore=["id"]``.

    Returns
    -------
    Model

    Raises
    ------
    ProblemError
        ``problem.option`` and the other ``problem`` codes.
    DataError
        The ``data`` codes.

    Examples
    --------
    >>> import afield
    >>> model = afield.fit("shellfish.csv", target="rings", minutes=1)  # doctest: +SKIP
    """
    from afield.api.fit import fit as run

    started = time.time()
    problem, frame = _request(data, wishes if target is None else {"target": target, **wishes})
    place = None if out is None else Path(out)
    listener = _listener(progress, None if problem.minutes is None else problem.minutes * 60)
    return run(problem, frame=frame, out=place, force=force, listener=listener, started=started).model


def resume(study: str, *, out: PathText | None = None, force: bool = False, progress: bool | None = None) -> Model:
    """Go on with a study that was stopped, and return its model.

    Raises
    ------
    EngineError
        ``study.not_found``, ``study.busy``.
    DataError
        ``data.changed``.
    """
    from afield.api.resume import resume as run

    started = time.time()
    place = None if out is None else Path(out)
    return run(study, out=place, force=force, listener=_listener(progress), started=started).model


def pick(
    study: str,
    *,
    max_size: str | None = None,
    max_latency: str | None = None,
    out: PathText | None = None,
    force: bool = False,
    progress: bool | None = None,
) -> Model:
    """Return the best model of a study that keeps the limits, proven and judged like any other.

    Parameters
    ----------
    study : str
        Its id.
    max_size : str, optional
        The largest file, such as ``"50KB"``.
    max_latency : str, optional
        The longest that one row may take, by the table of operator costs, such as ``"20us"``.
    out : path, optional
    force : bool
    progress : bool, optional

    Raises
    ------
    EngineError
        ``study.not_found``, ``study.busy``, ``study.stopped``.
    DeviceLimitError
        ``model.limits``: nothing that was found keeps them.
    ProblemError
        ``problem.option``: no limit, or one without a unit.
    """
    from afield.api.pick import pick as run

    limits = {"max_size": max_size, "max_latency": max_latency}
    place = None if out is None else Path(out)
    return run(study, limits, out=place, force=force, listener=_listener(progress), started=time.time()).model


def load(path: PathText) -> Model:
    """Open a model file; needs numpy and onnxruntime only.

    Raises
    ------
    ModelFileError
        ``model.not_found``, ``model.damaged``, ``model.foreign``, ``model.version``.
    """
    from afield.model.model import Model

    return Model.load(Path(path))


def predict(
    model: Model | PathText,
    data: object,
    *,
    out: PathText | None = None,
    keep: Sequence[str] = (),
    force: bool = False,
) -> NDArray[Any] | Written:
    """Return the answers for a file or a frame; with ``out``, write them to a file batch by batch.

    Raises
    ------
    ModelFileError, DataError
        Where a row cannot be used, with its file, column and row.
    """
    from afield.api.predict import answer, predict_file

    opened = _opened(model)
    if out is None:
        return answer(opened, data)
    return predict_file(opened, data, out=Path(out), keep=keep, force=force)


def score(model: Model | PathText, data: object) -> dict[str, Any]:
    """Return the metrics of a model over the rows of a file or a frame whose target is known.

    Raises
    ------
    ModelFileError, DataError
        Where a row cannot be used, with its file, column and row.
    """
    from afield.api.score import score as run

    return run(_opened(model), data)


def report(study_or_model: Model | PathText, path: PathText, *, force: bool = False) -> Path:
    """Write the report of a study or a model, one HTML file that opens offline, and return its path.

    Raises
    ------
    DataError
        ``output.exists``, ``output.unwritable``.
    """
    from afield.api.report import report as run

    place = Path(path)
    run(study_or_model, place, force=force)
    return place


def export(model: Model | PathText, platform: str, out: PathText, *, force: bool = False, **options: Any) -> Exported:
    """Write a model as a bundle for a platform into the folder ``out``, run it there, and return bundle and proof.

    Parameters
    ----------
    model : Model or path
        A path may also name an ONNX file that afield did not write, where the platform takes such.
    platform : str
        ``python``, ``browser``, ... ``afield export --help`` lists the options of each.
    force : bool
        Write into a folder that is not empty.
    **options
        Fields of the platform's options, such as ``pwa=True``.

    Raises
    ------
    UnsupportedError
        ``parts.unknown``, ``graph.operator``.
    ProblemError
        ``problem.option``.
    OutputError
        ``output.exists``, ``output.unwritable``, ``output.disk_full``.
    """
    from afield.api.export import export as run

    content = Path(model) if isinstance(model, str | os.PathLike) else model.bytes
    return run(content, platform, Path(out), options=options, force=force)


def _opened(model: Model | PathText) -> Model:
    return load(model) if isinstance(model, str | os.PathLike) else model


def _request(data: object, wishes: dict[str, Any]) -> tuple[Problem, object]:
    """Return the problem, and the frame where the data is one."""
    from afield.api.problem import is_problem_file, read_problem
    from afield.problem.problem import Problem
    from afield.problem.wishes import state_problem

    if isinstance(data, Problem):
        return state_problem(wishes, base=data), None
    if not isinstance(data, str | os.PathLike):
        return state_problem(wishes), data
    if is_problem_file(data):
        return state_problem(wishes, base=read_problem(Path(data))), None
    return state_problem({"data": data, **wishes}), None


def _listener(progress: bool | None, budget_s: float | None = None) -> Listener:
    """Return what prints progress where somebody looks."""
    from afield.api.progress import Lines, is_watched
    from afield.core.events import silent

    return Lines(budget_s=budget_s) if progress or (progress is None and is_watched()) else silent
