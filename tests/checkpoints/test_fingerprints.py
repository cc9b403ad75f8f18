"""Equal fits share a folder, in any process; different ones never do."""

import inspect
import json

import jax
import numpy as np
import pytest

from multilayer import MLPClassifier, MLPRegressor, nn
from multilayer._sklearn.fit.fingerprint import parameters_of
from multilayer.callbacks import CSVLog, EarlyStopping, KeepBest, ProgressBar, TimeBudget

EXEMPT = {  # no part of the result, or told by what training starts from
    *("callbacks", "checkpoint", "device", "transform_layer", "verbose"),
    *("random_state", "reuse_from", "warm_start"),
}
OTHER = {
    "hidden_layer_sizes": (100, 1),
    "activation": "tanh",
    "solver": "sgd",
    "alpha": 0.0002,
    "batch_size": 200,
    "learning_rate": "cosine",
    "learning_rate_init": 0.0011,
    "power_t": 0.4,
    "max_iter": 201,
    "shuffle": False,
    "random_state": 1,
    "tol": 2e-4,
    "verbose": True,
    "warm_start": True,
    "momentum": 0.8,
    "nesterovs_momentum": False,
    "early_stopping": True,
    "validation_fraction": 0.2,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-7,
    "n_iter_no_change": 11,
    "max_fun": 15001,
    "norm": "batch",
    "residual": True,
    "out_activation": "identity",
    "weight_init": "he_normal",
    "bias_init": "zeros",
    "input_scale": 255.0,
    "network": nn.sequential(nn.dense(3)),
    "reuse_from": MLPClassifier(),
    "n_reused_layers": 1,
    "freeze_reused": True,
    "dropout": 0.1,
    "input_dropout": 0.1,
    "input_noise": 0.1,
    "l1_ratio": 0.1,
    "max_norm": 3.0,
    "weight_decay": 0.02,
    "solver_params": {"b1": 0.8},
    "schedule_params": {"warmup_fraction": 0.1},
    "clip_norm": 1.0,
    "accumulate_steps": 2,
    "ema_decay": 0.99,
    "layer_learning_rates": (1.0, 0.5),
    "weight_normalization": "data",
    "precision": "bfloat16",
    "device": "cpu",
    "scoring": "f1_macro",
    "callbacks": [ProgressBar()],
    "checkpoint": "elsewhere",
    "calibration_fraction": 0.1,
    "transform_layer": 0,
    "class_weight": "balanced",
    "label_smoothing": 0.1,
    "loss": "huber",
    "quantiles": (0.2, 0.5, 0.8),
    "huber_delta": 2.0,
    "standardize_target": True,
}
ARGUMENTS = [
    (Estimator, name)
    for Estimator in (MLPClassifier, MLPRegressor)
    for name in inspect.signature(Estimator).parameters
]


def described(estimator):
    """The text that is hashed."""
    return json.dumps(parameters_of(estimator), sort_keys=True)


# Arguments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("Estimator", "name"), ARGUMENTS)
def test_another_value_is_another_fit(Estimator, name):
    default, other = Estimator(), Estimator(**{name: OTHER[name]})
    assert (described(default) == described(other)) is (name in EXEMPT)


def test_an_argument_of_a_later_release_leaves_old_fits_as_they_were():
    """Checkpoints from before it are found, apart from fits with class weights: another rule."""
    assert "weight_normalization" not in described(MLPClassifier())
    assert "weight_normalization" in described(MLPClassifier(class_weight="balanced"))
    for changes in ({}, {"class_weight": "balanced"}, {"calibration_fraction": 0}):
        assert "calibration_fraction" not in described(MLPClassifier(**changes))


def test_another_estimator_is_another_fit():
    class Mine(MLPClassifier):
        pass

    mine, theirs, regressor = map(described, (Mine(), MLPClassifier(), MLPRegressor()))
    assert len({mine, theirs, regressor}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"hidden_layer_sizes": (8, 8)}, {"hidden_layer_sizes": [8, 8]}),
        ({"hidden_layer_sizes": (8,)}, {"hidden_layer_sizes": np.array([8])[:1].tolist()}),
        ({"alpha": 0.1}, {"alpha": np.float64(0.1)}),
        ({"max_iter": 7}, {"max_iter": np.int64(7)}),
        ({"class_weight": {0: 1.0, 1: 2.0}}, {"class_weight": {1: 2.0, 0: 1.0}}),
        ({"solver_params": {"b1": 0.5, "b2": 0.6}}, {"solver_params": {"b2": 0.6, "b1": 0.5}}),
        ({"activation": jax.nn.relu}, {"activation": jax.nn.relu}),
    ],
)
def test_the_same_value_in_another_form(one, other):
    assert described(MLPClassifier(**one)) == described(MLPClassifier(**other))


@pytest.mark.parametrize(
    "callbacks", [[KeepBest()], [KeepBest("loss")], [TimeBudget(1.0)], [EarlyStopping(patience=3)]]
)
def test_callbacks_that_act(callbacks):
    assert described(MLPClassifier(callbacks=callbacks)) != described(MLPClassifier())
    twice = [described(MLPClassifier(callbacks=callbacks * n)) for n in (1, 1, 2)]
    assert twice[0] == twice[1] != twice[2]


def test_callbacks_that_watch(tmp_path):
    for callbacks in ([], [ProgressBar()], [CSVLog(tmp_path / "log.csv")]):
        assert described(MLPClassifier(callbacks=callbacks)) == described(MLPClassifier())


def test_what_a_callback_has_seen_is_no_part_of_it():
    fresh, used = TimeBudget(9.0), TimeBudget(9.0)
    used.on_train_begin(None)
    assert described(MLPClassifier(callbacks=[fresh])) == described(MLPClassifier(callbacks=[used]))
