"""What scikit-learn's and this project's estimator share: the same arguments, the same call."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from cases import Case

from contenders import Start, Train

NEVER = 1_000_000_000


def prepare_estimator(estimator: type, case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    """Train ``estimator`` for a fixed number of epochs, without momentum or penalty."""
    warnings.simplefilter("ignore")  # "not converged": the number of epochs is fixed on purpose
    arguments: dict[str, Any] = {
        "hidden_layer_sizes": case.sizes[1:-1],
        "solver": case.solver,
        "batch_size": case.batch_size,
        "learning_rate_init": case.rate,
        "momentum": 0.0,
        "nesterovs_momentum": False,
        "alpha": 0.0,
        "tol": 0.0,
        "n_iter_no_change": NEVER,
        "early_stopping": False,
    }

    def start(seed: int) -> Train:
        def train(epochs: int) -> int:
            model = estimator(**arguments, max_iter=epochs, random_state=seed).fit(X, y)
            if model.n_iter_ != epochs:
                raise RuntimeError(f"{model.n_iter_} epochs were trained instead of {epochs}")
            return model.n_iter_ * case.steps

        return train

    return start
