"""Seeds that depend on names and nothing else, so that order, workers and restarts cannot change a result."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def derive_seed(*names: Any) -> int:
    """Return a seed in [0, 2**31) from JSON-able names, for example ``derive_seed(problem.seed, trial, fold)``."""
    return int.from_bytes(hashlib.sha256(canonical_json(names).encode()).digest()[:4], "big") >> 1


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of a JSON-able value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]
