"""The Markdown page of the table benchmark: scores, differences with their standard errors, verdicts, costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from paired import HEADLINE, HIGHER, Tested, difference

PEERS = ("linear", "lightgbm")
SYSTEMS = ("afield", *PEERS)
Cells = dict[tuple[str, int, str], dict]


def write_page(cells: Cells, tables: list[str], answers: Path, page: Path) -> None:
    """Write the page, and the differences behind it as JSON lines beside it."""
    tables = [t for t in tables if any(key[0] == t for key in cells)]
    found = [line for table in tables for line in _differences(cells, table, answers)]
    with page.with_name(f"{page.stem}-differences.jsonl").open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(line) + "\n" for line in found)
    parts = [_head(cells, tables, found), _scores(cells, tables, found), _log_loss(found), _costs(cells, tables)]
    page.write_text("\n\n".join(filter(None, [*parts, _failures(cells), _machines(cells)])) + "\n", encoding="utf-8")
    print(f"wrote {page}")


def _tested(cells: Cells, answers: Path, table: str, seed: int, system: str) -> Tested | None:
    cell, path = cells.get((table, seed, system), {}), answers / f"{table}-{seed}-{system}.npz"
    if "score" not in cell or not path.exists():
        return None
    with np.load(path) as kept:
        return Tested(cell["task"], kept["units"], kept["truth"], kept["answers"])


def _differences(cells: Cells, table: str, answers: Path):
    """Yield afield minus each peer: for each split, and over all splits that both answered (seed None)."""
    seeds = sorted({key[1] for key in cells if key[0] == table})
    for peer in PEERS:
        pairs = {s: tuple(_tested(cells, answers, table, s, system) for system in ("afield", peer)) for s in seeds}
        pairs = {s: pair for s, pair in pairs.items() if None not in pair}
        if not pairs:
            continue
        task = next(iter(pairs.values()))[0].task
        for metric in dict.fromkeys((HEADLINE[task], "rmse" if task == "regression" else "log_loss")):
            for seed in (*pairs, None):
                chosen = list(pairs.values()) if seed is None else [pairs[seed]]
                result = difference([a for a, _ in chosen], [b for _, b in chosen], metric)
                yield {
                    "table": table, "peer": peer, "metric": metric, "headline": metric == HEADLINE[task], "seed": seed,
                    "splits": len(chosen), "difference": result.value, "error": result.error, "worse": result.worse,
                }  # fmt: skip


def _pooled(found: list[dict], headline: bool = True) -> dict[tuple[str, str], dict]:
    return {
        (d["table"], d["peer"]): d
        for d in found
        if d["seed"] is None and (d["headline"] if headline else d["metric"] == "log_loss" and not d["headline"])
    }


def _means(cells: Cells, table: str) -> dict[str, float]:
    """Return the mean score of each system that answered every split of the table."""
    means = {}
    for system in SYSTEMS:
        runs = [c for key, c in cells.items() if (key[0], key[2]) == (table, system)]
        if runs and all("score" in c for c in runs):
            means[system] = float(np.mean([c["score"] for c in runs]))
    return means


def normalised(cells: Cells, tables: list[str]) -> dict[str, float]:
    """Return the mean over tables of each score: 1 for the best of a table, 0 for the worst or a failed one."""
    scaled: dict[str, list[float]] = {system: [] for system in SYSTEMS}
    for table in tables:
        means = _means(cells, table)
        if len(means) < 2:
            continue
        metric = next(c["metric"] for key, c in cells.items() if key[0] == table and "metric" in c)
        values = {s: v if metric in HIGHER else -v for s, v in means.items()}
        low, high = min(values.values()), max(values.values())
        for system in SYSTEMS:
            value = values.get(system, low)
            scaled[system].append((value - low) / (high - low) if high > low else float(system in values))
    return {system: float(np.mean(values)) for system, values in scaled.items() if values}


def _head(cells: Cells, tables: list[str], found: list[dict]) -> str:
    worse = [d for d in _pooled(found).values() if d["worse"]]
    mean = normalised(cells, tables)
    afield = [c for key, c in cells.items() if key[2] == "afield"]
    over = [c for c in afield if c.get("overrun_s", 0) > max(5, 0.1 * c["seconds"])]
    parity = [c["parity"] for c in afield if c.get("parity")]
    lines = [
        "# afield, a linear pipeline and default LightGBM on real tables",
        f"{len(tables)} tables, {len({(k[0], k[1]) for k in cells})} splits; afield with "
        f"{sorted({c['seconds'] for c in afield})} s. A difference is positive where afield is better; its standard "
        "error comes from a paired bootstrap over test rows (groups where there are groups), a row drawn once for all "
        "splits that test it.",
        "Mean normalised score: " + ", ".join(f"{s} **{v:.3f}**" for s, v in mean.items()) + ".",
        f"Worse by more than 2 standard errors, splits pooled: **{len(worse)}** of {len(_pooled(found))}"
        + "".join(f"; {d['table']} against {d['peer']}" for d in worse) + ".",
        f"Failed: **{sum('failed' in c for c in afield)}** of {len(afield)} fits. Overrun past 10 % or 5 s: "
        f"**{len(over)}**" + "".join(f"; {c['table']} {c['overrun_s']:.1f} s" for c in over) + ". Largest memory "
        f"**{max((c.get('pss_mb') or c.get('rss_mb', 0) for c in afield), default=0) / 1024:.2f} GB**.",
        f"Parity over {sum(p['rows'] for p in parity):,} training rows and {sum(p['hostile_rows'] for p in parity):,} "
        f"hostile rows: largest difference {max((p['largest'] for p in parity), default=0):.1e}, labels different "
        f"{sum(p['labels_different'] for p in parity)}, near ties {sum(p['near_ties'] for p in parity)}, "
        f"files past their tolerance {sum(p['largest'] > p['tolerance'] for p in parity)}.",
    ]  # fmt: skip
    return "\n\n".join(lines)


def _scores(cells: Cells, tables: list[str], found: list[dict]) -> str:
    pooled, rows = _pooled(found), []
    for table in tables:
        means = _means(cells, table)
        one = next(c for key, c in cells.items() if key[0] == table)
        shown = [f"{means[s]:.4f}" if s in means else "failed" for s in SYSTEMS]
        against = [_shown(pooled.get((table, peer))) for peer in PEERS]
        verdict = [pooled[table, p]["worse"] for p in PEERS if (table, p) in pooled]
        verdict = "not run" if len(verdict) < 2 else "**worse**" if any(verdict) else "ok"
        rows.append([table, HEADLINE[one["task"]], f"{one['train_rows']:,}", *shown, *against, verdict])
    head = ["table", "metric", "rows", *SYSTEMS, *(f"against {p}" for p in PEERS), "verdict"]
    return "## Scores\n\nMean over the splits; AUC: higher is better, log loss and RMSE: lower.\n\n" + _grid(head, rows)


def _shown(d: dict | None) -> str:
    return "" if d is None else f"{d['difference']:+.4g} ± {d['error']:.2g}"


def _log_loss(found: list[dict]) -> str:
    pooled = _pooled(found, headline=False)
    tables = dict.fromkeys(t for t, _ in pooled)
    rows = [
        [
            t,
            *(
                _shown(pooled.get((t, p))) + (" **worse**" if pooled.get((t, p), {}).get("worse") else "")
                for p in PEERS
            ),
        ]
        for t in tables
    ]
    return (
        "## Log loss of the binary tables\n\n" + _grid(["table", *(f"against {p}" for p in PEERS)], rows)
        if rows
        else ""
    )


def _costs(cells: Cells, tables: list[str]) -> str:
    rows = []
    for table in tables:
        runs = [c for key, c in cells.items() if key[0] == table and key[2] == "afield" and "score" in c]
        if not runs:
            continue
        parity = [c["parity"] for c in runs if c["parity"]]
        rows.append([
            table,
            f"{max(c['wall_s'] for c in runs):.1f}",
            f"{max(c['overrun_s'] for c in runs):+.1f}",
            f"{max(c['pss_mb'] for c in runs):,} / {max(c['rss_mb'] for c in runs):,}",
            f"{max(c['bytes'] for c in runs) / 1e6:.2f}",
            f"{np.median([c['row_ms'] for c in runs]):.3f}",
            "; ".join(" ".join(f"{n} {s}" for s, n in c["trials"].items()) for c in runs),
            f"{sum(p['rows'] for p in parity):,} + {sum(p['hostile_rows'] for p in parity):,}",
            f"{max((p['largest'] for p in parity), default=0):.1e}",
            f"{sum(p['labels_different'] for p in parity)} / {sum(p['near_ties'] for p in parity)}",
            f"{sum(c['card_score']['how'] == 'outer_splits' for c in runs)} of {len(runs)}",
        ])  # fmt: skip
    head = ["table", "wall s", "overrun s", "memory MB (shared once / summed)", "file MB", "row ms", "trials",
            "parity rows (training + hostile)", "largest", "labels different / near ties",
            "scores from outer splits"]  # fmt: skip
    return "## What afield took\n\nThe worst of the splits; the row's time is their median.\n\n" + _grid(head, rows)


def _failures(cells: Cells) -> str:
    failed = [c for c in cells.values() if "failed" in c]
    stated = sorted({f"{c['table']} ({c['task_inferred']})" for c in cells.values() if c.get("task_inferred")})
    notes = sorted({f"{c['table']}, {c['system']}: {c['note']}" for c in cells.values() if c.get("note")})
    lines = [f"- {c['table']} seed {c['seed']} {c['system']}: {' '.join(c['failed'].split())[:300]}" for c in failed]
    lines += [f"- --task stated, since another one was inferred: {', '.join(stated)}"] if stated else []
    return "## Failures and notes\n\n" + "\n".join([*lines, *(f"- {n}" for n in notes)]) if lines or notes else ""


def _machines(cells: Cells) -> str:
    texts = sorted({", ".join(f"{k} {v}" for k, v in c["machine"].items()) for c in cells.values()})
    return "## Machine\n\n" + "\n".join(f"- {t}" for t in texts)


def _grid(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
