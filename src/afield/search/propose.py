"""Names the next recipes: the portfolio, and soon neighbours of the best trials so far beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from afield.core.randomness import derive_seed
from afield.core.registry import load
from afield.parts.protocol import Setting
from afield.search.order import strongest
from afield.search.portfolio import first_recipes
from afield.search.recipe import Recipe, Use
from afield.search.shape import Shape
from afield.search.trial import Trial

#: of the settings of a learner, this share moves in one step, by this share of its range
MOVED, STEP = 0.4, 0.25
TRIES = 50
#: after so many trials half of each wave are neighbours: the rest of the portfolio adds less and less
ALONE = 12
#: so many trials of a learner may be given up, or fail, before its others wait until all else was tried
PARDONED = 2
#: settings that bound work rather than shape a model
FIXED = ("max_rounds", "patience", "max_bytes")


class PortfolioThenNeighbours:
    """The portfolio in its order, and seeded steps around the better half of what was tried.

    With ``hurried`` the recipe that is likely the strongest comes first: a search that has time for little more than
    one trial is to be judged by it.
    """

    def __init__(self, shape: Shape, seed: int, *, hurried: bool = False) -> None:
        self._first = first_recipes(shape)
        best = strongest(shape, [r.name for r in self._first]) if hurried else None
        if best is not None:
            self._first.insert(0, self._first.pop(best))
        self._seed = seed

    def propose(self, history: Sequence[Trial], count: int) -> list[Recipe]:
        """Return up to ``count`` recipes that ``history`` lacks."""
        known = {t.recipe.id for t in history}
        given_up = Counter(t.recipe.learner.part for t in history if t.status in ("discarded", "failed"))
        listed = [r for r in self._first if r.id not in known]
        listed.sort(key=lambda r: max(0, given_up[r.learner.part] - PARDONED))
        share = count if len(history) < ALONE else count // 2
        fresh = listed[:share]
        done = sorted((t for t in history if t.status == "ok"), key=lambda t: (t.loss, t.id))
        draw = np.random.default_rng(derive_seed(self._seed, "propose", len(history)))
        for _ in range(TRIES if done else 0):
            if len(fresh) >= count:
                break
            near = done[int(len(done) * 0.5 * draw.random() ** 2)]
            recipe = neighbour(near, draw)
            if recipe.id not in known | {r.id for r in fresh}:
                fresh.append(recipe)
        return [*fresh, *listed[share:]][:count]


def neighbour(trial: Trial, draw: np.random.Generator) -> Recipe:
    """Return the trial's recipe with some settings of its learner moved."""
    use = trial.recipe.learner
    space: Mapping[str, Setting] = load("parts", use.part).space
    settings = dict(use.settings)
    movable = [n for n in sorted(space) if space[n].kind in ("integer", "number") and n not in FIXED]
    for name in movable:
        if draw.random() < MOVED:
            settings[name] = move(space[name], settings.get(name, space[name].default), draw)
    learner = Use(part=use.part, settings=settings)
    return Recipe(name=f"near {trial.id}", encoders=trial.recipe.encoders, learner=learner)


def move(setting: Setting, value: Any, draw: np.random.Generator) -> Any:
    """Return a value near ``value`` within the setting's bounds, on its scale."""
    low, high = (math.log(setting.low), math.log(setting.high)) if setting.log else (setting.low, setting.high)
    at = math.log(value) if setting.log else float(value)
    moved = float(np.clip(at + draw.normal() * STEP * (high - low) / 2, low, high))
    moved = math.exp(moved) if setting.log else moved
    moved = min(max(moved, setting.low), setting.high)
    return round(moved) if setting.kind == "integer" else float(f"{moved:.4g}")
