"""`MLPSearchCV` beside scikit-learn's `RandomizedSearchCV`: same candidates, folds and epochs.

Networks of two hidden layers on the digits that come with scikit-learn, or on a table of the user's
own. scikit-learn trains in two processes, each network on one thread.

    python benchmarks/search.py --widths 16 32 64 --n-iter 64
    python benchmarks/search.py --table table.parquet --target class --widths 128 256
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import product
from typing import Any

import machine
import numpy as np
import pandas as pd
from markdown_table import markdown
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.preprocessing import StandardScaler

from multilayer import MLPClassifier
from multilayer.search import MLPSearchCV


def main() -> None:
    """Print a table of both sides."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--n-iter", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3, help="of our side; medians are shown")
    parser.add_argument("--table", help="a Parquet file; the digits without it")
    parser.add_argument("--target", default="target")
    options = parser.parse_args()
    X, y = rows(options.table, options.target)
    warnings.simplefilter("ignore")  # of networks that have not converged
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    space = {
        "hidden_layer_sizes": list(product(options.widths, repeat=2)),
        "learning_rate_init": loguniform(1e-4, 1e-1),
        "alpha": loguniform(1e-6, 1e-1),
    }
    settings: dict[str, Any] = {
        "max_iter": options.epochs,
        "batch_size": 64,
        "random_state": 0,
    }
    lines = []
    candidates: list[dict[str, Any]] = []
    for pruner in (None, "halving"):
        seconds, best = [], 0.0
        for _ in range(options.rounds):
            search = MLPSearchCV(
                MLPClassifier(**settings),
                space,
                n_iter=options.n_iter,
                pruner=pruner,
                cv=folds,
                refit=False,
                random_state=0,
            )
            begun = time.perf_counter()
            search.fit(X, y)
            seconds.append(time.perf_counter() - begun)
            best = search.best_score_
        candidates = search.cv_results_["params"]
        lines.append([f"MLPSearchCV, pruner={pruner!r}", float(np.median(seconds)), best])
    grid = [{name: [value] for name, value in params.items()} for params in candidates]
    theirs = GridSearchCV(TheirClassifier(**settings), grid, cv=folds, n_jobs=2, refit=False)
    begun = time.perf_counter()
    theirs.fit(X, y)
    whole = time.perf_counter() - begun
    lines.append(["scikit-learn, 2 processes", whole, theirs.best_score_])
    print(machine.describe())
    print(
        markdown(
            ["search", "seconds", "best mean accuracy", "scikit-learn's time over it"],
            [[name, f"{s:.1f}", f"{b:.4f}", f"{whole / s:.1f}x"] for name, s, b in lines],
        )
    )


def rows(table: str | None, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled columns of numbers, and classes."""
    if table is None:
        X, y = load_digits(return_X_y=True)
    else:
        frame = pd.read_parquet(table)
        y = frame.pop(target).astype(str).to_numpy()
        X = frame.to_numpy(float)
    return StandardScaler().fit_transform(X).astype(np.float32), y


if __name__ == "__main__":
    main()
