"""What a driver does about small models: students, choices under the user's limits, and the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx

from afield.core.randomness import canonical_json
from afield.graph.cost import estimate
from afield.problem.schema import Schema
from afield.search.combine import Candidate, Limits, Price, Selector, select, usual_limits
from afield.search.front import Judge, Point, find_front
from afield.search.loop import Budget, Search
from afield.search.memory import Memory
from afield.search.pricing import Prices
from afield.search.recipe import Recipe
from afield.search.shape import Shape
from afield.search.student import students
from afield.search.trial import STUDENT, Trial, is_student


class Small:
    """Small models of one study."""

    def __init__(self, schema: Schema, memory: Memory) -> None:
        self._schema, self._memory = schema, memory
        self._prices = Prices(schema.columns, memory)

    def students(
        self, search: Search, shape: Shape, limit: Price | None, left_s: Callable[[], float | None]
    ) -> list[Trial]:
        """Try small models, some of them taught by the best ensemble of the search; return those that ended well."""
        candidates = self.candidates(search, search.trials)
        if not candidates:
            return []
        limits = usual_limits(candidates, Limits())
        task = search.split.answer.task
        teacher = select(task, search.truth, candidates, search.metric, search.weights, limits)
        recipes = students(shape, teacher, limited=limit is not None)
        left = left_s()
        if not recipes or (left is not None and left <= 0):
            return []
        tried = search.aside(recipes, Budget(trials=len(search.trials), left_s=left_s), STUDENT)
        return [t for t in tried if t.status == "ok"]

    def candidates(self, search: Search, trials: Sequence[Trial]) -> list[Candidate]:
        """Return the finished trials with all their prices."""
        return self._prices.priced(search.split, search.candidates(trials), trials)

    def selector(self, search: Search, trials: Sequence[Trial]) -> Selector:
        """Return what chooses among the finished trials."""
        candidates = self.candidates(search, trials)
        return Selector(search.split.answer.task, search.truth, candidates, search.metric, search.weights)

    def fixed(self) -> Price:
        """Return what every file takes at least: columns, the schema, a call of the runtime."""
        schema = Price(len(canonical_json(self._schema.to_json()).encode()))
        return self._prices.columns() + schema

    def front(
        self,
        search: Search,
        trials: Sequence[Trial],
        metadata_bytes: int,
        own: tuple[Mapping[str, float], Sequence[str]],
    ) -> list[Point]:
        """Return the front of all finished trials; ``own``: weights and singles of the study's model."""
        judge = Judge(task=search.split.answer.task, truth=search.truth, metric=search.metric, weights=search.weights)
        names = {t.id: t.recipe.name for t in trials}
        fixed = self._prices.columns() + Price(metadata_bytes)
        mine = self.selector(search, trials).given(*own)
        return find_front(judge, self.candidates(search, trials), fixed, names, mine)

    def stored(self, search: Search) -> list[Trial]:
        """Return the trials of a split that the journal says ended well, students left out, in order of their ids."""
        prefix, found = f"{search.split.name}/", []
        for name, told in sorted(self._memory.of_kind("trial").items()):
            own = name.removeprefix(prefix)
            if not name.startswith(prefix) or told["status"] != "ok" or is_student(own):
                continue
            jobs = [self._memory.get("job", f"{name}/{fold}") for fold in range(search.split.folds.count)]
            found.append(
                Trial(
                    id=own,
                    split=search.split.name,
                    recipe=Recipe.from_json(told["recipe"]),
                    status="ok",
                    loss=told["loss"],
                    score=told["score"],
                    folds=tuple(j for j in jobs if j is not None),
                )
            )
        return found


def weigh(model: onnx.ModelProto, bytes: int) -> Price:
    """Return what a built model really takes: bytes of the whole file, microseconds by the table of operator costs."""
    return Price(bytes, estimate(model).latency_us)


def median_rounds(trial: Trial) -> int | None:
    """Return how many rounds a fit on all rows gets."""
    return int(np.median([f["rounds"] for f in trial.folds])) or None
