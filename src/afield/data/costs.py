"""What each mistake costs: the user's table of classes against the classes of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ProblemError, did_you_mean

Costs = Mapping[str, Mapping[str, float]]  # true class -> answered class -> cost


def cost_matrix(costs: Costs, classes: Sequence[str]) -> NDArray[np.float64]:
    """Return float64 [K, K]: row, the true class; column, the answered one.

    Raises
    ------
    ProblemError
        ``problem.costs``: a class that the target does not have, or one that has no costs.
    """
    known = list(classes)
    for row, cells in costs.items():
        for name in (row, *cells):
            if name not in known:
                raise _refused(f"The target has no class {name!r}.", did_you_mean(name, known))
    if missing := [c for c in known if c not in costs]:
        raise _refused(f"There is no row for the class {missing[0]!r}.", f"add a row for each of {', '.join(known)}")
    for row in known:
        if gaps := [c for c in known if c not in costs[row]]:
            raise _refused(
                f"There is no cost of answering {gaps[0]!r} where {row!r} is true.",
                "write 0 for an answer that is free",
            )
    matrix = np.array([[float(costs[row][column]) for column in known] for row in known])
    if (matrix == matrix[:, :1]).all():
        raise _refused("All answers cost the same, so none is better than another.", "state what a mistake costs")
    return matrix


def _refused(what: str, fix: str) -> ProblemError:
    return ProblemError("problem.costs", what, where="--costs", fix=fix)
