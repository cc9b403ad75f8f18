"""What a checkpoint after each epoch costs: fits with and without, in turn, on MNIST."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import interrupt
import machine
import numpy as np
from markdown_table import markdown

BAR = 1.05  # most that fit() may take, as a multiple of its time without checkpoints


class Round(NamedTuple):
    """Seconds of fit() in one round, and bytes of the checkpoints that stay."""

    without: float
    kept: float
    again: float  # of a fit that was finished
    files: list[int]

    @property
    def ratio(self) -> float:
        return self.kept / self.without


def fit(arguments: dict[str, Any], X: Any, y: Any, folder: str | None) -> tuple[float, Any]:
    """Seconds of one fit, and what it learnt."""
    from multilayer import Checkpoint, MLPClassifier

    kept = None if folder is None else Checkpoint(folder)
    clf = MLPClassifier(**arguments, random_state=0, checkpoint=kept)
    begin = time.perf_counter()
    clf.fit(X, y)
    return time.perf_counter() - begin, clf.coefs_


def one_round(arguments: dict[str, Any], X: Any, y: Any, *, kept_first: bool) -> Round:
    """Fit with and without checkpoints, in an order that changes from round to round."""
    seconds, coefs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for kept in (kept_first, not kept_first):
            seconds[kept], coefs[kept] = fit(arguments, X, y, folder if kept else None)
        again, _ = fit(arguments, X, y, folder)
        files = [path.stat().st_size for path in Path(folder).rglob("*.safetensors")]
    if not all(map(np.array_equal, coefs[True], coefs[False])):
        raise RuntimeError("a checkpoint changed what was learnt")
    return Round(seconds[False], seconds[True], again, files)


def report(title: str, found: list[Round]) -> float:
    """Print the rounds; return the median of their ratios."""
    body = [
        [str(i + 1), *(f"{t:.2f}" for t in (r.without, r.kept, r.again)), f"{r.ratio:.3f}"]
        for i, r in enumerate(found)
    ]
    ratio, files = median(r.ratio for r in found), found[-1].files
    print(f"\n{title}\n")
    print(markdown(["round", "without, s", "with, s", "again, s", "ratio"], body))
    print(
        f"\nMedian ratio {ratio:.3f}, asked for is at most {BAR}. "
        f"On the disk: {len(files)} files, the largest of {max(files) / 1e6:.2f} MB."
    )
    return ratio


def compare(recipe: str, pixels: str, n_rounds: int) -> float:
    """Measure a recipe on the training images."""
    from multilayer._cli.settings import recipe_arguments
    from multilayer.datasets import load_mnist

    data = load_mnist(scale=pixels == "float32")
    X, y = data.X_train, data.y_train
    arguments = recipe_arguments(recipe, len(X), {})
    if pixels == "uint8":  # as the command line has them
        arguments["input_scale"] = 1 / 255
    fit({**arguments, "max_iter": 1}, X, y, None)  # imports and compiles
    found = [one_round(arguments, X, y, kept_first=bool(i % 2)) for i in range(n_rounds)]
    title = f"{recipe}: {arguments['max_iter']} epochs of {len(X):,} images of {pixels}"
    return report(title, found)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recipes", nargs="+", default=["fast"])
    parser.add_argument("--pixels", nargs="+", default=["uint8", "float32"])
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    machine.warn_if_busy()
    warnings.simplefilter("ignore")
    print(machine.describe())
    ratios = [
        compare(recipe, pixels, arguments.rounds)
        for recipe in arguments.recipes
        for pixels in arguments.pixels
    ]
    if max(ratios) > BAR:
        sys.exit(f"a checkpoint after each epoch costs more than {BAR}")


if __name__ == "__main__":
    interrupt.run(main)
