"""Run all comparisons and write them to ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
from pathlib import Path

import cold_start
import interrupt
import machine
import speed
import time_to_accuracy
from cases import ALL, CASES, quick

OUTPUT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PAGE = """# Benchmarks

Written by `make bench`; [how it is measured](../benchmarks/README.md). Run it on your own machine:
ratios move with the processor.

{machine}
{caution}
## Training speed

Optimizer steps per second (more is better), median of {rounds} rounds. In brackets: how many times
as fast multilayer was, side by side in the same rounds. multilayer and scikit-learn are timed over
whole `fit` calls, the others over the training loop alone; compilation is not counted.

{speed}

## Time to accuracy

Seconds from the start of a process, imports and compilation included, to {target:.2%} of MNIST's
test images with the network 784-300-100-10; median of {repeats} processes. The others stop as soon
as an epoch's end shows the target; multilayer never looks at the test images before its end.

{accuracy}

## Cold start

Seconds, median of {starts} fresh processes. Imports and `--help` are whole processes; the fits are
`MLPClassifier().fit` alone, twice in one process, compilation included.

{cold}
"""
APART = "\n## Measured apart\n"  # and written by hand: kept when the page is written anew
CAUTION = "\n**A quick try-out: these are not measurements.**\n"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes, only to see it work")
    parser.add_argument(
        "--output",
        type=Path,
        help="where to write the page (default: docs/benchmarks.md; with --quick: nowhere)",
    )
    return parser.parse_args()


def page(is_quick: bool) -> str:
    """Measure everything and return the page."""
    rounds, repeats, starts = (2, 1, 1) if is_quick else (5, 3, 5)
    limit = 120.0
    where = machine.describe()  # before the load is our own
    cases = [quick(case) for case in CASES] if is_quick else list(CASES)
    return PAGE.format(
        machine=where,
        caution=CAUTION if is_quick else "",
        rounds=rounds,
        repeats=repeats,
        starts=starts,
        target=time_to_accuracy.TARGET,
        cold=cold_start.report(cold_start.measure(starts)),
        speed=speed.report(cases, speed.measure(cases, list(ALL), rounds)),
        accuracy=time_to_accuracy.report(
            time_to_accuracy.measure(list(time_to_accuracy.RECIPES), repeats, limit), limit
        ),
    )


def main() -> None:
    arguments = parse()
    machine.warn_if_busy()
    text = page(arguments.quick)
    print(text)
    output = arguments.output or (None if arguments.quick else OUTPUT)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        before = output.read_text() if output.exists() else ""
        output.write_text(text + "".join(before.partition(APART)[1:]))


if __name__ == "__main__":
    interrupt.run(main)
