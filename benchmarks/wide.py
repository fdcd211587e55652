"""Show that a large mixed table (100,000 rows, 50 columns) becomes a model within its time and within 8 GB.

    python benchmarks/wide.py

The exit code is 1 where the fit fails, takes more memory, or ends more than 5 s (or 10 %) late.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from machine import AFIELD, RESULTS, fingerprint, watch
from synthetic import mixed_table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--most-gb", type=float, default=8.0)
    parser.add_argument("--results", type=Path, default=RESULTS / "wide.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afield-bench-") as name:
        folder = Path(name)
        mixed_table(options.rows, options.columns, rich=True).to_csv(folder / "wide.csv", index=False)
        command = [*AFIELD, "fit", "wide.csv", "--target", "y", "--minutes", options.seconds / 60]
        command += ["--out", "m.onnx", "--json"]
        run = watch(command, home=folder / "home", cwd=folder, timeout_s=3 * options.seconds + 300)
        result = next((e for e in run.events if e["event"] == "result"), None)
    if result is None:
        print(f"FAILED: exit code {run.exit_code}\n{run.out[-1000:]}\n{run.err[-3000:]}")
        return 1
    card = result["card"]
    figures = {
        "rows": options.rows,
        "columns": options.columns,
        "seconds": options.seconds,
        "wall_s": round(run.wall_s, 1),
        "overrun_s": round(run.wall_s - options.seconds, 1),
        "memory_gb": round((run.pss_mb or run.rss_mb) / 1024, 2),
        "memory_gb_summed": round(run.rss_mb / 1024, 2),
        "file_mb": round(result["bytes"] / 1e6, 2),
        "score": {key: card["score"][key] for key in ("metric", "value", "how", "rows")},
        "members": [m["recipe"] for m in card["members"]],
        "parity": card["parity"],
    }
    late = figures["overrun_s"] > max(5.0, 0.1 * options.seconds)
    large = figures["memory_gb"] > options.most_gb
    print(
        json.dumps(figures, indent=1)
        + ("\nSHORT FALL: late" if late else "")
        + ("\nSHORT FALL: memory" if large else "")
    )
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(figures | {"machine": fingerprint()}, indent=1) + "\n", encoding="utf-8")
    return int(late or large)


if __name__ == "__main__":
    sys.exit(main())
