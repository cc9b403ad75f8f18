"""Trains with a checkpoint after each step; writes what was learnt when it has come to its end."""

import sys
import warnings

import numpy as np

from multilayer import Checkpoint, MLPClassifier


def main(folder, result):
    warnings.filterwarnings("ignore", message=".*hasn't converged yet")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 8)).astype(np.float32), rng.integers(3, size=200)
    clf = MLPClassifier(
        (12,),
        solver="sgd",
        alpha=0.0,
        batch_size=20,
        learning_rate="cosine",
        max_iter=40,
        random_state=0,
        checkpoint=Checkpoint(folder, every=1),
    )
    clf.fit(X, y)
    curves = {name: values for name, values in clf.history_.items() if name != "seconds"}
    learnt = {f"coefs_{i}": coefs for i, coefs in enumerate(clf.coefs_ + clf.intercepts_)}
    np.savez(result, **curves, **learnt)


if __name__ == "__main__":
    main(*sys.argv[1:])
