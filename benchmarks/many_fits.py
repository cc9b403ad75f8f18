"""Thousands of small networks in one process: memory maps and resident memory must not grow.

A program per fitted model would end in a crash: each takes about 25 of the 65,530 memory maps that
Linux allows a process. Here each shape compiles once, and every later fit finds its program.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import interrupt
import numpy as np
from markdown_table import markdown

MOST_MAPS = 500  # lines of /proc/self/maps
MOST_MEGABYTES = 100.0  # resident
EPOCHS = 5


@dataclass(frozen=True)
class Shape:
    """One shape of network and data."""

    hidden: tuple[int, ...]
    n_features: int
    n_classes: int
    n_rows: int

    def draw(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw clusters, one per class: X (n_rows, n_features), y (n_rows,)."""
        rng = np.random.default_rng(seed)
        y = np.arange(self.n_rows) % self.n_classes  # every class is there
        centres = 3.0 * rng.normal(size=(self.n_classes, self.n_features))
        return centres[y] + rng.normal(size=(self.n_rows, self.n_features)), y


HIDDEN = ((8,), (16,), (32,), (16, 8), (24, 24))
FEATURES = (3, 5, 11, 20)
CLASSES = (2, 3, 4, 6, 10)
ROWS = (40, 75, 150, 300, 450, 900)
SHAPES = [
    Shape(hidden, n_features, CLASSES[i % len(CLASSES)], ROWS[i % len(ROWS)])
    for i, (hidden, n_features) in enumerate(product(HIDDEN, FEATURES))
]


@dataclass(frozen=True)
class Use:
    """What the process uses."""

    maps: int
    megabytes: float  # resident
    programs: int  # compiled so far

    def since(self, before: Use) -> Use:
        """Return what came on top."""
        return Use(
            self.maps - before.maps,
            self.megabytes - before.megabytes,
            self.programs - before.programs,
        )


def now() -> Use:
    """Read what the process uses."""
    from multilayer._engine.xla.cache import PROGRAMS

    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").count("\n")
    return Use(maps, int(resident.split()[1]) / 1024, PROGRAMS.n_compiled)


def fit_and_predict(number: int) -> float:
    """Fit a new network of the shape whose turn it is; return its accuracy on its own rows."""
    from multilayer import MLPClassifier

    shape = SHAPES[number % len(SHAPES)]
    X, y = shape.draw(number)
    clf = MLPClassifier(
        shape.hidden,
        learning_rate_init=10.0 ** -(1 + number % 3),
        max_iter=EPOCHS,
        random_state=number,
    ).fit(X, y)
    return float(np.mean(clf.predict(X) == y))


def many(n_fits: int, every: int) -> tuple[Use, float]:
    """Fit again and again; return what the process uses more than after one fit of each shape."""
    begin = time.perf_counter()
    for number in range(len(SHAPES)):
        fit_and_predict(number)
    before = now()
    print(f"{len(SHAPES)} shapes once: {time.perf_counter() - begin:.1f} s, {before}", flush=True)

    begin = last = time.perf_counter()
    numbers = iter(range(len(SHAPES), len(SHAPES) + n_fits))
    header = [
        "fits",
        "more maps",
        "more MB resident",
        "programs compiled",
        "mean accuracy",
        "fits/s",
    ]
    print(markdown(header, []))
    for done in range(every, n_fits + 1, every):
        scores = [fit_and_predict(number) for number in islice(numbers, every)]
        more, clock = now().since(before), time.perf_counter()
        cells = [f"{more.maps}", f"{more.megabytes:.1f}", f"{more.programs}"]
        cells += [f"{np.mean(scores):.3f}", f"{every / (clock - last):.0f}"]
        print("| " + " | ".join([f"{done}", *cells]) + " |", flush=True)
        last = clock
    return now().since(before), time.perf_counter() - begin


def leave_one_out() -> tuple[float, int, float]:
    """Leave-one-out cross-validation on iris: accuracy, number of fits, seconds."""
    from sklearn.datasets import load_iris
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from multilayer import MLPClassifier

    X, y = load_iris(return_X_y=True)
    network = MLPClassifier((16,), learning_rate_init=0.02, max_iter=100, random_state=0)
    begin = time.perf_counter()
    scores = cross_val_score(make_pipeline(StandardScaler(), network), X, y, cv=LeaveOneOut())
    return float(np.mean(scores)), len(scores), time.perf_counter() - begin


def verdict(met: bool, text: str) -> str:
    return f"{'met   ' if met else 'MISSED'} {text}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="400 fits")
    parser.add_argument("--fits", type=int, default=10_000, help="fits (default 10,000)")
    return parser.parse_args()


def main() -> None:
    if not Path("/proc/self/maps").exists():
        sys.exit("many_fits.py reads /proc/self, which only Linux has.")
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)  # a few epochs are enough here
    arguments = parse()
    n_fits = 400 if arguments.quick else arguments.fits
    every = max(1, min(1000, n_fits // 4))
    n_fits -= n_fits % every
    more, seconds = many(n_fits, every)
    print(f"\n{n_fits} fits in {seconds:.0f} s: {n_fits / seconds:.0f} fits/s\n")
    print(verdict(more.maps < MOST_MAPS, f"{more.maps} more memory maps, bar {MOST_MAPS}"))
    text = f"{more.megabytes:.1f} MB more resident, bar {MOST_MEGABYTES:.0f}"
    print(verdict(more.megabytes < MOST_MEGABYTES, text))
    print(verdict(more.programs == 0, f"{more.programs} more programs, bar 0"))
    accuracy, n_rows, seconds = leave_one_out()
    print(f"leave-one-out on iris: accuracy {accuracy:.4f}, {n_rows} fits in {seconds:.1f} s")


if __name__ == "__main__":
    interrupt.run(main)
