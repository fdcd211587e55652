"""Holds what a platform answered to the probe's rows to the answers it should have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afield.core.proofs import Proof
from afield.model.model import Model
from afield.model.selftest import Comparison, compare, describe
from afield.platforms.protocol import Probe

Answers = Mapping[str, NDArray[Any]]


def judge(
    model: Model, probe: Probe, runs: Mapping[str, Answers], *, platform: str, how: str, tolerance: float | None = None
) -> Proof:
    """Return the proof of answers to all rows of ``probe``, one mapping for each way of running.

    Samples and hostile rows are told apart in the details. ``tolerance`` overrides that of the file, for platforms
    that compute in float32.
    """
    allowed = model.selftest.tolerance if tolerance is None else tolerance
    found: dict[str, Comparison] = {}
    for name, answers in runs.items():
        parts = {"samples": slice(0, probe.samples), "hostile rows": slice(probe.samples, None)}
        for part, rows in parts.items():
            if range(*rows.indices(probe.rows)):
                found[f"{name}, {part}" if name else part] = compare(
                    {n: v[rows] for n, v in probe.answers.items()},
                    {n: np.asarray(answers[n])[rows] for n in probe.answers},
                    tolerance=allowed,
                    scale=model.selftest.scale,
                    decision=model.card.decision,
                    classes=model.schema.target.classes,
                )
    return Proof(
        platform=platform,
        ran=True,
        how=how,
        rows=sum(c.rows for c in found.values()),
        largest=float(np.max([c.largest for c in found.values()], initial=0.0)),
        tolerance=allowed,
        passed=all(c.passed for c in found.values()),
        details=tuple(f"{name}: {describe(c)}" for name, c in found.items()),
    )
