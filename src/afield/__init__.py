"""From a table to one portable ONNX file: raw columns in, answer out, proven by running it.

The names below are looked up when they are first used (PEP 562), so that ``import afield`` loads nothing heavy and
``afield.load`` needs numpy and onnxruntime only. No name here equals a subpackage's: Python would bind the
subpackage over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afield.api.estimators import AfieldClassifier as AfieldClassifier
    from afield.api.estimators import AfieldRegressor as AfieldRegressor
    from afield.api.study import study as study
    from afield.api.verbs import export as export
    from afield.api.verbs import fit as fit
    from afield.api.verbs import load as load
    from afield.api.verbs import pick as pick
    from afield.api.verbs import predict as predict
    from afield.api.verbs import report as report
    from afield.api.verbs import resume as resume
    from afield.api.verbs import score as score
    from afield.core.errors import AfieldError as AfieldError
    from afield.model.model import Model as Model
    from afield.problem.problem import Problem as Problem

__version__ = "0.1.0"

#: public name -> where it is
_NAMES = {
    "AfieldClassifier": "afield.api.estimators",
    "AfieldError": "afield.core.errors",
    "AfieldRegressor": "afield.api.estimators",
    "Model": "afield.model.model",
    "Problem": "afield.problem.problem",
    "export": "afield.api.verbs",
    "fit": "afield.api.verbs",
    "load": "afield.api.verbs",
    "pick": "afield.api.verbs",
    "predict": "afield.api.verbs",
    "report": "afield.api.verbs",
    "resume": "afield.api.verbs",
    "score": "afield.api.verbs",
    "study": "afield.api.study",
}

__all__ = [
    "AfieldClassifier",
    "AfieldError",
    "AfieldRegressor",
    "Model",
    "Problem",
    "__version__",
    "export",
    "fit",
    "load",
    "pick",
    "predict",
    "report",
    "resume",
    "score",
    "study",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        from difflib import get_close_matches

        near = get_close_matches(name, _NAMES, n=1)
        raise AttributeError(f"afield has no {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
    from afield.core.lazy import attribute

    value = globals()[name] = attribute(f"{_NAMES[name]}:{name}")
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
