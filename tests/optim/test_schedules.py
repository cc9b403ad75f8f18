"""Schedules as records: those that a user makes stand where a name does."""

import copy
import pickle
import warnings

import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from multilayer import InvalidArgumentError, MLPRegressor, ModelFileError, save
from multilayer._sklearn.fit.fingerprint import parameters_of
from multilayer.schedules import SCHEDULES, Schedule

from .reference import EPOCHS, data, estimator

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, _ = data()
BASE = 0.01
T = np.arange(EPOCHS) / EPOCHS  # each epoch is one step


def power(t, power):
    """The polynomial decay of other libraries."""
    return (1 - t) ** power


POLYNOMIAL = Schedule("polynomial", power, {"power": 2.0})


def fitted(learning_rate, **arguments):
    asked = {"schedule_params": None, "learning_rate_init": BASE, "solver": "sgd"} | arguments
    return estimator(learning_rate=learning_rate, **asked, n_iter_no_change=np.inf).fit(X, y)


def refused(message, learning_rate, **arguments):
    with pytest.raises(InvalidArgumentError, match=message):
        fitted(learning_rate, **arguments)


def test_a_record_gives_the_rates():
    reg = fitted(POLYNOMIAL)
    assert_allclose(reg.history_["learning_rate"], BASE * (1 - T) ** 2, rtol=1e-6)
    numbers = {"power": 1.0, "warmup_fraction": 0.25, "start_factor": 0.2}
    reg.set_params(schedule_params=numbers).fit(X, y)
    factors = np.where(T < 0.25, 0.2 + 0.8 * T / 0.25, 1 - (T - 0.25) / 0.75)
    assert_allclose(reg.history_["learning_rate"], BASE * factors, rtol=1e-6)


def test_a_record_over_rows_with_an_argument_of_the_estimator():
    schedule = Schedule(
        "root", lambda t, power_t: (1 + t) ** -power_t, over="rows", arguments=("power_t",)
    )
    found = fitted(schedule, power_t=0.3).history_["learning_rate"]
    assert_array_equal(found, fitted("invscaling", power_t=0.3).history_["learning_rate"])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_record_of_a_name_does_as_the_name(name):
    by_name, by_record = fitted(name), fitted(SCHEDULES[name])
    for kernel, same in zip(by_name.coefs_, by_record.coefs_, strict=True):
        assert_array_equal(kernel, same)


def test_scikit_learns_schedules_are_of_sgd_alone():
    for name in (name for name, schedule in SCHEDULES.items() if schedule.scikit_learn):
        found = fitted(SCHEDULES[name], solver="adam").history_["learning_rate"]
        assert_allclose(found, BASE, rtol=1e-6)


def test_ends_by_design():
    def warned(schedule):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitted(schedule)
        return any("Maximum iterations" in str(each.message) for each in caught)

    assert not warned(POLYNOMIAL)
    assert warned(Schedule("open", power, {"power": 2.0}, ends_by_design=False))


def test_copies():
    reg = fitted(POLYNOMIAL)
    assert reg.get_params()["learning_rate"] is POLYNOMIAL
    copies = clone(reg), copy.deepcopy(reg), pickle.loads(pickle.dumps(reg))
    for again in copies:
        assert again.learning_rate == POLYNOMIAL
        assert hash(again.learning_rate) == hash(POLYNOMIAL)
        assert_array_equal(again.fit(X, y).coefs_[0], reg.coefs_[0])


def test_a_model_file_has_no_record(tmp_path):
    with pytest.raises(ModelFileError, match="learning_rate must be a number, a string, None"):
        save(fitted(POLYNOMIAL), tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_equal_records_are_the_same_fit():
    def described(factor, **defaults):
        record = Schedule("own", factor, defaults)
        return parameters_of(MLPRegressor(learning_rate=record))

    first = described(lambda t, power: (1 - t) ** power, power=2.0)
    assert first == described(lambda t, power: (1 - t) ** power, power=2.0)
    assert first != described(lambda t, power: (1 - t) ** power, power=3.0)
    assert first != described(lambda t, power: 1 - t**power, power=2.0)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "problem"),
    [
        (lambda t: 1.0, r"returns shape \(\)"),
        (lambda t: t - 0.5, "at t=0 it returns -0.5"),
        (lambda t: np.where(t < 0.8, 1.0, np.nan), "at t=0.8 it returns nan"),
        (lambda: 1.0, "raises TypeError"),
    ],
)
def test_a_factor_that_fails_is_refused_before_training(factor, problem):
    refused(f"learning_rate must be a schedule whose factor .*{problem}", Schedule("own", factor))


def test_numbers_are_checked_as_those_of_a_name():
    refused(
        r"\['power', 'start_factor', 'warmup_fraction'\] for learning_rate='polynomial'",
        POLYNOMIAL,
        schedule_params={"powr": 1.0},
    )
    refused(r"power'\] must be a number", POLYNOMIAL, schedule_params={"power": "2"})


def test_where_no_schedule_is_taken():
    refused("'constant' for a ready-made solver", POLYNOMIAL, solver=optax.lion(1e-3))
    refused("'constant', 'invscaling' or 'adaptive' with", POLYNOMIAL, solver="lbfgs")
    refused(
        r"constructor, got .*Remove \['powr_t'\]", Schedule("own", power, arguments=("powr_t",))
    )
    refused("one of .*, or a multilayer.schedules.Schedule", "polynomial")
    refused("one of .*, or a multilayer.schedules.Schedule", power)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"name": ""}, "name"),
        ({"factor": "linear"}, "factor"),
        ({"defaults": ["power"]}, "defaults"),
        ({"defaults": {"power": np.inf}}, "power"),
        ({"over": "epochs"}, "over"),
        ({"arguments": "power_t"}, "arguments"),
        ({"warmup": "square"}, "warmup"),
        ({"ends_by_design": "yes"}, "ends_by_design"),
    ],
)
def test_arguments_of_a_record(arguments, name):
    with pytest.raises(InvalidArgumentError, match=f"{name}.* must be"):
        Schedule(**{"name": "own", "factor": power} | arguments)
