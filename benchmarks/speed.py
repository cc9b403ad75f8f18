"""Training speed: every contender trains the same cases, in turn, several rounds over."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

import interrupt
from cases import ALL, CASES, Case, quick, write_data
from contenders import TITLES
from markdown_table import markdown
from pool import Worker, workers

Seconds = dict[str, list[float]]


def rounds(case: Case, pool: dict[str, Worker], n_rounds: int) -> Seconds:
    """Seconds of each contender in each round; the first round, which compiles, is dropped.

    In turn, and each round from another start, so that a busy or throttled minute hits all alike.
    """
    names = [name for name in case.contenders if name in pool]
    seconds: Seconds = {name: [] for name in names}
    for seed in range(n_rounds + 1):
        shift = seed % len(names)
        for name in names[shift:] + names[:shift]:
            if name not in seconds:
                continue
            try:
                answer = pool[name].ask(case, seed)
            except RuntimeError as error:
                print(f"left out of {case.name}: {error}", file=sys.stderr)
                del seconds[name]
                continue
            if answer["steps"] != case.epochs * case.steps:
                raise ValueError(f"{name} took {answer['steps']} steps in {case.name}")
            if seed > 0:
                seconds[name].append(answer["seconds"])
    return seconds


def measure(cases: list[Case], contenders: list[str], n_rounds: int) -> dict[str, Seconds]:
    """Measure every case, by its name."""
    results: dict[str, Seconds] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        with workers(contenders, Path(folder)) as pool:
            for case in cases:
                print(f"speed: {case.title}", file=sys.stderr, flush=True)
                results[case.name] = rounds(case, pool, n_rounds)
    return results


def cell(case: Case, name: str, seconds: Seconds) -> str:
    """Median steps per second, and the median over rounds of multilayer's advantage."""
    if name not in seconds:
        return "–"
    speed = f"{case.epochs * case.steps / median(seconds[name]):,.0f}"
    ours = seconds.get("multilayer")
    if name == "multilayer" or not ours:
        return speed
    ratio = median(theirs / own for theirs, own in zip(seconds[name], ours, strict=True))
    return f"{speed} ({ratio:.2f}x)"


def report(cases: list[Case], results: dict[str, Seconds]) -> str:
    """A Markdown table: a row per case, a column per contender."""
    names = [name for name in ALL if any(name in seconds for seconds in results.values())]
    body = [
        [case.title, *(cell(case, name, results[case.name]) for name in names)] for case in cases
    ]
    return markdown(["", *(TITLES[name] for name in names)], body)


def parse() -> argparse.Namespace:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try-out, not a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--contenders", nargs="+", choices=ALL, default=list(ALL))
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    cases = [case for case in CASES if case.name in arguments.cases]
    if arguments.quick:
        cases = [quick(case) for case in cases]
    n_rounds = min(arguments.rounds, 2) if arguments.quick else arguments.rounds
    print(report(cases, measure(cases, arguments.contenders, n_rounds)))


if __name__ == "__main__":
    interrupt.run(main)
