"""What is compared: each system, its environment, its runner and how it was set up.

``setup`` is printed on the page, so that nobody has to guess what was held against what.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class System:
    """One row of the results: a library in one configuration."""

    name: str
    env: str  # folder under .envs
    runner: str  # file under runners/
    setup: str
    options: dict[str, object] = field(default_factory=dict)
    baseline: bool = False  # fixes the zero of a scale; takes no part in ranks and wins


SYSTEMS = (
    System("constant", "afield", "baseline", "class shares, or the mean", {"kind": "constant"}, baseline=True),
    System(
        "linear",
        "afield",
        "baseline",
        "`benchmarks/peers.py`: one-hot and scaled columns, logistic or ridge regression",
        {"kind": "linear"},
        baseline=True,
    ),
    System("afield", "afield", "afield", "`afield.fit(path, target=..., minutes=budget, jobs=2)` and the metric"),
    System("afield-neural", "afield-neural", "afield", "the same with the extra `neural` installed"),
    System(
        "autogluon-medium",
        "autogluon",
        "autogluon",
        '`presets="medium_quality"`, `time_limit=budget`, `num_cpus=2`, `eval_metric`; `persist()` before rows',
        {"presets": "medium_quality"},
    ),
    System(
        "autogluon-deploy",
        "autogluon",
        "autogluon",
        '`presets=["good_quality", "optimize_for_deployment"]`, else as above',
        {"presets": ["good_quality", "optimize_for_deployment"]},
    ),
    System(
        "autogluon-best",
        "autogluon",
        "autogluon",
        '`presets="best_quality_v150"`, else as above',
        {"presets": "best_quality_v150"},
    ),
    System(
        "flaml",
        "flaml",
        "flaml",
        "`AutoML().fit(task, metric, time_budget=budget, n_jobs=2, seed)`; no ensemble (default); CatBoost installed",
    ),
    System(
        "lightautoml",
        "lightautoml",
        "lightautoml",
        "`TabularAutoML(task, timeout=budget, cpu_limit=2)`, five folds (its default)",
    ),
    System(
        "mljar",
        "mljar",
        "mljar",
        '`AutoML(mode="Compete", total_time_limit=budget, n_jobs=2, explain_level=0)` and the metric',
    ),
)
BY_NAME = {system.name: system for system in SYSTEMS}
COMPETITORS = tuple(system for system in SYSTEMS if not system.baseline)
