"""Losses of the user's own: records in place of names."""

import pickle
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from onnxruntime import InferenceSession
from sklearn.base import clone

from multilayer import (
    DataError,
    InvalidArgumentError,
    MLPRegressor,
    ModelFileError,
    RegressionLoss,
    save,
    to_onnx,
)
from multilayer._engine.xla import cache
from multilayer._objectives import regression
from multilayer._objectives.regression_losses import REGRESSION_LOSSES
from multilayer._sklearn.fit.fingerprint import parameters_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3)).astype(np.float32)
Y = np.column_stack([X[:, 0] * X[:, 1], np.abs(X[:, 2]) + 1]).astype(np.float32)


def log_cosh(predicted, target):
    return jnp.logaddexp(predicted - target, target - predicted) - jnp.log(2.0)


def scaled(predicted, target, *, factor):
    return factor * jnp.square(predicted - target)


LOG_COSH = RegressionLoss("log_cosh", log_cosh)


def regressor(loss=LOG_COSH, **arguments):
    settings = {"hidden_layer_sizes": (6,), "batch_size": 30, "max_iter": 8, "random_state": 0}
    return MLPRegressor(loss, **{**settings, "learning_rate_init": 0.01, **arguments})


def refused(message, **arguments):
    reg = regressor(**arguments)
    with pytest.raises(InvalidArgumentError, match=message):
        reg.fit(X, Y)
    assert not hasattr(reg, "coefs_")


@pytest.mark.usefixtures("by_xla")
@pytest.mark.parametrize("name", ["huber", "poisson", "quantile", "gaussian_nll"])
def test_the_record_of_a_built_in_loss_under_another_name_trains_the_same(name):
    """Each kind of output, each number and the raw outputs reach a user's function."""
    built_in = REGRESSION_LOSSES[name]
    fields = {field: getattr(built_in, field) for field in FIELDS}
    own = RegressionLoss("own", getattr(regression, built_in.row_loss), **fields)
    first = regressor(name, huber_delta=0.3).fit(X, np.abs(Y))
    other = regressor(own, huber_delta=0.3).fit(X, np.abs(Y))
    assert_array_equal(other.loss_curve_, first.loss_curve_)
    assert_array_equal(other.predict(X), first.predict(X))
    if name == "quantile":
        assert_array_equal(other.predict_quantiles(X), first.predict_quantiles(X))
    if name == "gaussian_nll":
        assert_array_equal(other.predict(X, return_std=True)[1], first.predict(X, True)[1])


FIELDS = ("output", "number", "takes_raw", "out_activations", "reported", "nonnegative")


def test_the_reported_loss_is_the_functions():
    """Against NumPy, by a step that moves nothing; the mean over the targets."""
    reg = regressor(alpha=0, learning_rate_init=1e-12, max_iter=1, batch_size=90).fit(X, Y)
    expected = np.log(np.cosh(reg.predict(X).astype(np.float64) - Y)).mean()
    assert reg.loss_ == pytest.approx(expected, rel=1e-5)
    reg.set_params(loss=RegressionLoss("log_cosh", log_cosh, reported="sum")).fit(X, Y)
    assert reg.loss_ == pytest.approx(2 * expected, rel=1e-5)


@pytest.mark.usefixtures("by_xla")
def test_clones_and_pickles_train_the_same_and_share_the_program():
    loss = RegressionLoss("half", partial(scaled, factor=0.5))
    reg = regressor(loss, solver="sgd").fit(X, Y)
    before = cache.PROGRAMS.n_compiled
    for other in (clone(reg).fit(X, Y), pickle.loads(pickle.dumps(reg)).fit(X, Y)):
        assert_array_equal(other.predict(X), reg.predict(X))
    assert cache.PROGRAMS.n_compiled == before
    usual = regressor("squared_error", solver="sgd").fit(X, Y)
    assert_array_equal(usual.predict(X), reg.predict(X))


def test_fingerprints_differ_by_function():
    def described(loss):
        return parameters_of(regressor(loss))

    one, two = (RegressionLoss("same", partial(scaled, factor=f)) for f in (1.0, 2.0))
    assert described(one) == described(pickle.loads(pickle.dumps(one)))
    assert described(one) != described(two)
    assert described(one) != described(RegressionLoss("same", log_cosh))


def test_a_checkpoint_goes_on_under_the_same_loss_alone(tmp_path):
    first = regressor(checkpoint=tmp_path).fit(X, Y)
    again = regressor(RegressionLoss("log_cosh", log_cosh), checkpoint=tmp_path).fit(X, Y)
    assert_array_equal(again.predict(X), first.predict(X))
    assert len(list(tmp_path.iterdir())) == 1
    regressor(RegressionLoss("log_cosh", partial(scaled, factor=1.0)), checkpoint=tmp_path).fit(
        X, Y
    )
    assert len(list(tmp_path.iterdir())) == 2


def test_files_refuse_it_by_name_and_onnx_takes_it(tmp_path):
    reg = regressor().fit(X, Y)
    with pytest.raises(ModelFileError, match=r"^loss must be .* got loss=RegressionLoss\("):
        save(reg, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
    session = InferenceSession(to_onnx(reg).SerializeToString())
    (found,) = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_allclose(found, reg.predict(X), rtol=1e-5, atol=1e-6)


def test_its_demands_on_arguments_and_targets_are_checked():
    counts = RegressionLoss("counts", log_cosh, nonnegative=True, out_activations=("relu",))
    refused("'auto' or 'relu' with loss='counts'", loss=counts, out_activation="exp")
    refused(
        "standardize_target must be False with loss='counts'", loss=counts, standardize_target=True
    )
    with pytest.raises(DataError, match="with loss='counts'"):
        regressor(counts).fit(X, Y - 10)
    assert (regressor(counts).fit(X, np.abs(Y)).predict(X) >= 0).all()
    with pytest.raises(InvalidArgumentError, match="quantiles must be None with loss='log_cosh'"):
        regressor().fit(X, Y).predict(X, quantiles=(0.5,))
    assert not hasattr(regressor(), "predict_quantiles")


def test_going_on_asks_for_outputs_of_the_same_kind():
    reg = regressor(warm_start=True).fit(X, Y)
    quantiles = REGRESSION_LOSSES["quantile"]
    with pytest.raises(InvalidArgumentError, match="loss must be 'log_cosh', as in"):
        reg.set_params(loss=quantiles).fit(X, Y)
    reg.set_params(loss=LOG_COSH).fit(X, Y)


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (
            lambda predicted, target: (predicted - target).sum(axis=1),
            r"it returns the shape \(3,\)",
        ),
        (lambda predicted, target: predicted > target, "it returns bool"),
        (lambda predicted, target: None, "it returns NoneType"),
        (lambda predicted: predicted, "called with these it raises TypeError"),
        (lambda predicted, target: np.abs(predicted - target), "it raises TracerArrayConversion"),
        ("squared_error", "whose row_loss is a function"),
    ],
)
def test_functions_that_make_no_losses_are_refused_before_training(function, problem):
    refused(rf"^loss must be .*{problem}", loss=RegressionLoss("own", function))


@pytest.mark.parametrize("name", ["huber", "softmax"])
def test_names_that_are_taken_are_refused(name):
    refused("^loss must be a record with a name other than", loss=RegressionLoss(name, log_cosh))


def test_values_that_are_no_loss():
    refused("or a multilayer.RegressionLoss, got loss=", loss=log_cosh)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": 3}, "name must be a text"),
        ({"row_loss": 3}, "row_loss must be a function"),
        ({"row_loss": type("F", (), {"__call__": None, "__hash__": None})()}, "must be hashable"),
        (
            {"output": "points"},
            r"output must be one of \['mean_and_spread', 'point', 'quantiles'\]",
        ),
        ({"number": "delta"}, "number must be one of"),
        ({"number": "huber_delta", "takes_raw": True}, "number must be None with takes_raw=True"),
        ({"takes_raw": 1}, "takes_raw must be True or False"),
        ({"nonnegative": None}, "nonnegative must be True or False"),
        ({"out_activations": ["exp"]}, "out_activations must be a tuple of names"),
        ({"out_activations": ()}, "out_activations must be a tuple of names"),
        ({"out_activations": ("exp", "swish")}, "out_activations must be a tuple of names"),
        ({"output": "quantiles"}, r"among \['identity'\] with output='quantiles'"),
        ({"reported": "median"}, "reported must be one of"),
        ({"minimised_by": "mode"}, "minimised_by must be one of"),
        ({"loss_of_variance": 0}, "loss_of_variance must be a number"),
    ],
)
def test_records_check_their_fields(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        RegressionLoss(**{"name": "own", "row_loss": log_cosh} | fields)
