"""A number beside others of its group: the mean of a number within each level of a category, and how far a row is off.

Which pairs of category and number, and which of mean, difference and deviation, is chosen as in ``arithmetic``, by what
they tell of the target beyond their two columns. The statistics themselves know nothing of the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afield.data.answer import Answer
from afield.data.table import Table
from afield.graph.builder import Builder, Value
from afield.parts.encoders.arithmetic import REACH, bound
from afield.parts.encoders.levels import FIRST, MISSING, PRIVATE_BELOW, RARE, keep_levels, look_up, string_column
from afield.parts.encoders.number import FLOAT32_MAX, numbers
from afield.parts.encoders.screening import BINS, Candidate, choose, cut, make_screen
from afield.parts.encoders.state import header_of, pack
from afield.parts.protocol import Feature, FitContext, Setting, Settings, State
from afield.parts.settings import settle
from afield.problem.schema import ColumnSpec

_STATISTICS = ("mean", "difference", "deviation")
_CATEGORIES, _NUMBERS = 8, 10  # those that tell most are paired
_SMOOTHING = 5.0  # rows of the usual spread within a level in the spread of each
_MOST_LEAN = 100.0  # rows of the whole table's mean in that of a level, where levels do not differ

Floats = NDArray[np.float64]
Key = tuple[int, int, int]  # statistic, category, number


@dataclass(frozen=True)
class FittedGroupStats:
    """Statistics of the groups.

    ``pairs``: positions in ``categories`` and ``numbers``; ``chosen``: int64 [W], statistic * pairs + pair of each
    feature. ``table``: float64 [2, sum of levels + FIRST over the pairs], mean and inverse spread of each level of each
    pair.
    """

    categories: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    chosen: NDArray[np.int64]
    table: Floats

    @property
    def features(self) -> Sequence[Feature]:
        """``weight.mean by species``; the mean is a feature of the category alone."""
        found = []
        for statistic, pair in (divmod(place, len(self.pairs)) for place in self.chosen.tolist()):
            category, number = self.categories[self.pairs[pair][0]], self.numbers[self.pairs[pair][1]]
            name = f"{number}.{_STATISTICS[statistic]} by {category}"
            found.append(Feature(name=name, column="" if statistic else category))
        return found

    def lower(self, builder: Builder, inputs: Mapping[str, Value]) -> Value:
        """Add about 20 nodes: string [N] and float64 [N] each to float32 [N, W]."""
        keys = [("", *kept) for kept in self.levels]
        values = [np.array([MISSING, *range(FIRST, FIRST + len(kept))], np.int64) for kept in self.levels]
        codes = look_up(builder, inputs, self.categories, keys, values, default=RARE)
        of, at = (builder.constant(np.array(side, np.int64)) for side in zip(*self.pairs, strict=True))
        sizes = [FIRST + len(self.levels[c]) for c, _ in self.pairs]
        starts = builder.constant(np.cumsum([0, *sizes[:-1]]).astype(np.int64))
        place = builder.op("Add", builder.gather(codes, of, 1), starts)
        mean = builder.gather(builder.constant(self.table[0]), place, 0)
        results = [mean]
        if (self.chosen >= len(self.pairs)).any():
            x = builder.transpose(builder.stack_columns([inputs[n] for n in self.numbers]), [1, 0])
            results.append(builder.op("Sub", bound(builder, builder.gather(x, at, 1), REACH), mean))
        if (self.chosen >= 2 * len(self.pairs)).any():
            scale = builder.gather(builder.constant(self.table[1]), place, 0)
            results.append(builder.op("Mul", results[1], scale))
        full = builder.gather(builder.concat(results, axis=1), builder.constant(self.chosen), 1)
        return builder.cast(bound(builder, full, FLOAT32_MAX), "float32")

    def state(self) -> State:
        """Return columns, levels, pairs and statistics."""
        header = {k: getattr(self, k) for k in ("categories", "levels", "numbers", "pairs")}
        return pack(header, chosen=self.chosen, table=self.table)


class GroupStats:
    """Means of numbers within categories, and how far rows are off."""

    name = "group_stats"
    kinds = frozenset({"category+number"})
    uses_target = False
    space: Mapping[str, Setting] = {
        "max_features": Setting(kind="integer", default=6, low=1, high=32, log=True),
        "min_count": Setting(kind="integer", default=PRIVATE_BELOW, low=PRIVATE_BELOW, high=1000, log=True),
        "max_levels": Setting(kind="integer", default=1000, low=2, high=10_000, log=True),
    }

    def fit(
        self, table: Table, specs: Sequence[ColumnSpec], target: Answer, context: FitContext, settings: Settings
    ) -> FittedGroupStats:
        """Choose pairs and statistics on a sample, and compute the statistics on all rows."""
        settled = settle(self.space, settings)
        names = [s.name for s in specs]
        categories = [c for c, s in enumerate(specs) if s.kind == "category"]
        others = [c for c, s in enumerate(specs) if s.kind == "number"]
        keys: list[Key] = []
        if (screen := make_screen(table, names, target, context)) is not None:
            sample = table.take(screen.rows)
            groups = {c: string_column(sample, names[c]).codes for c in screen.strongest(categories, _CATEGORIES)}
            values = {c: numbers(sample, names[c]) for c in screen.strongest(others, _NUMBERS)}
            keys = choose(screen, _candidates(groups, values, screen.weights), settled["max_features"])
        keys = keys or [(0, categories[0], others[0])]
        used_c, used_n = (sorted({key[side] for key in keys}) for side in (1, 2))
        pairs = sorted({key[1:] for key in keys})
        limits = {key: settled[key] for key in ("min_count", "max_levels")}
        kept = {c: keep_levels(string_column(table, names[c]), **limits) for c in used_c}
        weights = np.ones(table.rows) if context.weights is None else context.weights
        found = []
        for c, n in pairs:
            codes = kept[c].codes[string_column(table, names[c]).codes]
            few = kept[c].counts < settled["min_count"]
            found.append(_statistics(codes, numbers(table, names[n]), weights, len(few), few))
        return FittedGroupStats(
            tuple(names[c] for c in used_c),
            tuple(kept[c].texts for c in used_c),
            tuple(names[c] for c in used_n),
            tuple((used_c.index(c), used_n.index(n)) for c, n in pairs),
            np.array(sorted(s * len(pairs) + pairs.index((c, n)) for s, c, n in keys), np.int64),
            np.concatenate(found, axis=1),
        )

    def restore(self, state: State) -> FittedGroupStats:
        """Return the fitted encoder that gave this state."""
        header = header_of(state)
        levels = tuple(tuple(kept) for kept in header["levels"])
        pairs = tuple((int(c), int(n)) for c, n in header["pairs"])
        names = tuple(header["categories"]), levels, tuple(header["numbers"])
        return FittedGroupStats(*names, pairs, state["chosen"], state["table"])


def _statistics(
    codes: NDArray[np.integer], values: Floats, weights: Floats, size: int, few: NDArray[np.bool_] | None = None
) -> Floats:
    """Return float64 [2, size]: mean and inverse spread of each code; those of all rows where there are ``few``."""
    there = np.isfinite(values) & (np.abs(values) <= REACH)
    codes, values, weights = codes[there], values[there], weights[there]
    total = float(weights.sum())
    centre = float(values @ weights) / total if total > 0 else 0.0
    off = values - centre  # squares of large numbers that lie close together would lose what tells them apart
    variance = float(off**2 @ weights) / total if total > 0 else 0.0
    weight = np.bincount(codes, weights, size)
    sums = np.bincount(codes, weights * off, size)
    plain = np.divide(sums, weight, out=np.zeros(size), where=weight > 0)
    error = np.bincount(codes, weights * (off - plain[codes]) ** 2, size)
    within = float(error.sum()) / total if total > 0 else 0.0
    # empirical Bayes: the less the groups differ, the more a mean leans on that of all rows
    lean = min(within / max(variance - within, 1e-12 * variance), _MOST_LEAN) if variance > 0 else _MOST_LEAN
    alone = np.zeros(size, np.bool_) if few is None else few
    mean = np.where(alone, 0.0, sums / (weight + lean + 1e-9))
    spread = np.sqrt(np.where(alone, variance, (error + _SMOOTHING * within) / (weight + _SMOOTHING)))
    inverse = np.divide(1.0, spread, out=np.zeros(size), where=spread > 1 / REACH)
    return np.stack([centre + mean, inverse])


def _candidates(
    groups: Mapping[int, NDArray[np.int32]], values: Mapping[int, Floats], weights: Floats
) -> Iterator[Candidate[Key]]:
    for c, codes in groups.items():
        for n, column in values.items():
            mean, inverse = _statistics(codes, column, weights, int(codes.max()) + 1)[:, codes]
            off = np.clip(column, -REACH, REACH) - mean
            for statistic, feature in enumerate((mean, off, off * inverse)):
                yield Candidate((statistic, c, n), cut(feature), BINS, (c, n))


part = GroupStats()
