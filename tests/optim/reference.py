"""A small network, its loss and its gradient in NumPy float64, to follow training by.

All parameters are one vector: what an update rule does is then written as in its paper.
"""

import numpy as np

from multilayer import MLPRegressor

SHAPES = ((4, 3), (3,), (3, 2), (2,))  # kernels and biases of the two layers
ENDS = np.cumsum([int(np.prod(shape)) for shape in SHAPES])
KERNELS = np.concatenate([np.full(shape, len(shape) == 2).ravel() for shape in SHAPES])
ROWS, EPOCHS = 24, 20


def data():
    """Inputs, two targets and weights of the rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 4))
    y = np.column_stack([X[:, 0] * X[:, 1], np.sin(2 * X[:, 2])])
    return X, y, rng.uniform(0.3, 2, ROWS)


def estimator(**arguments):
    """The network; each epoch is one batch, and each has a rate of its own."""
    of_schedule = {"learning_rate": "exponential", "schedule_params": {"end_factor": 0.3}}
    common = {"alpha": 0.0, "max_iter": EPOCHS, "shuffle": False, "random_state": 0}
    return MLPRegressor(
        hidden_layer_sizes=(3,), activation="tanh", **{**common, **of_schedule, **arguments}
    )


def rates(base):
    """Learning rates of the epochs."""
    return base * 0.3 ** (np.arange(EPOCHS) / EPOCHS)


def vector(reg):
    """Parameters of a fitted network."""
    pairs = zip(reg.coefs_, reg.intercepts_, strict=True)
    return np.concatenate([np.float64(part).ravel() for pair in pairs for part in pair])


def parts(flat):
    """Kernels and biases, as views."""
    return [
        part.reshape(shape) for part, shape in zip(np.split(flat, ENDS[:-1]), SHAPES, strict=True)
    ]


def loss_and_gradient(flat, X, y, weight):
    """Half the squared error, added up over the targets, and its gradient."""
    A, a, B, b = parts(flat)
    h = np.tanh(X @ A + a)
    error = h @ B + b - y
    share = weight[:, None] / weight.sum()
    below = (share * error) @ B.T * (1 - h**2)
    slopes = X.T @ below, below.sum(axis=0), h.T @ (share * error), (share * error).sum(axis=0)
    return 0.5 * np.sum(share * error**2), np.concatenate([slope.ravel() for slope in slopes])


def descend(flat, rule, base, weight, change=lambda flat, gradient: gradient):
    """Yield parameters after each step; ``change`` is what is done to a gradient before."""
    X, y, _ = data()
    for rate in rates(base):
        gradient = change(flat, loss_and_gradient(flat, X, y, weight)[1])
        flat = rule(flat, gradient, rate)
        yield flat
