"""NumPy's activation functions against JAX's, and erf against the standard library's."""

import math

import jax
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from multilayer._core import numpy_activations
from multilayer._core.activation_functions import function_of
from multilayer._core.activations import HIDDEN, OUTPUTS
from multilayer._portable import dense_layers

Z = np.concatenate([np.linspace(-30, 30, 1201), [-1e4, -1e-30, 0.0, 1e-30, 80.0]], dtype=np.float32)


def test_activations():
    names = {**HIDDEN, **OUTPUTS}
    compiled = jax.jit(lambda z: {name: function_of(name)(z) for name in names})
    for name, expected in compiled(Z).items():
        found = numpy_activations.ACTIVATIONS[name](Z)
        assert found.dtype == np.float32
        assert_allclose(found, expected, rtol=2e-6, atol=2e-7, err_msg=name)


def test_no_activation_is_missing():
    assert set(numpy_activations.ACTIVATIONS) == {*HIDDEN, *OUTPUTS}, (
        "complete _core/numpy_activations.py"
    )


def test_erf():
    z = np.linspace(-8, 8, 2001)
    for x, atol in ((z, 1e-13), (z.astype(np.float32), 2e-8)):
        assert_allclose(numpy_activations.erf(x), [math.erf(each) for each in x], rtol=0, atol=atol)
    assert_array_equal(numpy_activations.erf(np.zeros(1)), [0.0])


def test_small_probabilities_keep_their_size():
    z = np.array([-80.0, -20.0, 0.0, 20.0, 300.0])
    assert_allclose(numpy_activations.logistic(z), special.expit(z), rtol=1e-14)
    assert_allclose(dense_layers.log_logistic(z), special.log_expit(z), rtol=1e-14)


def test_softmax_of_large_scores():
    scores = np.array([[1000.0, 999.0, -1000.0], [0.0, 0.0, 0.0]])
    assert_allclose(numpy_activations.softmax(scores), special.softmax(scores, axis=1), rtol=1e-14)
