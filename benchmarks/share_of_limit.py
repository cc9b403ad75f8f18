"""How near the native engine comes to the limit of the processor: a loop of its micro-kernel.

Each case is timed over whole `fit` calls, alternating with the loop on as many threads. A step has
six operations for each weight and row: two in each of the three products, of which the first layer
has two.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median

import interrupt
from cases import CASES, Case, read_data, write_data
from contenders.multilayer import prepare
from markdown_table import markdown

from multilayer._core.environment import usable_cores
from multilayer._engine.native import library

REPEATS = 200_000  # of the micro-kernel: some tenths of a second


def limit(threads: int) -> float:
    """Operations per second of the micro-kernel on so many threads."""
    kernel: Callable[[int], float] = library.library().ml_multiply_adds
    kernel.restype, kernel.argtypes = ctypes.c_double, [ctypes.c_long]
    with ThreadPoolExecutor(threads) as pool:
        begin = time.perf_counter()
        done = sum(pool.map(kernel, [REPEATS] * threads))
        return done / (time.perf_counter() - begin)


def operations(case: Case) -> float:
    """Operations of the products of one step."""
    weights = [n * m for n, m in pairwise(case.sizes)]
    return case.batch_size * (6 * sum(weights) - 2 * weights[0])


def measure(case: Case, folder: Path, rounds: int) -> list[str]:
    """A line of the table."""
    start = prepare(case, *read_data(folder, case.data))
    start(0)(case.epochs)
    rates, limits, cpu = [], [], []
    for seed in range(rounds):
        train = start(seed)
        wall, processor = time.perf_counter(), time.process_time()
        steps = train(case.epochs)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        rates.append(steps / wall)
        cpu.append(processor / steps)
        limits.append(limit(usable_cores()))
    share = median(r * operations(case) / top for r, top in zip(rates, limits, strict=True))
    return [
        case.title,
        f"{median(rates):,.0f}",
        f"{1e6 * median(cpu):,.0f}",
        f"{median(rates) * operations(case) / 1e9:.0f}",
        f"{median(limits) / 1e9:.0f}",
        f"{share:.0%}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES])
    arguments = parser.parse_args()
    head = ["", "steps/s", "processor us/step", "GFLOP/s", "limit, all cores", "share"]
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        lines = []
        for case in CASES:
            if case.name in arguments.cases:
                print(case.title, file=sys.stderr)
                lines.append(measure(case, Path(folder), arguments.rounds))
    print(markdown(head, lines))


if __name__ == "__main__":
    interrupt.run(main)
