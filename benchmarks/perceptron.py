"""The perceptron beside scikit-learn's: the same passes over dense rows and over rows of text.

Both make five passes over 20,000 rows of ten classes, one unit for each class, and end with the
same weights, which is checked. They take turns; what counts is the processor time of ``fit``, so
that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import time
import warnings
from statistics import median

import numpy as np
from markdown_table import markdown
from scipy import sparse
from sklearn import linear_model
from sklearn.feature_extraction.text import TfidfTransformer

import multilayer

N_ROWS, N_CLASSES = 20_000, 10
N_FEATURES, N_WORDS, WORDS_OF_A_TEXT, OWN_WORDS = 100, 50_000, 100, 3000

PENALTIES = (None, "l2", "l1", "elasticnet")


def dense() -> tuple[np.ndarray, np.ndarray]:
    """Return blobs in 100 columns."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    centers = 0.9 * rng.normal(size=(N_CLASSES, N_FEATURES))
    return rng.normal(size=(N_ROWS, N_FEATURES)) + centers[y], y


def texts() -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return texts of 100 words by Zipf's law, a tenth of them from words of the class, tf-idf."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, N_ROWS)
    size = N_ROWS, WORDS_OF_A_TEXT
    shares = np.cumsum(1 / np.arange(1, N_WORDS + 1))
    words = np.searchsorted(shares / shares[-1], rng.random(size))
    own = 100 + y[:, None] * OWN_WORDS + rng.integers(0, OWN_WORDS, size)
    words = np.where(rng.random(size) < 0.1, own, words)
    starts = np.arange(0, words.size + 1, WORDS_OF_A_TEXT)
    counts = sparse.csr_matrix(
        (np.ones(words.size), words.ravel(), starts), shape=(N_ROWS, N_WORDS)
    )
    counts.sum_duplicates()
    return sparse.csr_matrix(TfidfTransformer().fit_transform(counts)), y


def seconds_of_fits(X: np.ndarray, y: np.ndarray, penalty: str | None, rounds: int) -> list[float]:
    """Return the median seconds of multilayer's and of scikit-learn's fit."""
    arguments = {"penalty": penalty, "alpha": 1e-6, "max_iter": 5, "tol": None, "random_state": 0}
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        weights = []
        for kind, own in zip(
            (multilayer.Perceptron, linear_model.Perceptron), seconds, strict=True
        ):
            begin = time.process_time()
            model = kind(**arguments).fit(X, y)
            own.append(time.process_time() - begin)
            weights.append(model.coef_)
        size = np.abs(weights[1]).max()
        np.testing.assert_allclose(*weights, rtol=1e-7, atol=1e-7 * size)
    return [median(own) for own in seconds]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")  # five passes do not converge
    lines = []
    for name, make in (("dense, 100 columns", dense), ("text, 50,000 columns", texts)):
        X, y = make()
        for penalty in PENALTIES:
            ours, theirs = seconds_of_fits(X, y, penalty, rounds)
            each = f"{1000 * ours:.0f} ms", f"{1000 * theirs:.0f} ms", f"{theirs / ours:.2f}x"
            lines.append([name, str(penalty), *each])
    print(markdown(["rows", "penalty", "multilayer", "scikit-learn", "advantage"], lines))


if __name__ == "__main__":
    main()
