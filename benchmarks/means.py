"""What means of the target in categories are worth: learned without each fold, as afield has them, and not at all.

    python benchmarks/means.py ../shared/data/tabular --tables diamonds,car,adult

LightGBM on codes alone, on codes and means that are all learned without the fold, and on codes and means as
`target_mean` has them: loss out of fold, and on rows of an outer split that no fit saw. The folder is as `tables.py`
wants it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from tables import Entry, entries

from afield.api.steering import Study
from afield.problem.problem import Problem
from afield.search.loop import Budget
from afield.search.outer import plan_outer
from afield.search.portfolio import TREE, make_recipe

FOLDS, SEED = 3, 1
MEANS = {
    "codes alone": [],
    "without the fold": [("target_mean", {"whole_levels": 0, "few_levels": 0})],
    "as they are": [("target_mean", {})],
}


def measure(entry: Entry) -> list[str]:
    """Return a line for each kind of means."""
    lines = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["AFIELD_HOME"] = home
        task = "regression" if entry.task == "regression" else None
        problem = Problem(
            target=entry.target, data=str(entry.file), ignore=entry.ignore, group=entry.group or None, task=task,
            seed=SEED, jobs=1,
        )  # fmt: skip
        with Study(problem) as study:
            driver = study._driver
            plan = plan_outer(driver.question, SEED)[0]
            search = driver._search(driver._split("outer-0", plan.train, FOLDS))
            shape = driver.shape(search.split)
            recipes = [
                make_recipe(name, {**TREE, "category": [("codes", {}), *means]}, "lightgbm", {}, shape)
                for name, means in MEANS.items()
            ]
            truth = driver.question.answer.values[plan.valid]
            guide = search.metric.guide
            for trial in search.step(recipes, Budget(trials=len(recipes))):
                tested = driver._judged_outside(search, plan, [trial], 1.0)
                away = guide(truth, tested.answers, None)
                lines.append(f"{entry.name:20} {trial.recipe.name:18} {guide.name} {trial.loss:.5g} {away:.5g}")
    return lines


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tables", default="")
    asked = parser.parse_args()
    names = set(filter(None, asked.tables.split(",")))
    print(f"{'table':20} {'means':18} loss: out of fold, outside")
    for entry in entries(asked.folder):
        if not names or entry.name in names:
            print("\n".join(measure(entry)), flush=True)


if __name__ == "__main__":
    main()
