from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import afield

#: files that are run, not imported: the entry point, and what travels in a bundle
SCRIPTS = ("__main__", "platforms.python.predict", "platforms.python.test_model", "platforms.python.replay")


def test_every_public_name_is_there() -> None:
    for name in afield.__all__:
        assert getattr(afield, name) is not None
    assert dir(afield) == sorted(afield.__all__)


def test_no_public_name_is_a_subpackage_s() -> None:
    below = {module.name for module in pkgutil.iter_modules(afield.__path__)}
    assert not below & set(afield.__all__)


def test_verbs_survive_the_import_of_every_module() -> None:
    code = (
        f"SCRIPTS = {SCRIPTS!r}"
        + """
import importlib, pkgutil, afield
for module in pkgutil.walk_packages(afield.__path__, "afield."):
    if not module.name.endswith(SCRIPTS):
        importlib.import_module(module.name)
for name in ("fit", "load", "predict", "score", "report", "resume", "study"):
    assert callable(getattr(afield, name)), name
    assert type(getattr(afield, name)).__name__ != "module", name
"""
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(AttributeError, match="did you mean 'predict'"):
        _ = afield.predit
