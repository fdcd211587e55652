"""The page of results: README.md between its two marks, and chart.svg. Everything on it comes from the cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.automl import cells
from benchmarks.automl.board import Board, by_machine_and_budget
from benchmarks.automl.chart import draw
from benchmarks.automl.plan import Table
from benchmarks.automl.scores import gain
from benchmarks.automl.systems import BY_NAME, COMPETITORS, SYSTEMS

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
OURS = ("afield", "afield-neural")


def write_page(results: Path, page: Path, tables: Sequence[Table]) -> None:
    """Put the results between the marks of the page; a chart for each machine and budget lies beside it."""
    groups = by_machine_and_budget(cells.read_all(results))
    parts = []
    for (machine, budget), found in groups.items():
        board = Board(found, [system.name for system in COMPETITORS])
        chart = page.with_name(f"chart-{machine}-{budget}s.svg")
        parts.append(_group(board, machine, budget, chart, tables))
    body = "\n\n".join([*parts, _setups(groups)]) if parts else "No cell has been run yet."
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{page}: the marks {BEGIN} and {END} must stand there once each")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
    print(f"wrote {page}")


def _group(board: Board, machine: str, budget: int, chart: Path, tables: Sequence[Table]) -> str:
    facts = next(iter(board.cells.values()))["machine"]
    head = (
        f"### {budget} s, {facts['cores']} cores of {facts['cpu']}, {facts['memory_gb']} GB, {facts['system']} "
        f"(machine {machine})"
    )
    splits = len({key[:2] for key in board.cells})
    counted = (
        f"{len(board.shared)} of {splits} splits, {len(board.tables)} tables, have a result of every system that is "
        "compared; means, ranks, wins and costs are over these alone."
    )
    if board.partial:
        counted += f" Too few cells to be compared yet: {', '.join(board.partial)}."
    parts = [head, counted]
    if board.tables:
        parts += [_standing(board, budget, chart), _duels(board), _costs(board)]
    return "\n\n".join([*parts, _scores(board, tables), _wrong(board), _provenance(board)])


def _standing(board: Board, budget: int, chart: Path) -> str:
    scales = {zero: board.mean_scaled(zero) for zero in ("linear", "median", "worst")}
    places = board.mean_ranks()
    linear, count = scales["linear"]
    rows = []
    for name in sorted(board.systems, key=places.get):
        shown = [f"{linear[name][0]:.3f} ({linear[name][1]:.3f} to {linear[name][2]:.3f})" if linear else "-"]
        shown += [f"{scales[zero][0][name][0]:.3f}" if scales[zero][0] else "-" for zero in ("median", "worst")]
        rows.append([name, *shown, f"{places[name]:.2f}"])
    note = (
        f"Normalised score: 1 is the best system of a table, straight down to 0 for the zero, and 0 below it. Zero: "
        f"the linear pipeline ({count} of {len(board.tables)} tables, where some system beats it), the median system "
        f"(as TabArena has it; {scales['median'][1]} tables), the worst system ({scales['worst'][1]}). Interval: 95 %, "
        "tables drawn with replacement. A failed fit counts as the constant answer."
    )
    picture = ""
    if linear:
        rows_ms = {name: _middle(board.costs(name)["row_ms"]) for name in board.systems}
        rows_ms = {name: value for name, value in rows_ms.items() if not math.isnan(value)}
        title = f"{len(board.tables)} tables, {budget} s, {len(board.shared)} splits"
        chart.write_text(draw(title, linear, rows_ms, board.systems), encoding="utf-8")
        picture = f"\n\n![Normalised score and time of one row]({chart.name})"
    head = ["system", "normalised, linear = 0", "median = 0", "worst = 0", "mean rank"]
    return _grid(head, rows) + "\n\n" + note + picture


def _duels(board: Board) -> str:
    rows, lost = [], []
    for ours in (name for name in OURS if name in board.systems):
        for other in board.systems:
            if other in OURS:
                continue
            duel = board.duel(ours, other)
            within = len(board.tables) - duel.better - duel.worse
            rows.append([
                ours, other, f"{duel.won} / {duel.tied} / {duel.lost}", f"{100 * duel.share:.0f} %",
                f"{duel.better} / {within} / {duel.worse}",
            ])  # fmt: skip
            lost += [f"{ours} against {other}: {', '.join(duel.clearly_worse)}"] if duel.clearly_worse else []
    if not rows:
        return "afield has no cell here yet."
    head = [
        "system",
        "against",
        "won / tied / lost",
        "wins, ties half",
        "better / within / worse than 1 standard error",
    ]
    note = (
        "Tied: equal to four digits. Standard error: of the difference, over 100 draws of the test rows, the same for "
        "both."
    )
    worse = "; ".join(lost) if lost else "none"
    return _grid(head, rows) + f"\n\n{note} Worse by more than two standard errors: {worse}."


def _costs(board: Board) -> str:
    keys = board.answered()
    if not keys:
        return "No split was answered by all systems, so costs are not compared."
    costs = {name: board.costs(name) for name in board.systems}
    rows = []
    for name in board.systems:
        of = costs[name]
        cut = f" ({_middle(of['deployed_bytes']) / 1e6:.2g} cut down)" if of["deployed_bytes"] else ""
        rows.append([
            name, f"{_middle(of['bytes']) / 1e6:.2f}{cut}", f"{_middle(of['row_ms']):.3g}",
            f"{_middle(of['load_s']):.2f}", f"{_middle(of['rows_per_s']):,.0f}",
            f"{_middle(of['fit_s']):.0f}", f"{_middle(of['fit_cpu_s']):.0f}",
            f"{_middle(of['overrun_s']):+.1f} / {max(of['overrun_s']):+.1f}",
            f"{_middle(of['pss_mb']):,.0f} / {max(of['pss_mb']):,.0f}",
            f"{max(of['rerun_difference']):.2g}" if of["rerun_difference"] else "-",
        ])  # fmt: skip
    head = ["system", "size MB", "row ms", "load s", "rows/s", "fit s", "fit CPU s", "overrun s (median / most)",
            "memory MB (median / most)", "rerun difference"]  # fmt: skip
    text = f"Costs: medians over the {len(keys)} splits that every system answered.\n\n" + _grid(head, rows)
    for ours in (name for name in OURS if name in board.systems):
        said = []
        for other in (name for name in board.systems if name not in OURS):
            row, size = (_middle(costs[other][c]) / _middle(costs[ours][c]) for c in ("row_ms", "bytes"))
            said.append(f"{other} {row:.3g} and {size:.3g}")
        text += f"\n\nHow many times the median row and the median size of {ours}: {'; '.join(said)}."
    return text


def _scores(board: Board, tables: Sequence[Table]) -> str:
    names = [s.name for s in SYSTEMS if any(key[2] == s.name for key in board.cells)]
    rows = []
    for table in tables:
        for split in sorted({key[1] for key in board.cells if key[0] == table.name}):
            found = {name: board.cells.get((table.name, split, name)) for name in names}
            one = next(cell for cell in found.values() if cell)
            rivals = [c for c in found.values() if c and c["status"] == "ok" and not BY_NAME[c["system"]].baseline]
            best = max((gain(c["score"], c["metric"]) for c in rivals), default=None)
            shown = [_score(cell, best) for cell in found.values()]
            rows.append([table.name, str(split), f"{one.get('rows', 0):,}", one["metric"], *shown])
    text = "Scores on the test rows; auc: higher is better, log_loss and rmse: lower. -: not run.\n\n"
    return text + _grid(["table", "split", "rows", "metric", *names], rows)


def _score(cell: dict | None, best: float | None) -> str:
    if cell is None or cell["status"] == "not run":
        return "-"
    if cell["status"] == "failed":
        return "failed"
    text = f"{cell['score']:.4g}"
    ranked = not BY_NAME[cell["system"]].baseline
    return f"**{text}**" if ranked and best is not None and f"{abs(best):.4g}" == f"{abs(cell['score']):.4g}" else text


def _wrong(board: Board) -> str:
    failed = [c for _, c in sorted(board.cells.items()) if c["status"] == "failed"]
    absent = {c["system"]: c["reason"] for c in board.cells.values() if c["status"] == "not run"}
    lines = [f"- {c['system']} failed on {c['table']}, split {c['split']}: {_last_line(c['reason'])}" for c in failed]
    lines += [f"- not run here: {name}: {_last_line(reason)}" for name, reason in sorted(absent.items())]
    lines += [f"- no cell at all: {s.name}" for s in COMPETITORS if not any(k[2] == s.name for k in board.cells)]
    return "Failed or not run:\n\n" + "\n".join(lines) if lines else "No fit failed, and every system was run."


def _provenance(board: Board) -> str:
    ran = [c for c in board.cells.values() if c["status"] == "ok"]
    parity = [c["facts"]["parity"] for c in ran if c["system"] in OURS and c["facts"].get("parity")]
    commits = sorted({c["commit"] for c in ran if c["system"] in OURS})
    busy = [c for c in ran if c["load_average"] > 2]
    said = [f"Run from {min(c['date'] for c in ran)[:10]} to {max(c['date'] for c in ran)[:10]}."] if ran else []
    said += [f"Commits of afield: {', '.join(commits)}."] if commits else []
    said += [f"The load when a fit began was above 2 in {len(busy)} of {len(ran)} cells."] if ran else []
    if parity:
        past = sum(p["largest"] > p["tolerance"] for p in parity)
        said.append(
            f"Parity of afield over {sum(p['rows'] for p in parity):,} rows and "
            f"{sum(p['hostile_rows'] for p in parity):,} hostile rows: largest difference "
            f"{max(p['largest'] for p in parity):.1e}, past its tolerance in {past} of {len(parity)} models, labels "
            f"different {sum(p['labels_different'] for p in parity)}."
        )
    return " ".join(said)


def _setups(groups) -> str:
    versions: dict[str, set[str]] = {}
    for found in groups.values():
        for cell in found:
            if cell.get("versions"):
                text = ", ".join(f"{name} {version}" for name, version in cell["versions"].items())
                versions.setdefault(cell["system"], set()).add(text)
    rows = [[s.name, s.setup, "; ".join(sorted(versions.get(s.name, {"-"})))] for s in SYSTEMS]
    return "### Systems\n\n" + _grid(["system", "how it was set up", "versions"], rows)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300].replace("|", "/") if lines else "no reason was given"


def _middle(values: Sequence[float]) -> float:
    return median(values) if values else math.nan


def _grid(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
