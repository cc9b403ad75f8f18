"""Random estimators of both kinds, and data that they can be trained on."""

import itertools
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from multilayer import MLPClassifier, MLPRegressor
from multilayer._core.activations import HIDDEN
from multilayer._optim.schedules import SCHEDULES

ROWS = 48
WIDTHS = (1, 2, 3, 3, 4, 4, 8)  # few, so that they often coincide
SOLVERS = ("sgd", "adam", "adamw", "adagrad", "rmsprop", "lbfgs")
OUT_ACTIVATIONS = ("auto", "softplus", "logistic", "tanh", "relu")

Rng = np.random.Generator
Arguments = dict[str, Any]


class Trained(NamedTuple):
    """A fitted estimator with the rows to ask it about."""

    model: Any
    X: np.ndarray
    given: Any  # the rows as they were in training, perhaps sparse


def pick(rng: Rng, values: Any) -> Any:
    """Return one of some values."""
    return values[rng.integers(len(values))]


def chance(rng: Rng, probability: float) -> bool:
    """Whether something with this probability happens."""
    return bool(rng.random() < probability)


def network(rng: Rng) -> Arguments:
    """Arguments of the network."""
    hidden = tuple(pick(rng, WIDTHS) for _ in range(rng.integers(0, 4)))
    names = sorted(HIDDEN)
    alike = any(n == m for n, m in itertools.pairwise(hidden))
    return {
        "hidden_layer_sizes": hidden,
        "activation": pick(rng, names)
        if chance(rng, 0.5)
        else tuple(pick(rng, names) for _ in hidden),
        "norm": pick(rng, (None, "batch", "layer")),
        "residual": alike and chance(rng, 0.8),
        "input_scale": pick(rng, (None, None, 0.5)),
        "random_state": int(rng.integers(1000)),
    }


def training(rng: Rng, n_layers: int) -> Arguments:
    """Arguments of training by batches."""
    return {
        "solver": pick(rng, SOLVERS[:-1]),
        "learning_rate": pick(rng, sorted(SCHEDULES)),
        "learning_rate_init": pick(rng, (1e-3, 1e-2)),
        "batch_size": pick(rng, (16, 48)),
        "dropout": pick(rng, (0.0, 0.3)),
        "input_dropout": pick(rng, (0.0, 0.0, 0.2)),
        "input_noise": pick(rng, (0.0, 0.0, 0.1)),
        "max_norm": pick(rng, (None, None, 1.0)),
        "clip_norm": pick(rng, (None, None, 1.0)),
        "ema_decay": pick(rng, (None, None, 0.9)),
        "accumulate_steps": pick(rng, (1, 1, 2)),
        "precision": pick(rng, ("float32", "float32", "bfloat16")),
        "layer_learning_rates": tuple(rng.random(n_layers)) if chance(rng, 0.2) else None,
        "max_iter": int(rng.integers(0, 4)),
        "early_stopping": chance(rng, 0.2),
        "validation_fraction": 0.25,
    }


def arguments(rng: Rng) -> Arguments:
    """Arguments that both estimators have."""
    made = network(rng)
    if chance(rng, 0.15):
        made["norm"] = pick(rng, (None, "layer"))
        return made | {"solver": "lbfgs", "max_iter": 3}
    return made | training(rng, len(made["hidden_layer_sizes"]) + 1)


def rows(rng: Rng) -> tuple[np.ndarray, Any]:
    """Return rows in float32, as an array and as they are given."""
    X = rng.normal(size=(ROWS, pick(rng, WIDTHS))).astype(np.float32)
    if not chance(rng, 0.25):
        return X, X
    X[rng.random(X.shape) < 0.6] = 0
    return X, sparse.csr_matrix(X)


def classifier(rng: Rng) -> Trained:
    """Return a trained classifier."""
    X, given = rows(rng)
    made = arguments(rng)
    made["out_activation"] = pick(rng, ("auto", "softmax", "logistic"))
    made["label_smoothing"] = pick(rng, (0.0, 0.1))
    n_classes = pick(rng, (2, 3, 4))
    y = rng.permutation(ROWS) % n_classes
    match rng.integers(4):
        case 0:
            y = np.column_stack([y, rng.permutation(ROWS) % 2])  # columns of classes
            made["early_stopping"] = False
        case 1:
            y = np.eye(n_classes, dtype=int)[y] | (rng.random((ROWS, n_classes)) < 0.3)
        case 2:
            y = np.array(["a", "b", "c", "d"])[y]
            made["class_weight"] = "balanced"
    return Trained(fitted(rng, MLPClassifier(**made), given, y), X, given)


def regressor(rng: Rng) -> Trained:
    """Return a trained regressor."""
    X, given = rows(rng)
    made = arguments(rng)
    losses = ("squared_error", "absolute_error", "huber", "poisson", "quantile", "gaussian_nll")
    made["loss"] = loss = pick(rng, losses)
    if loss in losses[:3]:
        made["out_activation"] = pick(rng, OUT_ACTIVATIONS)
    if loss == "quantile":
        made["quantiles"] = pick(rng, ((0.1, 0.5, 0.9), (0.25,), (0.05, 0.2, 0.95)))
    made["standardize_target"] = (
        loss != "poisson" and made.get("out_activation", "auto") == "auto" and chance(rng, 0.5)
    )
    y = np.exp(rng.normal(size=(ROWS, pick(rng, (1, 1, 2, 3)))))
    return Trained(
        fitted(rng, MLPRegressor(**made), given, y[:, 0] if y.shape[1] == 1 else y), X, given
    )


def fitted(rng: Rng, model: Any, X: Any, y: np.ndarray) -> Any:
    """Train an estimator, with weights of rows or without."""
    weight = rng.uniform(0.5, 2, ROWS) if chance(rng, 0.4) else None
    return model.fit(X, y, sample_weight=weight)
