"""Measure what a model costs as its table gets wider: nodes, seconds to build, bytes, time to load, time of one row.

    python benchmarks/graph_cost.py                    # 10, 300 and 2,000 columns

The tables are synthetic: numbers, a fifth of them categories, 2 % missing. The exit code is 1 where one row of 300
columns takes a millisecond or more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import onnx
from machine import RESULTS, fingerprint, session_row_ms
from synthetic import mixed_table

COLUMNS_LIMITED, ROW_LIMIT_MS = 300, 1.0


def count_nodes(graph) -> int:
    """Return the nodes of a graph and of the graphs inside its nodes."""
    inner = sum(count_nodes(a.g) for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)
    return len(graph.node) + inner


def timed_builds() -> list[float]:
    """Make every build of a model file note its seconds in the list that is returned."""
    import afield.search.driver as driver

    build, seconds = driver.build_model, []

    def noting(*arguments, **options):
        began = time.perf_counter()
        built = build(*arguments, **options)
        seconds.append(time.perf_counter() - began)
        return built

    driver.build_model = noting
    return seconds


def load_ms(file: Path, repeats: int = 7) -> float:
    """Return the median milliseconds from a path to the first answer's session."""
    import afield

    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        afield.load(file)._open()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000


def measure(columns: int, rows: int, wishes: dict, folder: Path, builds: list[float]) -> dict:
    import afield

    frame = mixed_table(rows, columns, seed=columns)
    builds.clear()
    began = time.perf_counter()
    file = folder / f"{columns}.onnx"
    model = afield.fit(frame, "y", out=file, **wishes)
    fit_s = time.perf_counter() - began
    return {
        "columns": columns,
        "rows": rows,
        "nodes": count_nodes(onnx.load_from_string(model.bytes).graph),
        "build_s": round(max(builds), 3),
        "fit_s": round(fit_s, 1),
        "file_mb": round(len(model.bytes) / 1e6, 3),
        "load_ms": round(load_ms(file), 1),
        "row_ms": round(session_row_ms(model, frame.drop(columns="y").head(50)), 4),
        "members": [m.recipe for m in model.card.members],
        "parity": model.card.parity and model.card.parity.largest,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", default="10,300,2000", help="widths, parted by commas")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=0.25, help="time limit of each fit")
    parser.add_argument("--effort", help="in place of --minutes")
    parser.add_argument("--results", type=Path, default=RESULTS / "graph_cost.json")
    options = parser.parse_args()
    wishes = {"effort": options.effort} if options.effort else {"minutes": options.minutes}
    builds, found, short = timed_builds(), [], False
    with tempfile.TemporaryDirectory(prefix="afield-bench-") as name:
        os.environ["AFIELD_HOME"] = str(Path(name) / "home")
        for columns in map(int, options.columns.split(",")):
            figures = measure(columns, options.rows, wishes, Path(name), builds)
            found.append(figures)
            missed = columns <= COLUMNS_LIMITED and figures["row_ms"] >= ROW_LIMIT_MS
            short = short or missed
            print(f"{columns:5} columns: {figures}" + ("  SHORT FALL" if missed else ""), flush=True)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    kept = {"wishes": wishes, "widths": found, "machine": fingerprint()}
    options.results.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
