from __future__ import annotations

import io

from rich.console import Console

from afield.cli.live import Status
from afield.core.events import Event


def drawn(status: Status, width: int) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    console.print(status)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_live_line_shows_stage_time_left_and_best() -> None:
    above = Console(file=io.StringIO(), width=100, color_system=None)
    status = Status(above, budget_s=90.5)
    for event in (
        Event("stage", {"name": "search"}),
        Event("table", {"rows": 10, "columns": 2, "source": "a.csv"}),
        Event("problem", {"target": "y", "task": "regression", "metric": "rmse"}),
        Event("trial", {"recipe": "x", "status": "ok", "score": 2.125, "loss": 2.125, "done": 2, "planned": 8}),
        Event("trial", {"recipe": "linear [x]", "status": "ok", "score": 2.5, "loss": 2.5, "done": 3, "planned": 8}),
        Event("finding", {"severity": "note", "what": "unimportant"}),
        Event("score", {"metric": "rmse", "value": 2.2}),
    ):
        status(event)
    text = drawn(status, 100)
    assert "searching for a good model" in text
    assert "1 min 30 s left" in text
    assert "best rmse 2.125" in text
    assert "trial 3: linear [x] 2.5" in text
    assert above.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "10 rows, 2 columns from a.csv",
        "predict y: regression, measured by rmse",
    ]


def test_live_line_fits_a_narrow_terminal() -> None:
    status = Status(Console(file=io.StringIO()))
    status(Event("trial", {"recipe": "r" * 300, "status": "ok", "score": 1.0, "done": 1}))
    assert all(len(line) <= 40 for line in drawn(status, 40).splitlines())
