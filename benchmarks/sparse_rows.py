"""Networks on sparse rows beside scikit-learn's: two epochs of Adam, and the probabilities.

20,000 rows of 10,000 columns, a hundredth of them not 0, and texts of 50,000 columns; 100 hidden
units, batches of 200. Both take turns; what counts is processor time, so that a busy machine
changes little.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median

import numpy as np
from markdown_table import markdown
from perceptron import N_ROWS, texts
from scipy import sparse
from sklearn import neural_network

import multilayer

N_COLUMNS, N_ENTRIES = 10_000, 100

ARGUMENTS = {
    "hidden_layer_sizes": (100,),
    "batch_size": 200,
    "max_iter": 2,
    "random_state": 0,
}


def numbers() -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return rows of 100 numbers each, one in every hundred columns."""
    rng = np.random.default_rng(0)
    every = N_COLUMNS // N_ENTRIES
    columns = np.arange(N_ENTRIES) * every + rng.integers(0, every, (N_ROWS, N_ENTRIES))
    starts = np.arange(0, columns.size + 1, N_ENTRIES)
    values = rng.random(columns.size, dtype=np.float32)
    X = sparse.csr_matrix((values, columns.ravel(), starts), shape=(N_ROWS, N_COLUMNS))
    return X, rng.integers(0, 2, N_ROWS)


def seconds_of(X: sparse.csr_matrix, y: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Return the median processor seconds of each call, multilayer's and scikit-learn's."""
    found: dict[str, tuple[list[float], list[float]]] = {
        "fit": ([], []),
        "predict_proba": ([], []),
    }
    for _ in range(rounds):
        for place, kind in enumerate((multilayer.MLPClassifier, neural_network.MLPClassifier)):
            model, begin = kind(**ARGUMENTS), time.process_time()
            model.fit(X, y)
            fitted = time.process_time()
            model.predict_proba(X)
            found["fit"][place].append(fitted - begin)
            found["predict_proba"][place].append(time.process_time() - fitted)
    return {call: [median(own) for own in both] for call, both in found.items()}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # two epochs do not converge
    lines = []
    for name, make in (("10,000 columns, 1 %", numbers), ("text, 50,000 columns", texts)):
        for what, (ours, theirs) in seconds_of(*make(), rounds).items():
            shown = f"{1000 * ours:.0f} ms", f"{1000 * theirs:.0f} ms", f"{theirs / ours:.1f}x"
            lines.append([name, what, *shown])
    print(markdown(["rows", "call", "multilayer", "scikit-learn", "advantage"], lines))


if __name__ == "__main__":
    main()
