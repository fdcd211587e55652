"""Counts CPU and wall seconds by stage, in the driver and in its workers, without a line of it in the product.

Functions are wrapped where they are looked up. A stage counts without the stages inside it, so that they add up.
Workers import this module as they start and append a line for each job to ``$AFIELD_STOPWATCH``.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import time
from collections import defaultdict

WORKER = {
    "open study": ("afield.search.tasks:open_split", "afield.search.tasks:open_question"),
    "take rows": ("afield.search.tasks:stack",),
    "encode": ("afield.search.tasks:encode_block",),
    "bin": ("lightgbm:Dataset.construct",),
    "boost": ("lightgbm:Booster.update",),
    "validate each round": ("lightgbm:Booster.eval_valid",),
    "booster to text": ("lightgbm:Booster.model_to_string",),
    "boosting, rest": ("afield.parts.learners.lightgbm:LightGBM.fit",),
    "catboost fit": ("afield.parts.learners.catboost:CatBoost.fit",),
    "forest fit": ("afield.parts.learners.forest:Forest.fit",),
    "linear fit": ("afield.parts.learners.linear:Linear.fit",),
    "out-of-fold answers": (
        "afield.parts.learners.lightgbm:FittedLightGBM.reference",
        "afield.parts.learners.forest:FittedForest.reference",
        "afield.parts.learners.linear:FittedLinear.reference",
    ),
    "price": ("afield.search.tasks:lowered_cost",),
    "save": ("afield.search.tasks:save_state", "afield.search.tasks:save_array"),
    "fold, rest": ("afield.search.tasks:fit_fold",),
}
DRIVER = {
    "read and infer": ("afield.api.fit:understand",),
    "store the table": ("afield.api.fit:store",),
    "make splits": ("afield.search.driver:Driver._split",),
    "journal": ("afield.search.memory:Memory.put_all",),
    "propose": ("afield.search.propose:PortfolioThenNeighbours.propose",),
    "wait for workers": ("afield.engines.local:LocalEngine.poll",),
    "absorb trials": ("afield.search.loop:Search._absorb",),
    "choose the ensemble": ("afield.search.driver:select",),
    "load members": ("afield.search.driver:load_ensemble",),
    "build the graph": ("afield.search.driver:build_model",),
    "answers to outer rows": ("afield.search.driver:file_answers",),
    "parity": ("afield.search.driver:check_parity",),
    "pack": ("afield.api.fit:_packed",),
}

spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
_inside: list[list[float]] = []


def _timed(label, function):
    @functools.wraps(function)
    def timed(*args, **kwargs):
        cpu, wall = time.process_time(), time.perf_counter()
        _inside.append([0.0, 0.0])
        try:
            return function(*args, **kwargs)
        finally:
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            inner = _inside.pop()
            spent[label][0] += cpu - inner[0]
            spent[label][1] += wall - inner[1]
            if _inside:
                _inside[-1][0] += cpu
                _inside[-1][1] += wall

    return timed


def _wrap(place, make):
    module, _, path = place.partition(":")
    try:
        owner = importlib.import_module(module)
    except ImportError:  # a library that this installation lacks
        return
    *names, last = path.split(".")
    for name in names:
        owner = getattr(owner, name, None)
    if owner is not None and hasattr(owner, last):
        setattr(owner, last, make(getattr(owner, last)))


def wrap(spots):
    """Wrap all places of these stages that exist."""
    for label, places in spots.items():
        for place in places:
            _wrap(place, functools.partial(_timed, label))


def _logged(function):
    @functools.wraps(function)
    def logged(config):
        spent.clear()
        began, wall, cpu = time.time(), time.perf_counter(), time.process_time()
        try:
            return function(config)
        finally:
            use = config["recipe"]["learner"] if "recipe" in config else config["use"]
            line = {
                "pid": os.getpid(), "job": function.__name__, "split": os.path.basename(config["split"]),
                "trial": config.get("trial", ""), "fold": config.get("fold", 0), "part": use["part"], "began": began,
                "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu,
                "stages": {k: round(v[0], 5) for k, v in spent.items()},
            }  # fmt: skip
            with open(os.environ["AFIELD_STOPWATCH"], "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    return logged


if os.environ.get("AFIELD_STOPWATCH") and os.environ.get("AFIELD_STOPWATCH_DRIVER") != str(os.getpid()):
    wrap(WORKER)
    for name in ("fit_fold", "encode_block"):
        _wrap(f"afield.search.tasks:{name}", _logged)
