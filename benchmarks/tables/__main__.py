"""``python -m benchmarks.tables``: measure what is missing, then write report and picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import interrupt, machine

from . import results
from .contenders import TITLES
from .data import all_tables
from .driver import ROOT, Plan, run
from .picture import draw
from .report import compose


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    add = parser.add_argument
    add("--tables", type=Path, metavar="FOLDER", help="tables.json and Parquet files")
    add("--only", nargs="+", metavar="NAME", help="some of the tables (default: all)")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the splits (default 0 1 2)")
    add("--contenders", nargs="+", choices=TITLES, default=list(TITLES))
    add("--out", type=Path, default=ROOT / "build" / "bench-tables", help="folder of the results")
    add("--threads", type=int, default=2, help="for each contender (default 2)")
    add("--max-rows", type=int, default=10_000, help="to train on (default 10,000)")
    add("--limit", type=float, default=3600.0, help="seconds for one measurement (default 3,600)")
    add("--report-only", action="store_true", help="measure nothing; report what is there")
    return parser.parse_args()


def write_report(out: Path, contenders: list[str]) -> Path:
    """Write ``report.md`` and ``tables.png`` from the results alone."""
    file = out / "results.jsonl"
    found = [r for r in results.read(file) if r.contender in contenders]
    if not found:
        raise SystemExit(f"{file} has no results of {', '.join(contenders)}")
    draw(found, out / "tables.png")
    report = out / "report.md"
    report.write_text(compose(found, "tables.png"), encoding="utf-8")
    return report


def main() -> None:
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not arguments.report_only:
        tables = all_tables(arguments.tables)
        names = arguments.only or list(tables)
        if unknown := [name for name in names if name not in tables]:
            raise SystemExit(f"--only must name tables of {list(tables)}, got {unknown}")
        machine.warn_if_busy()
        plan = Plan(
            tables=[tables[name] for name in names],
            folder=arguments.tables,
            seeds=arguments.seeds,
            contenders=arguments.contenders,
            threads=arguments.threads,
            max_rows=arguments.max_rows,
            limit=arguments.limit,
        )
        run(plan, arguments.out / "results.jsonl")
    print(write_report(arguments.out, arguments.contenders))


if __name__ == "__main__":
    interrupt.run(main)
