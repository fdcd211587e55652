"""Every registered learner, ours or another package's, keeps its contract."""

from __future__ import annotations

from functools import cache

import pytest

from afield.core.registry import list_parts, load
from afield.testing import learner_kit as kit

LEARNERS = [e.name for e in list_parts() if e.manifest["type"] == "learner"]


@cache
def cases_by_name(learner):
    return {case.name: case for case in kit.cases(tuple(sorted(load("parts", learner).tasks)))}


def all_cases():
    every = {c.name: None for c in kit.cases(("binary", "multiclass", "regression"))}
    return [(learner, name) for learner in LEARNERS for name in every]


@pytest.mark.parametrize(("learner", "case"), all_cases())
def test_graph_equals_library(learner, case):
    if case not in cases_by_name(learner):
        pytest.skip(f"{learner} does not do this task")
    assert kit.check_case(load("parts", learner), cases_by_name(learner)[case]) <= kit.TOLERANCE


@pytest.mark.error_code("parts.settings")
@pytest.mark.parametrize("learner", LEARNERS)
def test_refusals(learner):
    kit.check_refusals(load("parts", learner))


@pytest.mark.parametrize("learner", LEARNERS)
def test_stopping(learner):
    kit.check_stopping(load("parts", learner))


@pytest.mark.parametrize("learner", LEARNERS)
def test_manifest(learner):
    kit.check_manifest(load("parts", learner))
