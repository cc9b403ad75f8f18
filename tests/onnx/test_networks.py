"""Networks of every shape compute in ONNX Runtime what they compute here."""

import numpy as np
import pytest

from multilayer import MLPRegressor, nn
from multilayer._core.activations import HIDDEN, OUTPUTS
from multilayer.onnx import to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.randn(60, 4).astype(np.float32)
Y = X @ RNG.randn(4, 2) + 3.0
LARGE = 1000.0 * X  # where exponentials overflow and rounding shows

LAYERS = (
    ("identity", "logistic", "tanh", "relu"),
    ("leaky_relu", "elu", "selu", "gelu"),
    ("silu", "mish", "softplus"),
)

NETWORKS = {
    "no hidden layer": {"hidden_layer_sizes": ()},
    "layer norm": {"norm": "layer", "activation": "gelu"},
    "residual": {"hidden_layer_sizes": (5, 5, 5), "residual": True},
    "residual and norm": {"hidden_layer_sizes": (5, 5), "residual": True, "norm": "layer"},
    "a function that has a name": {"activation": nn.gelu},
    # Trained by batches, which takes thrice the time of L-BFGS to compile.
    "batch norm, dropout and noise": {
        **{"norm": "batch", "activation": "silu", "solver": "sgd", "batch_size": 60},
        **{"dropout": 0.5, "input_dropout": 0.2, "input_noise": 0.1},
    },
}


def regressor(**arguments):
    defaults = {"hidden_layer_sizes": (5,), "solver": "lbfgs", "max_iter": 2, "random_state": 0}
    return MLPRegressor(**{**defaults, **arguments}).fit(X, Y)


def assert_same(model, converted, rows):
    """Numbers agree to float32."""
    expected = model.predict(rows)
    tolerance = 1e-5 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(
        converted(rows)["variable"].reshape(expected.shape), expected, rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("activations", LAYERS, ids=" ".join)
def test_activations(runner, activations):
    model = regressor(hidden_layer_sizes=(5,) * len(activations), activation=activations)
    for opset in (17, 21):
        converted = runner(to_onnx(model, target_opset=opset))
        for rows in (X, LARGE):
            assert_same(model, converted, rows)


def test_all_activations_are_tested():
    assert {name for names in LAYERS for name in names} == set(HIDDEN)


def test_records_have_an_onnx_form():
    assert [name for name, each in {**HIDDEN, **OUTPUTS}.items() if each.onnx_form is None] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(runner, name):
    model = regressor(**NETWORKS[name])
    converted = runner(to_onnx(model))
    for rows in (X, LARGE):
        assert_same(model, converted, rows)


def test_layer_norm_far_from_zero(runner):
    # Mean squares less squared means would lose every digit here; the sums themselves are exact.
    model = regressor(norm="layer", hidden_layer_sizes=(8,))
    model.coefs_[0] = np.round(8 * model.coefs_[0]) / 8
    model.intercepts_[0] = np.full(8, 3000.0)
    assert_same(model, runner(to_onnx(model)), np.round(8 * X) / 8)


def test_weights_are_those_of_the_attributes(runner):
    model = regressor()
    model.coefs_[0] *= 2.0
    assert_same(model, runner(to_onnx(model)), X)


@pytest.fixture(scope="module")
def scaled():
    return regressor(input_scale=0.1)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64"])
def test_inputs_have_the_type_of_the_sample(runner, scaled, dtype):
    rows = np.abs(10 * X).astype(dtype)
    converted = runner(to_onnx(scaled, X=rows))
    assert converted.session.run(None, {"X": rows})[0].dtype == np.float32
    assert_same(scaled, converted, rows)
