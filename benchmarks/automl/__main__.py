"""afield against AutoML systems: the same splits, machine, cores and time, one after another.

python -m benchmarks.automl install all          # each system in its own environment
python -m benchmarks.automl run --tier 1         # goes on where it stopped
python -m benchmarks.automl page                 # results as README.md and chart.svg
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.automl import cells, install
from benchmarks.automl.plan import HERE, cells_of, read_plans, read_tables, seconds_of
from benchmarks.automl.systems import BY_NAME, SYSTEMS

DATA = HERE.parent.parent.parent / "shared" / "data" / "tabular"


def _install(options: argparse.Namespace) -> int:
    wrong = 0
    for env in install.NAMES if options.env == "all" else [options.env]:
        try:
            facts = install.install(env, options.index)
        except install.CannotInstall as error:
            print(f"{env}: not installed: {error}", file=sys.stderr)
            wrong = 1
            continue
        print(f"{env}: {len(facts['versions'])} packages, {facts['bytes'] / 1e9:.2f} GB", flush=True)
    return wrong


def _wanted(options: argparse.Namespace):
    tables = read_tables(options.tables)
    names = {table.name for table in tables}
    if unknown := set(options.table) - names:
        raise SystemExit(f"no table is called {', '.join(sorted(unknown))}; there are: {', '.join(sorted(names))}")
    plans = read_plans(options.tier, options.tables)
    if options.seed:
        plans = [plan | {"splits": options.seed} for plan in plans]
    if options.budget:
        plans = [plan | {"budget_s": options.budget} for plan in plans if not plan.get("long")]
    chosen = [table for table in tables if not options.table or table.name in options.table]
    if options.table:  # named tables are run whatever their tier
        chosen = [replace(table, tier=1) for table in chosen]
    systems = [BY_NAME[name] for name in options.peer] if options.peer else SYSTEMS
    return cells_of(chosen, plans, systems), {table.name: table for table in tables}


def _run(options: argparse.Namespace) -> int:
    from benchmarks.automl.run import Setting, must_run, run

    wanted, tables = _wanted(options)
    setting = Setting(
        data=options.data,
        results=options.results,
        cores=options.cores,
        rerun=options.rerun,
        again=options.again,
        stale=options.stale,
        keep=options.keep,
    )
    if options.dry:
        left = [cell for cell in wanted if must_run(cell, setting)]
        print(f"{len(left)} of {len(wanted)} cells, about {sum(seconds_of(c, {}) for c in left) / 3600:.1f} h")
        for env in dict.fromkeys(BY_NAME[cell.system].env for cell in left):
            print(f"  {env}: {install.why_not(env) or 'installed'}")
        return 0
    run(wanted, tables, setting)
    return 0


def _page(options: argparse.Namespace) -> int:
    from benchmarks.automl.page import write_page

    write_page(options.results, options.page, read_tables(options.tables))
    return 0


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.automl", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("install", help="make the environment of a system, or all of them, anew")
    one.add_argument("env", choices=[*install.NAMES, "all"])
    one.add_argument("--index", default="", help="a further package index, such as one with CPU builds of torch")
    one.set_defaults(call=_install)

    one = commands.add_parser("run", help="run the cells of a tier that are not done")
    one.add_argument("--tier", type=int, choices=(1, 2), default=1)
    one.add_argument("--table", action="append", default=[], help="only this table; may be given again")
    one.add_argument(
        "--peer", action="append", default=[], choices=list(BY_NAME), help="only this system; may be given again"
    )
    one.add_argument("--seed", action="append", type=int, default=[], help="only this split; may be given again")
    one.add_argument("--budget", type=int, default=0, help="seconds of a fit, in place of the tier's")
    one.add_argument("--cores", type=int, default=2)
    one.add_argument("--data", type=Path, default=DATA, help="the folder that the paths of tables.toml start from")
    one.add_argument("--rerun", action="store_true", help="fit twice with one seed and keep the largest difference")
    one.add_argument("--again", action="store_true", help="run cells that are done, too")
    one.add_argument("--stale", action="store_true", help="run cells of afield again that another commit made")
    one.add_argument("--keep", action="store_true", help="leave the models of each cell in .work")
    one.add_argument("--dry", action="store_true", help="say what would be run and how long it takes")
    one.set_defaults(call=_run)

    page = commands.add_parser("page", help="write the results into README.md and chart.svg")
    page.add_argument("--page", type=Path, default=HERE / "README.md")
    page.set_defaults(call=_page)
    for command in (one, page):
        command.add_argument("--tables", type=Path, default=HERE / "tables.toml")
        command.add_argument("--results", type=Path, default=cells.RESULTS)
    options = parser.parse_args()
    return options.call(options)


if __name__ == "__main__":
    sys.exit(main())
