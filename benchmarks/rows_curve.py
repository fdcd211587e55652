"""Draw how the time of a fit grows with the rows: the same table cut to 10,000 up to 3,000,000 rows.

    python benchmarks/rows_curve.py ../shared/data/tabular/flights_3m.parquet --target delay

For each size one `afield fit --effort quick`: wall seconds to the first valid model and to the finished file, CPU
seconds of the whole process tree, and its peak memory. It goes on where it stopped. CPU seconds hold on a busy machine,
wall seconds do not: the load stands beside them, and is marked in the picture where it is over 3.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from machine import AFIELD, RESULTS, fingerprint, watch

from afield.search.journal import read_journal

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
BUSY = 3.0
#: what is drawn: key, words, colour
CURVES = (
    ("cpu_s", "CPU seconds of the whole fit", "#7a4fbf"),
    ("wall_s", "seconds to the finished file", "#1f77b4"),
    ("first_model_s", "seconds to the first valid model", "#2a9d4a"),
)


def cut(table: Path, rows: int, folder: Path) -> Path:
    """Write ``rows`` rows of a Parquet table, drawn by a fixed seed, and return the file."""
    import pyarrow.parquet as pq

    whole = pq.read_table(table)
    place = folder / f"rows_{rows}.parquet"
    kept = np.sort(np.random.default_rng(0).permutation(len(whole))[:rows])
    pq.write_table(whole.take(kept), place)
    return place


def children_cpu_s() -> float:
    """CPU seconds of the processes that this one and its children waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(table: Path, target: str, rows: int, timeout_s: float) -> dict:
    """Fit a cut of the table and return the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, before = cut(table, rows, folder), children_cpu_s()
        command = (*AFIELD, "fit", str(data), "--target", target, "--effort", "quick", "--json", "--out", "m.onnx")
        run = watch(command, home=folder / "home", cwd=folder, timeout_s=timeout_s)
        if run.exit_code:
            raise SystemExit(f"{rows} rows: exit code {run.exit_code}\n{run.err[-2000:]}")
        records = read_journal(next(folder.rglob("journal.jsonl")))
    trials = [r["data"] for r in records if r["kind"] == "trial"]
    folds = [r["data"] for r in records if r["kind"] == "job" and "cpu_s" in r["data"]]
    main = [t for t in trials if t["split"] == "main"]
    return {
        "rows": rows,
        "first_model_s": round(min(t["elapsed_s"] for t in main if t["status"] == "ok"), 2),
        "wall_s": round(run.wall_s, 1),
        "cpu_s": round(children_cpu_s() - before, 1),
        "folds_cpu_s": round(sum(f["cpu_s"] for f in folds), 1),
        "trials": {s: sum(t["status"] == s for t in main) for s in ("ok", "discarded", "failed")},
        "pss_mb": round(run.pss_mb),
        "load": round(run.load, 1),
        "machine": fingerprint(),
    }


def draw(cells: list[dict]) -> str:
    """Return the curves as SVG, both axes logarithmic."""
    width, height, left, top, right, bottom = 720, 440, 70, 40, 30, 60
    values = [c[key] for c in cells for key, _, _ in CURVES]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))

    def x(rows: float) -> float:
        share = math.log(rows / SIZES[0]) / math.log(SIZES[-1] / SIZES[0])
        return left + share * (width - left - right)

    def y(value: float) -> float:
        return height - bottom - math.log(value / low) / math.log(high / low) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="20" font-size="15">Fit time as rows grow (--effort quick)</text>',
    ]
    tick = low
    while tick <= high:
        parts.append(f'<path d="M{left} {y(tick):.1f}H{width - right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g} s</text>')
        tick *= 10
    for rows in SIZES:
        parts.append(f'<path d="M{x(rows):.1f} {top}V{height - bottom}" stroke="#eee"/>')
        parts.append(f'<text x="{x(rows):.1f}" y="{height - bottom + 18}" text-anchor="middle">{rows:,}</text>')
    parts.append(
        f'<text x="{(left + width) / 2}" y="{height - 14}" text-anchor="middle">rows (hollow: busy machine)</text>'
    )
    for place, (key, words, colour) in enumerate(CURVES):
        line = " ".join(f"{x(c['rows']):.1f},{y(c[key]):.1f}" for c in cells)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for cell in cells:
            fill = "white" if cell["load"] > BUSY and key != "cpu_s" else colour
            parts.append(
                f'<circle cx="{x(cell["rows"]):.1f}" cy="{y(cell[key]):.1f}" r="4" fill="{fill}" stroke="{colour}"/>'
            )
        parts.append(f'<text x="{left + 12}" y="{top + 18 + 18 * place}" fill="{colour}">{words}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path, help="Parquet file of at least as many rows as the largest size")
    parser.add_argument("--target", required=True)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--timeout", type=float, default=3_600.0, help="seconds for one fit")
    parser.add_argument("--out", type=Path, default=RESULTS / "rows_curve.json")
    options = parser.parse_args()
    cells = json.loads(options.out.read_text()) if options.out.exists() else []
    for rows in map(int, options.sizes.split(",")):
        if rows not in {c["rows"] for c in cells}:
            cells.append(measure(options.table, options.target, rows, options.timeout))
            cells.sort(key=lambda c: c["rows"])
            options.out.write_text(json.dumps(cells, indent=1) + "\n")
            print(json.dumps({k: v for k, v in cells[-1].items() if k != "machine"}), flush=True)
        options.out.with_suffix(".svg").write_text(draw(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
