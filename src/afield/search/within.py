"""An ensemble whose real file keeps the user's limits: chosen by forecast, built, weighed, and shrunk until it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from afield.core.errors import DeviceLimitError
from afield.search.combine import Choice, Limits, Price, Selector

#: builds before giving up; each leaves less room than the one before
TRIES = 12
#: what is taken off beyond the excess of a file that was too large
SHRINK = 0.03


class Chooses(Protocol):
    """What this module needs of a Selector."""

    def within(self, limit: Price, limits: Limits) -> Choice:
        """Return the best choice whose forecast keeps the limit, else the smallest."""
        ...


Built = TypeVar("Built")


def solve(
    selector: Selector | Chooses,
    limit: Price,
    fixed: Price,
    limits: Limits,
    build: Callable[[Choice], Built],
    weigh: Callable[[Built], Price],
    *,
    names: Mapping[str, str] | None = None,
    strict: bool = True,
) -> Built:
    """Return what was built within the limit.

    Parameters
    ----------
    limit : Price
        What the file may take in all.
    fixed : Price
        Forecast of what every file takes beside learners and encoders.
    build, weigh : callable
        Makes the real thing of a choice; says what it really takes.
    names : mapping of str to str, optional
        Trial to the name of its recipe, for the message.
    strict : bool
        False: where nothing keeps the limit, return the smallest instead of an error.

    Raises
    ------
    DeviceLimitError
        ``model.limits``.
    """
    room = limit - fixed
    smallest: tuple[float, Price, Choice, Built] | None = None
    seen: dict[tuple[object, ...], Price] = {}
    for _ in range(TRIES):
        choice = selector.within(room, limits)
        key = (tuple(sorted(choice.weights.items())), choice.singles)
        hopeless = choice.price.bytes > room.bytes or choice.price.latency_us > room.latency_us
        if key not in seen:
            built = build(choice)
            seen[key] = real = weigh(built)
            if real.bytes <= limit.bytes and real.latency_us <= limit.latency_us:
                return built
            excess = max(real.bytes / limit.bytes, real.latency_us / limit.latency_us)
            if smallest is None or excess < smallest[0]:
                smallest = excess, real, choice, built
        if hopeless:
            break
        real = seen[key]
        room = Price(
            int(min(room.bytes, choice.price.bytes) * (1 - SHRINK)) - max(0, real.bytes - limit.bytes)
            if real.bytes > limit.bytes
            else room.bytes,
            min(room.latency_us, choice.price.latency_us) * (1 - SHRINK) - max(0.0, real.latency_us - limit.latency_us)
            if real.latency_us > limit.latency_us
            else room.latency_us,
        )
    if smallest is None:
        raise ValueError("nothing was built")
    _, real, choice, built = smallest
    if not strict:
        return built
    raise too_large(real, limit, " + ".join((names or {}).get(t, t) for t in choice.weights))


def too_large(real: Price, limit: Price, smallest: str = "") -> DeviceLimitError:
    """Return the error that says needed against allowed."""
    needed, allowed, larger = [], [], []
    if real.bytes > limit.bytes:
        needed.append(f"{real.bytes:,} bytes")
        allowed.append(f"{limit.bytes:,} bytes")
        larger.append(f"--max-size {-(-real.bytes // 1000)}KB")
    if real.latency_us > limit.latency_us:
        needed.append(f"{real.latency_us:.1f} us a row")
        allowed.append(f"{limit.latency_us:g} us a row")
        larger.append(f"--max-latency {real.latency_us + 0.1:.1f}us")
    return DeviceLimitError(
        "model.limits",
        "No model that was found keeps the limits.",
        got=f"the smallest{f' ({smallest})' if smallest else ''} takes {' and '.join(needed)}",
        expected=f"at most {' and '.join(allowed)}",
        fix=f"allow {' '.join(larger)}, leave columns out with --ignore, or search longer",
    )
