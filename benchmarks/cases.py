"""What is trained: networks, data and batch sizes, the same for all contenders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

CHAPTER = (784, 300, 100, 10)
TABLE = (20, 64, 64, 3)
WIDE = (20, 256, 256, 3)
IRIS = (4, 100, 3)
ALL = (
    "multilayer",
    "multilayer_xla",
    "reference_scan",
    "torch_one_thread",
    "torch_all_threads",
    "keras_jax",
    "keras_tensorflow",
    "scikit_learn",
)


@dataclass(frozen=True)
class Case:
    """One network on one data set; ``epochs`` are trained per round, and timed together."""

    name: str
    title: str
    data: str
    sizes: tuple[int, ...]
    batch_size: int
    solver: str
    rate: float
    rows: int  # a multiple of batch_size, so that all contenders take the same steps
    epochs: int
    contenders: tuple[str, ...] = ALL

    @property
    def steps(self) -> int:
        """Optimizer steps in one epoch."""
        return self.rows // self.batch_size


SGD = ("sgd", 1e-2)
ADAM = ("adam", 1e-3)
CASES = (
    Case("mnist-50-sgd", "784-300-100-10, batch 50, SGD", "mnist", CHAPTER, 50, *SGD, 55_000, 2),
    Case("mnist-50-adam", "784-300-100-10, batch 50, Adam", "mnist", CHAPTER, 50, *ADAM, 55_000, 2),
    Case("mnist-256-sgd", "784-300-100-10, batch 256, SGD", "mnist", CHAPTER, 256, *SGD, 54_784, 2),
    Case(
        "mnist-256-adam", "784-300-100-10, batch 256, Adam", "mnist", CHAPTER, 256, *ADAM, 54_784, 2
    ),
    Case("table-50-sgd", "20-64-64-3, batch 50, SGD", "table", TABLE, 50, *SGD, 10_000, 10),
    Case("table-50-adam", "20-64-64-3, batch 50, Adam", "table", TABLE, 50, *ADAM, 10_000, 10),
    Case("wide-64-sgd", "20-256-256-3, batch 64, SGD", "table", WIDE, 64, *SGD, 9_984, 4),
    Case("wide-64-adam", "20-256-256-3, batch 64, Adam", "table", WIDE, 64, *ADAM, 9_984, 4),
    Case(
        "iris",
        "iris, 4-100-3, 200 epochs of 1 step, Adam",
        "iris",
        IRIS,
        150,
        *ADAM,
        rows=150,
        epochs=200,
        contenders=("multilayer", "multilayer_xla", "scikit_learn"),
    ),
)


def quick(case: Case) -> Case:
    """Shorten ``case`` to a few seconds: to see that all works, not to measure."""
    short = replace(case, rows=min(case.rows, 100 * case.batch_size))
    return replace(short, epochs=min(short.epochs, 200 // short.steps))


def write_data(folder: Path) -> None:
    """Write every data set as ``<name>_X.npy`` and ``<name>_y.npy`` for the workers to load.

    Through files, so that no contender's process has to import another contender.
    """
    from sklearn.datasets import load_iris, make_classification

    from multilayer.datasets import load_mnist

    mnist = load_mnist()
    table = make_classification(10_000, 20, n_informative=10, n_classes=3, random_state=0)
    for name, (X, y) in {
        "mnist": (mnist.X_train, mnist.y_train),
        "mnist_test": (mnist.X_test, mnist.y_test),
        "table": table,
        "iris": load_iris(return_X_y=True),
    }.items():
        order = np.random.default_rng(0).permutation(len(X))  # iris is sorted by class
        np.save(folder / f"{name}_X.npy", np.asarray(X, np.float32)[order])
        np.save(folder / f"{name}_y.npy", np.asarray(y, np.int64)[order])


def read_data(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read what `write_data` wrote: ``X`` (n, d) float32, ``y`` (n,) int64."""
    return np.load(folder / f"{name}_X.npy"), np.load(folder / f"{name}_y.npy")
