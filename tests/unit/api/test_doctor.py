from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from afield.api import doctor


def test_every_extra_of_the_project_is_explained() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(doctor.EXTRAS) == set(project["optional-dependencies"]) - {"test"}


def test_required_packages_are_those_of_the_metadata() -> None:
    found = doctor.required()
    assert {"numpy", "onnxruntime", "lightgbm", "typer"} <= set(found)
    assert not {"pytest", "polars", "pyarrow"} & set(found)


@pytest.mark.parametrize("name", [n for n in doctor.TRIALS if "parts" not in n])
def test_native_libraries_run_here(name: str) -> None:
    doctor.TRIALS[name]()


def test_broken_things_come_first_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "TRIALS", {"lightgbm trains": broken, "duckdb answers": lambda: None})
    monkeypatch.setattr(doctor, "EXTRAS", {"there": ("numpy", "x"), "s3": ("no_such_package", "tables in s3")})
    health = doctor.examine()
    assert health.broken
    facts = {f.label: f.lines for f in health.facts()}
    assert next(iter(facts)) == "BROKEN"
    assert facts["BROKEN"][0].startswith("lightgbm trains: ImportError: libgomp.so.1")
    assert facts["works"] == ("duckdb answers",)
    assert facts["not installed"] == ("s3: tables in s3: pip install 'afield[s3]'",)
    assert health.to_json()["extras"]["s3"] == {"installed": False, "adds": "tables in s3"}


def test_a_missing_package_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "required", lambda: ["numpy", "no_such_package"])
    monkeypatch.setattr(doctor, "TRIALS", {})
    health = doctor.examine()
    assert [(c.name, c.fix) for c in health.checks] == [("package no_such_package", "pip install no_such_package")]
