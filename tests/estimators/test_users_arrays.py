"""What the user hands in stays the user's: nothing writes to it, nothing keeps it."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {
    "hidden_layer_sizes": (6,),
    "batch_size": 32,
    "max_iter": 5,
    "early_stopping": True,
    "random_state": 0,
}
# 64 rows are not padded, so that the device may share their memory.
X = load_digits().data[:64, 8:32:3].astype(np.float32)
TARGETS = {
    MLPClassifier: load_digits().target[:64] % 3,
    MLPRegressor: X[:, 1] / 16 - X[:, 2] / 32,
}
both = pytest.mark.parametrize("Estimator", list(TARGETS))


def aligned(rows):
    """A copy that begins at a multiple of 64 bytes: JAX takes such memory without copying it."""
    memory = np.zeros(rows.nbytes + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    held = memory[begin : begin + rows.nbytes].view(rows.dtype).reshape(rows.shape)
    held[...] = rows
    return held


OWN = {
    "aligned": aligned,
    "Fortran": lambda rows: np.array(rows, order="F"),
    "float64": lambda rows: rows.astype(float),
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
}


def values(estimator, rows):
    return getattr(estimator, "predict_proba", estimator.predict)(rows)


def numbers(held):
    return held.data if sparse.issparse(held) else held


@pytest.mark.parametrize("holder", OWN)
@both
def test_the_users_data_are_left_alone(Estimator, holder):
    y = TARGETS[Estimator]
    weight = np.linspace(0.5, 1.5, 64)
    mine = [OWN[holder](X), y.copy(), weight.copy(), OWN[holder](X), y.copy(), weight.copy()]
    before = [numbers(held).copy() for held in mine]
    fitted = Estimator(**SETTINGS)
    fitted.fit(*mine[:3], X_val=mine[3], y_val=mine[4], sample_weight_val=mine[5])
    values(fitted, mine[0])
    fitted.partial_fit(*mine[:3])
    for held, copy in zip(mine, before, strict=True):
        np.testing.assert_array_equal(numbers(held), copy)


@pytest.mark.parametrize("holder", OWN)
@both
def test_changes_to_the_users_data_after_fit_change_nothing(Estimator, holder):
    target = aligned(TARGETS[Estimator].astype(np.float32))
    mine = [OWN[holder](X), target, aligned(np.ones(64, np.float32))]
    fitted = Estimator(**SETTINGS).fit(*mine, X_val=mine[0], y_val=mine[1])
    expected = [values(fitted, X), *(part.copy() for part in fitted.coefs_)]
    for held in mine:
        numbers(held)[...] = 0
    for a, b in zip([values(fitted, X), *fitted.coefs_], expected, strict=True):
        np.testing.assert_array_equal(a, b)
    # Nor does what a prediction returned belong to the network.
    values(fitted, X)[...] = 0
    np.testing.assert_array_equal(values(fitted, X), expected[0])
