"""What cannot be used is refused by name, before anything is trained or changed."""

from copy import deepcopy

import numpy as np
import optax
import pytest
import sklearn.metrics
from scipy import sparse

from multilayer import DataError, InvalidArgumentError, MLPClassifier, MLPRegressor
from multilayer._engine.xla.cache import PROGRAMS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 30
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 4))
y = np.arange(N) % 3


def changed(array, place, value):
    copy = np.array(array, dtype=np.result_type(array, type(value)))
    copy[place] = value
    return copy


@pytest.fixture(scope="module")
def fitted():
    clf = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    assert clf.predict_proba(X).shape == (N, 3)
    return clf


LEARNED = ("classes_", "n_features_in_", "n_outputs_", "n_iter_", "t_", "out_activation_")


@pytest.fixture
def unharmed(fitted):
    """A fitted estimator, which must be as good as before when the test is over."""
    clf, settings = deepcopy(fitted), fitted.get_params()
    n_compiled = PROGRAMS.n_compiled
    yield clf
    assert PROGRAMS.n_compiled == n_compiled  # refused before anything is traced
    clf.set_params(**settings)
    for name in LEARNED:
        np.testing.assert_array_equal(getattr(clf, name), getattr(fitted, name), err_msg=name)
    np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))


# Constructor arguments ----------------------------------------------------------------------------

BAD_ARGUMENTS = {
    "hidden_layer_sizes": [0, (10, -1), (2.5,), "100", (True,), None],
    "activation": ["swish", None, 3, ["relu", "tanh"], ["swish"]],
    "solver": ["SGD", None, "lion", optax.scale_by_adam, len],
    "alpha": [-1e-9, np.nan, np.inf, "0.1", None],
    "batch_size": [0, -5, 2.0, "all", True],
    "learning_rate": ["cyclic", None, 0.1],
    "learning_rate_init": [0, 0.0, -0.1, np.nan, np.inf, "fast"],
    "power_t": [-0.5, None],
    "max_iter": [-1, 1.5, None, np.inf, True],
    "shuffle": ["yes", None, 1],
    "random_state": ["seed", -1, 0.5],
    "tol": [-1e-4, np.nan, None],
    "verbose": ["loud", None],
    "warm_start": ["yes", 0],
    "momentum": [-0.1, 1.5, None],
    "nesterovs_momentum": ["yes", 1],
    "early_stopping": ["yes", 1, None],
    "validation_fraction": [0, 1, 1.5, -0.1, "tenth"],
    "beta_1": [-0.1, 1.0, None],
    "beta_2": [-0.1, 1.0, None],
    "epsilon": [0.0, -1e-8, None],
    "n_iter_no_change": [0, -1, 2.5, None, np.nan],
    "max_fun": [0, 1.5, None],
    "weight_decay": [-0.1, np.nan, None],
    "dropout": [-0.1, 1.0, "half", (0.1, 0.2), (1.5,), None],
    "label_smoothing": [-0.1, 1.0, None],
    "input_scale": [0, -1.0, "1/255", np.nan],
    "weight_init": ["xavier", None],
    "bias_init": ["ones", None, 0],
    "solver_params": [{"beta": 1}, [1], {"momentum": 0.9}],
    "schedule_params": [{"end": 1}, 3, {"warmup_fraction": 1.0}, {"start_factor": -1}],
    "callbacks": [3, [3], "print", ""],
    "checkpoint": [3, True, ["runs"], b"runs"],
    "norm": ["group", True, 0],
    "residual": ["yes", 1, True],  # True: no two layers are of the same width
    "out_activation": ["relu", None],
    "input_dropout": [-0.1, 1.0, (0.1,), None],
    "input_noise": [-0.1, np.nan, None],
    "l1_ratio": [-0.1, 1.1, None],
    "max_norm": [0, -1.0, "3"],
    "clip_norm": [0, -1.0, np.inf],
    "accumulate_steps": [0, 1.5, True, None],
    "ema_decay": [-0.1, 1.0, "0.99"],
    "weight_normalization": ["rows", None, 1],
    "precision": ["float16", None, 32],
    "device": ["cuda", None, 0],
    "scoring": ["recall_at_3", 3],
    "calibration_fraction": [1, -0.1, "tenth", None, True],
    "transform_layer": [1, -2, 0.5, None],
    "network": [3, "dense", np.tanh, object],
    "reuse_from": [3, MLPClassifier()],
    "n_reused_layers": [0, 1.5, True, 1],  # 1: there is nothing to reuse
    "freeze_reused": ["yes", 1, None, True],
    "layer_learning_rates": [0.5, (1,), (1, -1), (1, "a"), "ab"],
    "class_weight": ["equal", [1, 2], {0: -1}, {0: "a"}, {7: 1}],
}
REGRESSOR_ARGUMENTS = {
    "loss": ["mse", None],
    "quantiles": [0.5, (), (0, 0.5), (0.5, 0.2), ("a",), None],
    "huber_delta": [0, -1, np.nan],
    "standardize_target": ["yes", 1, None],
    "out_activation": ["softmax", None],
    "scoring": ["recall_at_3", 3],
}


def test_every_argument_has_bad_values():
    assert set(BAD_ARGUMENTS) == set(MLPClassifier().get_params())
    own = set(MLPRegressor().get_params()) - set(MLPClassifier().get_params())
    assert own < set(REGRESSOR_ARGUMENTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in REGRESSOR_ARGUMENTS.items() for value in values],
)
def test_bad_argument_of_a_regressor(name, value):
    with pytest.raises(InvalidArgumentError, match=rf"^{name}\b.* must be .*{name}"):
        MLPRegressor(**{name: value}).fit(X, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "quantile", "out_activation": "exp"}, "out_activation must be 'auto'"),
        ({"loss": "poisson", "out_activation": "identity"}, "out_activation must be 'auto'"),
        ({"loss": "poisson", "standardize_target": True}, "standardize_target must be False"),
        ({"out_activation": "tanh", "standardize_target": True}, "standardize_target must be"),
    ],
)
def test_arguments_of_a_regressor_that_do_not_go_together(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        MLPRegressor(**arguments).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in BAD_ARGUMENTS.items() for value in values],
)
def test_bad_argument_is_named_with_its_value(unharmed, name, value):
    unharmed.set_params(**{name: value})  # the constructor itself takes anything
    with pytest.raises(InvalidArgumentError, match=rf"^{name}\b.* must be .*{name}") as caught:
        unharmed.fit(X, y)
    parts = {dict: getattr(value, "values", list), tuple: lambda: value, list: lambda: value}.get(
        type(value), list
    )()
    assert any(repr(part) in str(caught.value) for part in (value, *parts))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dropout": 0.5}, "dropout must be 0 with solver='lbfgs'"),
        ({"learning_rate": "cosine"}, "learning_rate must be 'constant', 'invscaling' or"),
        ({"input_dropout": 0.1}, "input_dropout must be 0"),
        ({"input_noise": 0.1}, "input_noise must be 0"),
        ({"norm": "batch"}, "norm must be None or 'layer'"),
        ({"l1_ratio": 0.1}, "l1_ratio must be 0"),
        ({"max_norm": 2.0}, "max_norm must be None"),
        ({"clip_norm": 2.0}, "clip_norm must be None"),
        ({"ema_decay": 0.9}, "ema_decay must be None"),
        ({"accumulate_steps": 2}, "accumulate_steps must be 1"),
    ],
)
def test_lbfgs_refuses_what_it_cannot_do(unharmed, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        unharmed.set_params(solver="lbfgs", **arguments).fit(X, y)


def test_numpy_numbers_are_numbers():
    clf = MLPClassifier(
        np.array([4, 3]),
        alpha=np.float32(0.1),
        batch_size=np.int64(10),
        max_iter=np.int32(1),
        shuffle=np.bool_(True),
        dropout=np.array([0.1, 0.2]),
        n_iter_no_change=np.inf,
        random_state=np.random.RandomState(0),
    )
    assert [w.shape for w in clf.fit(X, y).coefs_] == [(4, 4), (4, 3), (3, 3)]


# Data ---------------------------------------------------------------------------------------------

BAD_TRAINING_DATA = {
    "X of one dimension": (X[:, 0], y, {}, "2D array"),
    "X of three dimensions": (X[:, :, None], y, {}, "dim 3"),
    "NaN in X": (changed(X, (3, 1), np.nan), y, {}, "X contains NaN"),
    "infinity in X": (changed(X, (3, 1), np.inf), y, {}, "X contains infinity"),
    "NaN in sparse X": (sparse.csr_array(changed(X, (3, 1), np.nan)), y, {}, "X contains NaN"),
    "X too large": (changed(X, (3, 1), 1e39), y, {}, "X contains a value too large.*Scale"),
    "complex X": (X + 1j, y, {}, "[Cc]omplex"),
    "text in X": ([["a", "b"], ["c", "d"]], [0, 1], {}, "X must contain numbers, got text"),
    "no rows": (X[:0], y[:0], {}, r"0 sample\(s\)"),
    "no columns": (X[:, :0], y, {}, r"0 feature\(s\)"),
    "y of another length": (X, y[:-1], {}, r"inconsistent numbers of samples: \[30, 29\]"),
    "one class": (X, np.ones(N), {}, "y must contain at least 2 classes, got 1"),
    "NaN in y": (X, changed(y, 3, np.nan), {}, "y contains NaN"),
    "no y": (X, None, {}, "requires y to be passed"),
    "y of a regression": (X, np.linspace(0.05, 1, N), {}, "Unknown label type: continuous"),
    "weights of another length": (X, y, {"sample_weight": np.ones(5)}, "sample_weight"),
    "negative weight": (
        X,
        y,
        {"sample_weight": changed(np.ones(N), 2, -1.0)},
        "Negative values in data passed to `sample_weight`",
    ),
    "NaN in weights": (
        X,
        y,
        {"sample_weight": changed(np.ones(N), 2, np.nan)},
        "sample_weight contains NaN",
    ),
    "no weight": (
        X,
        y,
        {"sample_weight": np.zeros(N)},
        "sample_weight must not be zero everywhere",
    ),
    "weights of two dimensions": (
        X,
        y,
        {"sample_weight": np.ones((N, 2))},
        "Sample weights must be 1D",
    ),
}


@pytest.mark.parametrize("case", BAD_TRAINING_DATA)
def test_bad_training_data(unharmed, case):
    X_bad, y_bad, more, message = BAD_TRAINING_DATA[case]
    with pytest.raises(ValueError, match=message):
        unharmed.fit(X_bad, y_bad, **more)


BAD_VALIDATION_DATA = {
    "y_val alone": ({"y_val": y}, "X_val must be given: X_val and y_val go together"),
    "X_val alone": ({"X_val": X}, "y_val must be given: X_val and y_val go together"),
    "weights alone": ({"sample_weight_val": np.ones(N)}, "sample_weight_val must be given"),
    "unknown labels": ({"X_val": X, "y_val": y + 5}, r"has classes not in .*\[5 6 7\]"),
    "other columns": ({"X_val": X[:, :3], "y_val": y}, "3 features"),
    "another length": ({"X_val": X, "y_val": y[:-1]}, r"inconsistent .* \[30, 29\]"),
    "NaN": ({"X_val": changed(X, (0, 0), np.nan), "y_val": y}, "contains NaN"),
    "no rows": ({"X_val": X[:0], "y_val": y[:0]}, r"0 sample\(s\)"),
    "no weight": ({"X_val": X, "y_val": y, "sample_weight_val": np.zeros(N)}, "sample_weight"),
}


@pytest.mark.parametrize("case", BAD_VALIDATION_DATA)
def test_bad_validation_data(unharmed, case):
    data, message = BAD_VALIDATION_DATA[case]
    with pytest.raises(ValueError, match=message):
        unharmed.fit(X, y, **data)


@pytest.mark.parametrize(
    ("X_new", "y_new", "more", "message"),
    [
        (X[:, :2], y == 0, {"X_val": X[:, :2]}, "y_val must be given"),
        (X[:, :2], y == 0, {"sample_weight": np.zeros(N)}, "sample_weight"),
        (X[:, :2], np.ones(N), {}, "2 classes"),
    ],
    ids=["validation", "weights", "one class"],
)
def test_a_refused_refit_on_other_data_changes_nothing(unharmed, X_new, y_new, more, message):
    """Data of another shape, whose fault shows only after X has been looked at."""
    with pytest.raises(ValueError, match=message):
        unharmed.fit(X_new, y_new, **more)


def test_lbfgs_takes_no_validation_data(unharmed):
    with pytest.raises(InvalidArgumentError, match="X_val must be None with solver='lbfgs'"):
        unharmed.set_params(solver="lbfgs").fit(X, y, X_val=X, y_val=y)


@pytest.mark.parametrize(
    ("rows", "fraction", "message"),
    [
        (slice(0, 6), 0.1, "validation_fraction=0.1"),
        (slice(0, 3), 0.9, "validation_fraction=0.9 cannot set a part of 3 samples aside"),
    ],
)
def test_too_few_rows_to_set_some_aside(unharmed, rows, fraction, message):
    unharmed.set_params(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(DataError, match=message):
        unharmed.fit(X[rows], y[rows])


@pytest.mark.parametrize(
    ("X_bad", "y_bad", "more", "message"),
    [
        (X[:, :2], y, {}, "2 features"),
        (X, y + 1, {}, r"has classes not in .*\[3\]"),
        (X, y, {"classes": [0, 1]}, r"is not the same as on last call to partial_fit"),
    ],
)
def test_partial_fit_on_other_data(unharmed, X_bad, y_bad, more, message):
    with pytest.raises(ValueError, match=message):
        unharmed.partial_fit(X_bad, y_bad, **more)


INDICATOR = np.eye(3)[y].astype(int)


@pytest.mark.parametrize("how", ["validation", "partial_fit", "warm_start"])
@pytest.mark.parametrize(
    ("y_fitted", "y_new"),
    [(y, INDICATOR), (INDICATOR, y), (INDICATOR, INDICATOR[:, :2])],
    ids=["1-D, then 2-D", "2-D, then 1-D", "a column less"],
)
def test_labels_of_another_kind_than_before(how, y_fitted, y_new):
    clf = MLPClassifier((5,), max_iter=1, warm_start=how == "warm_start").fit(X, y_fitted)
    go_on = {
        "validation": lambda: clf.fit(X, y_fitted, X_val=X, y_val=y_new),
        "partial_fit": lambda: clf.partial_fit(X, y_new),
        "warm_start": lambda: clf.fit(X, y_new),
    }
    with pytest.raises(DataError, match=r"\by\b|y_val"):
        go_on[how]()


@pytest.mark.parametrize("weight", [1e-50, 1e39])
def test_weights_beyond_the_computing_type(unharmed, weight):
    with pytest.raises(DataError, match="sample_weight"):
        unharmed.fit(X, y, sample_weight=np.full(N, weight))


def test_partial_fit_needs_all_classes_at_first():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)


def test_warm_start_on_another_network(unharmed):
    unharmed.set_params(warm_start=True, hidden_layer_sizes=(6,))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        unharmed.fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_prediction_before_fit_and_on_other_columns(unharmed, method):
    with pytest.raises(ValueError, match="not fitted"):
        getattr(MLPClassifier(), method)(X)
    with pytest.raises(ValueError, match="3 features, but MLPClassifier is expecting 4"):
        getattr(unharmed, method)(X[:, :3])


@pytest.mark.parametrize("make", [np.array, sparse.csr_array, np.asfortranarray])
def test_the_users_data_are_left_alone(make):
    mine = make(X), y.copy(), np.linspace(0, 1, N)
    MLPClassifier((5,), max_iter=2, early_stopping=True, validation_fraction=0.3).fit(*mine)
    np.testing.assert_array_equal(mine[0].toarray() if sparse.issparse(mine[0]) else mine[0], X)
    np.testing.assert_array_equal(mine[1], y)
    np.testing.assert_array_equal(mine[2], np.linspace(0, 1, N))


# What only shows with the data -----------------------------------------------------------------


@pytest.mark.parametrize(
    "activation",
    [np.tanh, lambda z: z.sum(), lambda z: z[:, :1], lambda z: undefined],  # noqa: F821
)
def test_functions_that_are_no_activation(unharmed, activation):
    with pytest.raises(InvalidArgumentError, match="activation must be a function of JAX arrays"):
        unharmed.set_params(activation=activation).fit(X, y)


def test_scorers_that_do_not_fit(unharmed):
    def narrow(estimator, inputs, labels):
        return 0.0

    validation = {"X_val": X, "y_val": y, "sample_weight_val": np.arange(N) + 1.0}
    with pytest.raises(InvalidArgumentError, match="a function that takes sample_weight"):
        unharmed.set_params(scoring=narrow).fit(X, y, **validation)
    columns = np.column_stack([y, y])
    with pytest.raises(InvalidArgumentError, match="several columns of classes"):
        MLPClassifier(scoring="accuracy").fit(X, columns, X_val=X, y_val=columns)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"loss": "quantile"}, {"loss": "squared_error"}, "loss must be 'quantile', as in"),
        ({"loss": "quantile"}, {"quantiles": (0.3,)}, "quantiles must be '3 levels"),
    ],
)
def test_a_network_that_goes_on_keeps_its_outputs(before, after, message):
    reg = MLPRegressor(hidden_layer_sizes=(5,), max_iter=1, warm_start=True, **before).fit(X, y)
    with pytest.raises(InvalidArgumentError, match=message):
        reg.set_params(**after).fit(X, y)


@pytest.mark.parametrize("kind", [list, tuple])
def test_partial_fit_refuses_balanced_weights_of_one_output_too(kind):
    columns = np.column_stack([y, y])
    clf = MLPClassifier(class_weight=kind(["balanced", {}]))
    with pytest.raises(InvalidArgumentError, match="never sees all samples"):
        clf.partial_fit(X, columns, classes=[[0, 1, 2], [0, 1, 2]])


# Scorers are tried before training ------------------------------------------------------------


LABELS = np.where(y > 0, "yes", "no")


@pytest.mark.parametrize(
    "scoring", ["f1", "precision", "jaccard", "average_precision", "neg_brier_score"]
)
def test_scorer_that_lacks_the_positive_class_is_refused_with_the_scorer_to_write(scoring):
    clf = MLPClassifier((5,), solver="sgd", early_stopping=True, scoring=scoring, random_state=0)
    with pytest.raises(
        InvalidArgumentError, match=f"scoring must be .* got scoring='{scoring}'"
    ) as e:
        clf.fit(X, LABELS, X_val=X, y_val=LABELS)
    assert not hasattr(clf, "coefs_")
    remedy = str(e.value).partition("Name the positive class: scoring=")[2].removesuffix(".")
    assert "pos_label='yes'" in remedy
    written = eval(remedy, {**vars(sklearn.metrics), "make_scorer": sklearn.metrics.make_scorer})
    clf.set_params(scoring=written, max_iter=3).fit(X, LABELS, X_val=X, y_val=LABELS)
    assert clf.best_validation_score_ == pytest.approx(written(clf, X, LABELS))


def test_scorer_that_is_nan_is_refused_and_the_absent_class_named():
    only_ones = y > 0
    clf = MLPClassifier((5,), early_stopping=True, scoring=nan_score)
    message = r"scoring=<function nan_score.* is NaN on the validation data \(20 rows\). They lack"
    with pytest.raises(DataError, match=message + r" the classes \['no'\]"):
        clf.fit(X, LABELS, X_val=X[only_ones], y_val=LABELS[only_ones])
    assert not hasattr(clf, "coefs_")
    clf.set_params(scoring="roc_auc")
    with (
        pytest.warns(UserWarning, match="Only one class is present"),
        pytest.raises(DataError, match="scoring='roc_auc' is NaN"),
    ):
        clf.fit(X, LABELS, X_val=X[only_ones], y_val=LABELS[only_ones])


def nan_score(estimator, X, y):
    return np.nan


def test_scorer_that_raises_leaves_a_fitted_network_as_it_was(fitted):
    def broken(estimator, X, y):
        raise LookupError("no such column")

    clf = deepcopy(fitted).set_params(scoring=broken, warm_start=True)
    with pytest.raises(InvalidArgumentError, match="LookupError: no such column"):
        clf.fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize("n", [1, 5])
def test_r2_of_equal_validation_targets_is_refused_under_early_stopping(n):
    reg = MLPRegressor(hidden_layer_sizes=(5,), early_stopping=True)
    with pytest.raises(DataError, match="y_val must not be constant under early_stopping"):
        reg.fit(X, X[:, 0], X_val=X[:n], y_val=np.ones(n))
