"""What is installed and works, what extras and other programs would add, and what is broken: said plainly."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from afield.api.facts import Fact, fact
from afield.api.tools import Tool, list_tools

#: extra -> what it adds for people
EXTRAS = {
    "polars": ("polars", "polars frames as data"),
    "arrow": ("pyarrow", "pyarrow tables as data"),
    "s3": ("s3fs", "tables at s3:// addresses"),
    "neural": ("torch", "stronger networks among the learners"),
    "browser": ("playwright", "the proof of exported pages, run in Chromium"),
    "server": ("starlette", "afield serve, and the proof of servers"),
}


@dataclass(frozen=True)
class Check:
    """One thing that was tried. ``reason`` is empty where it works."""

    name: str
    reason: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Health:
    """What the doctor found."""

    system: dict[str, str]
    libraries: dict[str, str]
    checks: tuple[Check, ...]
    extras: dict[str, bool]
    tools: tuple[Tool, ...] = ()

    @property
    def broken(self) -> bool:
        """True when something that afield needs does not work."""
        return any(c.reason for c in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the findings as a JSON object."""
        return {
            "system": self.system,
            "libraries": self.libraries,
            "checks": [{"name": c.name, "works": not c.reason, "reason": c.reason, "fix": c.fix} for c in self.checks],
            "extras": {name: {"installed": there, "adds": EXTRAS[name][1]} for name, there in self.extras.items()},
            "tools": [asdict(tool) for tool in self.tools],
            "broken": self.broken,
        }

    def facts(self) -> list[Fact]:
        """Return the findings for people, broken things first."""
        broken = [f"{c.name}: {c.reason}" + (f" Fix: {c.fix}" if c.fix else "") for c in self.checks if c.reason]
        works = [c.name for c in self.checks if not c.reason]
        lacking = [
            f"{name}: {EXTRAS[name][1]}: pip install 'afield[{name}]'"
            for name, there in self.extras.items()
            if not there
        ]
        present = [f"{name}: {EXTRAS[name][1]}" for name, there in self.extras.items() if there]
        return [
            *([fact("BROKEN", *broken, mood="serious")] if broken else []),
            *([fact("works", *works, mood="good")] if works else []),
            *(fact(name, text) for name, text in self.system.items()),
            fact("libraries", *(f"{name} {text}" for name, text in self.libraries.items())),
            *([fact("extras", *present)] if present else []),
            *([fact("not installed", *lacking)] if lacking else []),
            *([fact("for exports", *here)] if (here := [t.text() for t in self.tools if t.where]) else []),
            *([fact("not here", *absent)] if (absent := [t.text() for t in self.tools if not t.where]) else []),
        ]


def examine() -> Health:
    """Look at this installation and run its native libraries once, on tiny inputs."""
    libraries = {name: _version(name) for name in required()}
    checks = [
        Check(f"package {name}", "not installed.", f"pip install {name}")
        for name, found in libraries.items()
        if not found
    ]
    for name, trial in TRIALS.items():
        reason = _try(trial)
        checks.append(Check(name, reason, f"pip install --force-reinstall {name.split()[0]}" if reason else ""))
    return Health(
        system=system(),
        libraries={name: found or "not installed" for name, found in libraries.items()},
        checks=tuple(checks),
        extras={name: bool(_version(package)) for name, (package, _) in EXTRAS.items()},
        tools=tuple(list_tools()),
    )


def required() -> list[str]:
    """Return the packages that afield's own metadata demands without an extra."""
    import re

    lines = [line for line in requires("afield") or [] if "extra ==" not in line]
    return sorted(re.match(r"[A-Za-z0-9._-]+", line)[0] for line in lines)  # type: ignore[index]  # always matches


def system() -> dict[str, str]:
    """Return facts of the machine that matter here."""
    import shutil

    import afield
    from afield.api.wording import size

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts = {
        "afield": afield.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processors": f"{usable} usable of {os.cpu_count()}",
        "room here": f"{size(shutil.disk_usage(os.getcwd()).free)} free",
    }
    if _version("psutil"):
        import psutil

        memory = psutil.virtual_memory()
        facts["memory"] = f"{size(memory.available)} available of {size(memory.total)}"
    return facts


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _try(trial: Callable[[], None]) -> str:
    """Return why a trial did not work, or an empty text."""
    try:
        trial()
    except (ImportError, OSError, RuntimeError, ValueError, AttributeError, TypeError, AssertionError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}."
    return ""


def _run_onnxruntime() -> None:
    """Build and run a graph with one operator of each domain that models need."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto as T
    from onnx import helper

    from afield.graph.profile import IR_VERSION, ML, ML_OPSET, OPSET

    graph = helper.make_graph(
        [
            helper.make_node(
                "LabelEncoder", ["x"], ["k"], domain=ML, keys_strings=["a"], values_int64s=[7], default_int64=-1
            ),
            helper.make_node("Cast", ["k"], ["y"], to=T.DOUBLE),
        ],
        "trial",
        [helper.make_tensor_value_info("x", T.STRING, ["N"])],
        [helper.make_tensor_value_info("y", T.DOUBLE, ["N"])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": np.array(["a", "b"], dtype=object)})[0].tolist()
    if answer != [7.0, -1.0]:
        raise RuntimeError(f"it answers {answer}, not [7.0, -1.0]")


def _run_lightgbm() -> None:
    import lightgbm
    import numpy as np

    x = np.arange(40, dtype=np.float64).reshape(-1, 1)
    settings = {"objective": "regression", "num_threads": 1, "verbose": -1, "min_data_in_leaf": 5}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, (x[:, 0] > 20).astype(float)), num_boost_round=5)
    low, high = booster.predict(np.array([[0.0], [39.0]]))
    if not low < high:
        raise RuntimeError(f"it learned nothing: {low} and {high}")


def _run_sklearn() -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    x = np.arange(20, dtype=np.float64).reshape(-1, 1)
    fitted = LogisticRegression().fit(x, x[:, 0] > 9)
    if fitted.predict([[0.0], [19.0]]).tolist() != [False, True]:
        raise RuntimeError("it learned nothing")


def _run_duckdb() -> None:
    import duckdb

    with duckdb.connect() as connection:
        if connection.execute("SELECT 1 + 1").fetchone() != (2,):
            raise RuntimeError("it cannot add")


def _import_pandas() -> None:
    import pandas as pd

    if pd.DataFrame({"a": [1, 2]})["a"].sum() != 3:
        raise RuntimeError("it cannot add")


def _list_parts() -> None:
    from afield.core.registry import list_parts

    if not list_parts():
        raise RuntimeError("no part is registered: afield is not installed as a package")


#: what is tried -> how
TRIALS: dict[str, Callable[[], None]] = {
    "onnxruntime runs a graph": _run_onnxruntime,
    "lightgbm trains": _run_lightgbm,
    "scikit-learn trains": _run_sklearn,
    "pandas computes": _import_pandas,
    "duckdb answers": _run_duckdb,
    "afield finds its parts": _list_parts,
}
