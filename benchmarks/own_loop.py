"""The chapter's loop written by hand, one Python call per batch, here and in PyTorch."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import interrupt
import machine
from cases import CASES, Case, quick, write_data
from markdown_table import markdown
from pool import workers
from speed import Seconds, rounds

OURS = "own_loop"
TITLES = {
    OURS: "multilayer.nn",
    "torch_own_loop_one_thread": "PyTorch eager, 1 thread",
    "torch_own_loop_all_threads": "PyTorch eager, all cores",
}


def loops(case: Case) -> Case:
    """Let the hand-written loops train one epoch of a case per round."""
    return replace(case, epochs=1, contenders=tuple(TITLES))


def report(case: Case, seconds: Seconds) -> list[str]:
    """Median steps per second of each, and the advantage over the faster PyTorch by rounds."""
    speeds = [f"{case.steps * case.epochs / median(seconds[name]):,.0f}" for name in TITLES]
    theirs = min((seconds[name] for name in TITLES if name != OURS), key=median)
    ratio = median(other / own for other, own in zip(theirs, seconds[OURS], strict=True))
    return [case.title, *speeds, f"{ratio:.2f}x"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 steps a round")
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds (default 9)")
    parser.add_argument("--cases", nargs="+", default=["mnist-50-sgd"])
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    machine.warn_if_busy()
    cases = [loops(case) for case in CASES if case.name in arguments.cases]
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        with workers(list(TITLES), Path(folder)) as pool:
            body = []
            for case in map(quick, cases) if arguments.quick else cases:
                print(f"own loop: {case.title}", file=sys.stderr, flush=True)
                body.append(report(case, rounds(case, pool, arguments.rounds)))
    print(machine.describe(), end="\n\n")
    print(markdown(["", *TITLES.values(), "advantage over the faster"], body))


if __name__ == "__main__":
    interrupt.run(main)
