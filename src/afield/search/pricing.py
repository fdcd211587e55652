"""What trials cost in a file, before the file is made: learners by their trial, encoders once, columns always.

Every price is that of lowered nodes, by the table of operator costs: no clock enters a choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afield.core.registry import load
from afield.graph.builder import Builder
from afield.graph.cost import INPUT_US, RUN_US, estimate
from afield.problem.schema import ColumnSpec
from afield.search.artifacts import load_state
from afield.search.combine import Candidate, Price
from afield.search.features import input_dtype, specs_of, state_path
from afield.search.memory import Memory
from afield.search.recipe import Use
from afield.search.store import Split
from afield.search.trial import Trial


class Prices:
    """The prices of a study's encoders, each found once."""

    def __init__(self, specs: Sequence[ColumnSpec], memory: Memory) -> None:
        self._specs, self._memory = tuple(specs), memory
        self._known: dict[tuple[str, str], Price] = {}

    def priced(self, split: Split, candidates: Sequence[Candidate], trials: Sequence[Trial]) -> list[Candidate]:
        """Return the candidates with the prices of single models and of encoders."""
        trial = {t.id: t for t in trials}
        found = []
        for c in candidates:
            single = single_price(trial[c.id])
            encoders = {u.id: self.encoder(split, u) for u in trial[c.id].recipe.encoders}
            if split.folds.forward:  # folds are windows of time: every member is fitted once
                found.append(Candidate(c.id, c.answers, single.bytes, single.latency_us, single, encoders))
            else:
                found.append(replace(c, single=single, encoders=encoders))
        return found

    def encoder(self, split: Split, use: Use) -> Price:
        """Return what an encoder adds to a file."""
        key = (split.name, use.id)
        if key not in self._known:
            record = self._memory.get("job", f"{split.name}/{use.id}") or {}
            fitted = load("parts", use.part).restore(load_state(state_path(split, use), record["state"]))
            specs = specs_of(use, self._specs)
            builder = Builder()
            inputs = {s.name: builder.input(s.input_name, input_dtype(s), ["N"]) for s in specs}
            bare = builder.build("inputs", check=False).ByteSize()
            builder.output(fitted.lower(builder, inputs), "features", ["N", len(fitted.features)])
            cost = estimate(builder.build("encoder", check=False))
            self._known[key] = Price(cost.bytes - bare, cost.latency_us - RUN_US - INPUT_US * len(specs))
        return self._known[key]

    def columns(self) -> Price:
        """Return what inputs and outputs take, whatever is between them."""
        builder = Builder()
        for spec in self._specs:
            builder.input(spec.input_name, input_dtype(spec), ["N"])
        return Price(builder.build("inputs", check=False).ByteSize(), RUN_US + INPUT_US * len(self._specs))


def single_price(trial: Trial) -> Price:
    """Return what one model of the trial costs that is fitted on all rows: as much as that of a fold."""
    return Price(-(-trial.bytes // len(trial.folds)), trial.latency_us / len(trial.folds))
