"""``afield pick``: the front of a study, and any point of it as a model file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from afield.cli import options as o

EXAMPLES = (
    "afield pick rings-1",
    "afield pick rings-1 --max-size 50KB --out small.onnx",
    "afield pick rings-1 --max-size 50KB --max-latency 20us --out small.onnx",
)


def command(
    study: o.StudyId,
    max_size: o.MaxSize = None,
    max_latency: o.MaxLatency = None,
    out: o.Out = None,
    force: o.Force = False,
    quiet: o.Quiet = False,
    as_json: o.AsJson = False,
) -> None:
    """List what a study found for each size and latency, or save the best model that keeps the limits."""
    started = time.time()
    if max_size is None and max_latency is None:
        _list(study, as_json=as_json)
        return
    from afield.api.pick import pick
    from afield.cli.live import listening
    from afield.cli.summary import show_result

    limits = {"max_size": max_size, "max_latency": max_latency}
    place = out or Path(f"{Path(study).name}-picked.onnx")
    with listening(quiet=quiet, as_json=as_json) as listener:
        result = pick(study, limits, out=place, force=force, listener=listener, started=started)
    show_result(result, quiet=quiet, as_json=as_json)


def _list(study: str, *, as_json: bool) -> None:
    from afield.api.pick import front
    from afield.api.wording import figure, size
    from afield.cli.drawing import draw_grid, write_json

    found = front(study)
    if as_json:
        for point in found.points:
            write_json({"event": "point", "metric": found.metric, **point.to_json()})
        return
    rows = [
        [
            size(p.bytes), f"{p.latency_us:.1f} us", f"{figure(p.score)} ± {figure(p.noise)}",
            " + ".join(p.recipes),
        ]
        for p in found.points
    ]  # fmt: skip
    draw_grid(("size", "a row", f"{found.metric} (out-of-fold)", "members"), rows)
    if rows:
        least = -(-found.points[0].bytes // 1000)
        sys.stdout.write(f"\nSave one: afield pick {found.study} --max-size {least}KB --out small.onnx\n")
