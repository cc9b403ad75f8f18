"""An update from ``k`` batches of ``b`` rows is that of one batch of ``k * b``."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def both(cls, n_rows, rows, k, weight, **arguments):
    """A network trained by `k` batches to an update, and one by a single batch as large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 4))
    y = rng.integers(3, size=n_rows) if cls is MLPClassifier else rng.normal(size=(n_rows, 2))
    for size, steps in ((rows, k), (rows * k, 1)):
        yield cls(
            hidden_layer_sizes=(5,),
            activation="tanh",
            batch_size=size,
            accumulate_steps=steps,
            shuffle=False,
            learning_rate="linear",
            schedule_params={"end_factor": 1.0},  # constant, and without a warning at its end
            learning_rate_init=0.02,
            max_iter=6,
            random_state=0,
            **arguments,
        ).fit(X, y, weight)


def weights(n_rows, nothing):
    weight = np.random.default_rng(1).uniform(0.2, 3, n_rows)
    weight[nothing] = 0
    return weight


CASES = {
    # 22 rows: 4 + 4, 4 + 4, 4 + 2 and 8, 8, 6. A batch without weight, an update without any.
    "a short batch": (
        MLPClassifier,
        22,
        4,
        2,
        weights(22, [0, 1, 2, 3, *range(8, 16)]),
        {"solver": "adam", "alpha": 0.5, "l1_ratio": 0.3},
    ),
    # 20 rows: 4 + 4 + 4, 4 + 4 and 12, 8.
    "a batch less": (
        MLPRegressor,
        20,
        4,
        3,
        None,
        {"solver": "sgd", "alpha": 0.5, "clip_norm": 0.1, "max_norm": 0.7},
    ),
    # 20 rows are fewer than the update waits for: 4 + 4 + 4 + 4 + 4 and 20, none left over.
    "an epoch less": (MLPRegressor, 20, 4, 7, None, {"solver": "sgd"}),
    "an average": (MLPRegressor, 20, 4, 7, None, {"solver": "sgd", "ema_decay": 0.9}),
}


@pytest.mark.parametrize("case", CASES)
def test_accumulated_batches_are_one_batch(case):
    *shape, weight, arguments = CASES[case]
    with jax.enable_x64(True):
        several, one = both(*shape, weight, **arguments)
    assert several.history_["steps"][0] > one.history_["steps"][0]
    assert_allclose(several.loss_curve_, one.loss_curve_, rtol=1e-10)
    assert several.loss_curve_[-1] < several.loss_curve_[0]
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(several, name), getattr(one, name), strict=True):
            assert_allclose(a, b, rtol=1e-9, atol=1e-11)
