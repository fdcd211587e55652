"""Quick fits for tests: few recipes, workers in this process, frames of a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afield.problem.problem import Problem
from afield.search.portfolio import LINEAR, TREE_MEANS, make_recipe
from afield.search.recipe import Recipe
from afield.search.shape import Shape
from small_studies import MemoryEngine


def few_recipes(shape: Shape) -> list[Recipe]:
    """A linear model and small trees, over all columns."""
    trees = {"max_rounds": 12, "min_data_in_leaf": 3, "num_leaves": 6}
    return [
        make_recipe("linear", LINEAR, "linear", {}, shape),
        make_recipe("trees", TREE_MEANS, "lightgbm", trees, shape),
    ]


@contextmanager
def quick_fits(folder: Path) -> Iterator[list[MemoryEngine]]:
    """In the block, fits run in ``folder``, in this process and with few recipes; gives the engines started."""
    engines: list[MemoryEngine] = []

    @contextmanager
    def start(problem: Problem) -> Iterator[MemoryEngine]:
        engines.append(MemoryEngine())
        yield engines[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("AFIELD_HOME", raising=False)
        for module in ("fit", "resume", "steering", "pick"):
            patch.setattr(f"afield.api.{module}.start_engine", start)
        patch.setattr("afield.search.propose.first_recipes", few_recipes)
        patch.setattr("afield.search.propose.TRIES", 0)
        yield engines


def shells(rows: int = 60, seed: int = 0, **columns: Any) -> pd.DataFrame:
    """Return a frame with numbers, a category and the number ``age``; ``columns`` are added or replaced."""
    draw = np.random.default_rng(seed)
    size, depth = draw.normal(size=rows), draw.normal(size=rows)
    site = draw.choice(["north", "south", "reef"], rows)
    age = 3.0 + size + (site == "reef") + 0.3 * draw.normal(size=rows)
    frame = pd.DataFrame({"size": size, "depth": np.where(np.arange(rows) % 9 == 0, np.nan, depth), "site": site})
    return frame.assign(age=age).assign(**columns)


def old(frame: pd.DataFrame, yes: Any = "old", no: Any = "young") -> list[Any]:
    """Return a label for each row: whether it is older than most."""
    return [yes if a > 3.0 else no for a in frame["age"]]
