"""What the package says of itself: dependencies are a decision, entry points lead somewhere, files are there."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import afield
from afield.core.lazy import EXTRAS
from afield.core.registry import list_parts, load

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: A new one needs a reason, and room on everybody's disk.
DEPENDENCIES = {
    "numpy", "onnx", "onnxruntime", "lightgbm", "catboost", "scikit-learn", "pandas", "narwhals", "duckdb",
    "python-calamine", "fsspec", "typer", "rich", "psutil",
}  # fmt: skip


def test_core_dependencies_are_the_decided_ones() -> None:
    names = {re.split(r"[<>=\[ ]", line)[0] for line in PROJECT["dependencies"]}
    assert names == DEPENDENCIES


def test_every_dependency_has_a_lower_bound() -> None:
    assert [line for line in PROJECT["dependencies"] if ">=" not in line] == []


def test_extras_that_messages_name_exist() -> None:
    assert set(EXTRAS.values()) <= set(PROJECT["optional-dependencies"])


def test_versions_agree() -> None:
    assert PROJECT["version"] == afield.__version__ == distribution("afield").version
    assert f"## {afield.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_only_what_is_tested_is_claimed() -> None:
    versions = {c for c in PROJECT["classifiers"] if re.match(r"Programming Language :: Python :: \d", c)}
    assert versions == {"Programming Language :: Python :: 3.11"}


def test_entry_points_lead_to_what_they_name() -> None:
    stated = PROJECT["entry-points"]
    installed = {g: {p.name for p in distribution("afield").entry_points.select(group=g)} for g in stated}
    assert {g: set(points) for g, points in stated.items()} == installed, "install again: pip install -e ."
    for name in stated["afield.parts"]:
        assert load("parts", name).name == name
    for name in stated["afield.platforms"]:
        assert load("platforms", name).name == name


def test_every_part_of_afield_has_a_licence_and_a_source() -> None:
    for entry in list_parts():
        assert entry.manifest["licence"], entry.name
        assert entry.manifest["source"], entry.name


def test_the_house_is_complete() -> None:
    for name in (
        "LICENSE", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile",
        ".ci/run", "src/afield/py.typed",
    ):  # fmt: skip
        assert (ROOT / name).is_file(), name
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
