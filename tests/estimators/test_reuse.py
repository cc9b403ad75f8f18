"""Networks begun with layers of a trained one: what is taken over, what stays, what is learnt."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import multilayer
from multilayer import DataError, InvalidArgumentError, MLPClassifier, MLPRegressor

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
LOW = y < 5
SETTINGS = {
    "solver": "adamw",
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.01,
    "random_state": 0,
}


def network(hidden=(24, 12), max_iter=15, cls=MLPClassifier, **arguments):
    return cls(hidden_layer_sizes=hidden, max_iter=max_iter, **{**SETTINGS, **arguments})


@pytest.fixture(scope="module")
def trained():
    """A network that knows the digits 0 to 4, not to be changed by a test."""
    return network().fit(X[LOW], y[LOW])


@pytest.fixture
def source(trained):
    before = [layer.copy() for layer in (*trained.coefs_, *trained.intercepts_)]
    yield FrozenEstimator(trained)
    for old, new in zip(before, (*trained.coefs_, *trained.intercepts_), strict=True):
        assert_array_equal(old, new)  # whoever reuses a network leaves it alone


def fit(**arguments):
    return network(**arguments).fit(X[~LOW], y[~LOW])


# What a network starts from -----------------------------------------------------------------------


def test_first_layers_are_taken_over_and_the_others_drawn_as_ever(source, trained):
    fresh, begun = fit(max_iter=0), fit(max_iter=0, reuse_from=source)
    for i in range(2):
        assert_array_equal(begun.coefs_[i], trained.coefs_[i])
        assert_array_equal(begun.intercepts_[i], trained.intercepts_[i])
    assert_array_equal(begun.coefs_[2], fresh.coefs_[2])
    assert begun.n_reused_layers_ == 2
    one = fit(max_iter=0, reuse_from=source, n_reused_layers=1)
    assert_array_equal(one.coefs_[0], trained.coefs_[0])
    assert_array_equal(one.coefs_[1], fresh.coefs_[1])
    assert one.n_reused_layers_ == 1
    assert fresh.n_reused_layers_ == 0


def test_more_layers_and_another_number_of_classes(source, trained):
    grown = network((24, 12, 7), max_iter=0, reuse_from=source).fit(X, y)
    assert [layer.shape for layer in grown.coefs_] == [(64, 24), (24, 12), (12, 7), (7, 10)]
    assert_array_equal(grown.coefs_[1], trained.coefs_[1])
    regressor = network(cls=MLPRegressor, max_iter=0, reuse_from=source).fit(X, X[:, :3])
    assert_array_equal(regressor.coefs_[1], trained.coefs_[1])
    assert regressor.coefs_[2].shape == (12, 3)


def test_from_a_file(trained, tmp_path):
    path = tmp_path / "low.safetensors"
    multilayer.save(trained, path)
    for given in (path, str(path)):
        begun = fit(max_iter=0, reuse_from=given)
        assert_array_equal(begun.coefs_[1], trained.coefs_[1])
    again = network(reuse_from=str(path)).fit(X[~LOW], y[~LOW])
    assert_array_equal(again.coefs_[0], fit(reuse_from=FrozenEstimator(trained)).coefs_[0])


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_normalised_layers_come_with_their_moments(norm):
    source = network(norm=norm).fit(X[LOW], y[LOW])
    begun = fit(norm=norm, max_iter=0, reuse_from=FrozenEstimator(source))
    assert_allclose(begun.transform(X[:50]), source.transform(X[:50]), rtol=1e-6)


def test_partial_fit_starts_there_too(source, trained):
    clf = network(reuse_from=source, freeze_reused=True)
    for _ in range(2):
        clf.partial_fit(X[~LOW], y[~LOW], classes=range(5, 10))
    assert_array_equal(clf.coefs_[1], trained.coefs_[1])


# What stays as it is ------------------------------------------------------------------------------

STIRRING = [
    {},
    {"solver": "sgd", "learning_rate": "constant", "momentum": 0.9},
    {"weight_decay": 0.5, "alpha": 0.1},
    {"max_norm": 0.5, "clip_norm": 0.1},
    {"ema_decay": 0.9, "accumulate_steps": 2},
    {"dropout": 0.3, "input_noise": 0.1},
    {"solver": "lbfgs", "learning_rate": "constant", "alpha": 0.1, "weight_decay": 0.01},
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("changes", STIRRING, ids=lambda changes: "-".join(changes) or "plain")
def test_frozen_layers_stay_to_the_bit(source, trained, changes):
    clf = fit(reuse_from=source, n_reused_layers=1, freeze_reused=True, max_iter=5, **changes)
    assert_array_equal(clf.coefs_[0], trained.coefs_[0])
    assert_array_equal(clf.intercepts_[0], trained.intercepts_[0])
    assert np.abs(clf.coefs_[1] - trained.coefs_[1]).max() > 1e-3


def test_frozen_batch_norm_predicts_as_before():
    source = network(norm="batch").fit(X[LOW], y[LOW])
    clf = fit(norm="batch", reuse_from=FrozenEstimator(source), freeze_reused=True, max_iter=5)
    assert_array_equal(clf.transform(X), source.transform(X))
    assert_array_equal(clf.norm_means_[1], source.norm_means_[1])


def test_training_above_frozen_layers_is_training_on_their_features(source, trained):
    """The layers above learn what a network of them alone learns on the features."""
    arguments = {
        "solver": "sgd",
        "learning_rate": "constant",
        "batch_size": 32,
        "tol": 0,
        "alpha": 0.1,
    }
    whole = network((24, 12), reuse_from=source, n_reused_layers=1, freeze_reused=True, **arguments)
    above = network((12,), warm_start=True, max_iter=0, **arguments)
    features = trained.set_params(transform_layer=0).transform(X[~LOW])
    trained.set_params(transform_layer=-1)
    start = clone(whole).set_params(max_iter=0).fit(X[~LOW], y[~LOW])
    above.fit(features, y[~LOW])
    above.coefs_, above.intercepts_ = start.coefs_[1:], start.intercepts_[1:]
    above._seed = start._seed
    with pytest.warns(match="Maximum iterations"):
        whole.fit(X[~LOW], y[~LOW])
    with pytest.warns(match="Maximum iterations"):
        above.set_params(max_iter=15).fit(features, y[~LOW])
    assert_allclose(whole.coefs_[1], above.coefs_[0], rtol=1e-3, atol=1e-4)
    assert_allclose(whole.coefs_[2], above.coefs_[1], rtol=1e-3, atol=1e-4)


def test_unfreezing_later(source, trained):
    clf = fit(reuse_from=source, freeze_reused=True, max_iter=5)
    epochs = len(clf.history_["loss"])
    clf.set_params(freeze_reused=False, warm_start=True).fit(X[~LOW], y[~LOW])
    assert len(clf.history_["loss"]) > epochs
    assert np.abs(clf.coefs_[0] - trained.coefs_[0]).max() > 1e-3
    assert clf.n_reused_layers_ == 2
    frozen = [layer.copy() for layer in clf.coefs_]
    clf.set_params(freeze_reused=True).fit(X[~LOW], y[~LOW])
    assert_array_equal(clf.coefs_[1], frozen[1])
    assert np.abs(clf.coefs_[2] - frozen[2]).max() > 1e-4


# Rates of layers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_a_rate_of_zero_freezes_and_of_one_changes_nothing(solver):
    arguments = {"solver": solver, "learning_rate": "constant", "max_iter": 4, "alpha": 0.01}
    with pytest.warns(match="Maximum iterations"):
        plain = network(**arguments).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        same = network(layer_learning_rates=(1, 1, 1), **arguments).fit(X, y)
    start = network(**{**arguments, "max_iter": 0}).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        still = network(layer_learning_rates=(0.0, 1.0, 1.0), **arguments).fit(X, y)
    for one, other in zip(plain.coefs_, same.coefs_, strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert_array_equal(still.coefs_[0], start.coefs_[0])
    assert np.abs(still.coefs_[1] - start.coefs_[1]).max() > 1e-3


def test_factors_scale_the_first_step_of_each_layer():
    arguments = {
        "solver": "sgd",
        "momentum": 0,
        "learning_rate": "constant",
        "batch_size": len(X),
        "max_iter": 1,
        "alpha": 0,
    }
    start = network(**{**arguments, "max_iter": 0}).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        plain = network(**arguments).fit(X, y)
    with pytest.warns(match="Maximum iterations"):
        scaled = network(layer_learning_rates=[0.25, 3.0, 0.5], **arguments).fit(X, y)
    for i, factor in enumerate((0.25, 3.0, 0.5)):
        step = plain.coefs_[i] - start.coefs_[i]
        assert_allclose(scaled.coefs_[i] - start.coefs_[i], factor * step, rtol=1e-3, atol=1e-7)


# With scikit-learn's tools, and in files ----------------------------------------------------------


def test_clones_and_searches_keep_the_trained_network(source, trained):
    clf = network(reuse_from=source, max_iter=3)
    copied = clone(clone(clf))
    assert copied.reuse_from.estimator is trained
    search = GridSearchCV(clf, {"n_reused_layers": [1, 2], "freeze_reused": [False, True]}, cv=2)
    search.fit(X[~LOW], y[~LOW])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_saved_network_remembers_what_is_frozen(source, tmp_path):
    clf = fit(reuse_from=source, n_reused_layers=1, freeze_reused=True, warm_start=True, max_iter=2)
    multilayer.save(clf, tmp_path / "high.safetensors")
    again = multilayer.load(tmp_path / "high.safetensors")
    assert again.reuse_from is None
    assert again.n_reused_layers_ == 1
    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    first = again.coefs_[0].copy()
    again.fit(X[~LOW], y[~LOW])
    assert_array_equal(again.coefs_[0], first)


@pytest.mark.slow
def test_reuse_helps_where_data_are_few():
    """MNIST: digits 0 to 4 first, then 5 to 9 from 100 images of each."""
    mnist = multilayer.datasets.load_mnist()
    low, high = mnist.y_train < 5, mnist.y_test >= 5
    settings = dict(SETTINGS, learning_rate_init=3e-3)
    trained = MLPClassifier((300, 100), batch_size=128, max_iter=4, **settings)
    trained.fit(mnist.X_train[low], mnist.y_train[low])
    rng = np.random.default_rng(0)
    few = np.concatenate(
        [rng.choice(np.flatnonzero(mnist.y_train == digit), 100, False) for digit in range(5, 10)]
    )
    scores = {}
    for name, source in (("scratch", None), ("reused", FrozenEstimator(trained))):
        for seed in range(3):
            clf = MLPClassifier((300, 100), batch_size=20, max_iter=40, **settings)
            clf.set_params(reuse_from=source, random_state=seed)
            clf.fit(mnist.X_train[few], mnist.y_train[few])
            accuracy = clf.score(mnist.X_test[high], mnist.y_test[high])
            scores[name] = [*scores.get(name, []), accuracy]
    assert np.median(scores["reused"]) > np.median(scores["scratch"])


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reuse_from": 3}, "reuse_from must be None, the path"),
        ({"n_reused_layers": 0}, "n_reused_layers must be"),
        ({"n_reused_layers": 3}, "n_reused_layers must be at most 2, the hidden layers"),
        ({"hidden": (25, 12)}, r"begins with \(24, 12\), the 2 layers reused"),
        ({"hidden": (24,)}, r"begins with \(24, 12\)"),
        ({"activation": "tanh"}, "activation must be"),
        ({"activation": ("relu", "tanh")}, "activation must be"),
        ({"norm": "batch"}, "norm must be None, as in the network reused"),
        ({"input_scale": 0.5}, "input_scale must be None, as in the network reused"),
        ({"freeze_reused": "yes"}, "freeze_reused must be"),
        ({"reuse_from": None, "freeze_reused": True}, "freeze_reused must be False without"),
        ({"reuse_from": None, "n_reused_layers": 1}, "n_reused_layers must be None without"),
        ({"layer_learning_rates": (1, 1)}, "layer_learning_rates must be None or 3 factors"),
        ({"layer_learning_rates": (1, 1, -1)}, "layer_learning_rates must be"),
        ({"layer_learning_rates": 0.5}, "layer_learning_rates must be None or 3 factors"),
        (
            {"layer_learning_rates": (1, 1, 1), "solver": "lbfgs", "learning_rate": "constant"},
            "layer_learning_rates must be None with solver='lbfgs'",
        ),
    ],
)
def test_refused(source, changes, message):
    clf = network(**{"reuse_from": source, **changes})
    with pytest.raises(InvalidArgumentError, match=message):
        clf.fit(X[~LOW], y[~LOW])
    assert not hasattr(clf, "coefs_")


def test_an_estimator_that_clones_would_empty_is_refused(trained):
    with pytest.raises(InvalidArgumentError, match="Wrap it in FrozenEstimator"):
        network(reuse_from=trained).fit(X, y)


def test_other_features_are_refused(source):
    with pytest.raises(DataError, match=r"X has 63 features.*trained on 64"):
        network(reuse_from=source).fit(X[:, 1:], y)


def test_other_names_of_features_are_refused():
    pd = pytest.importorskip("pandas")
    names = [f"pixel {i}" for i in range(64)]
    first = network(max_iter=1).fit(pd.DataFrame(X, columns=names), y)
    network(max_iter=1, reuse_from=FrozenEstimator(first)).fit(X, y)  # without names
    with pytest.raises(DataError, match="in their order"):
        network(reuse_from=FrozenEstimator(first)).fit(pd.DataFrame(X, columns=names[::-1]), y)


def test_what_is_no_network_is_refused(tmp_path, trained):
    with pytest.raises(InvalidArgumentError, match="an MLPClassifier or MLPRegressor"):
        network(reuse_from=FrozenEstimator(StandardScaler().fit(X))).fit(X, y)
    pipeline = make_pipeline(StandardScaler(), network(max_iter=1)).fit(X, y)
    multilayer.save(pipeline, tmp_path / "pipeline.safetensors")
    with pytest.raises(InvalidArgumentError, match=r"FrozenEstimator\(pipeline\[-1\]\)"):
        network(reuse_from=tmp_path / "pipeline.safetensors").fit(X, y)
    with pytest.raises(multilayer.ModelFileError, match="nothing here"):
        network(reuse_from="nothing here").fit(X, y)
    with pytest.raises(ValueError, match="not fitted"):
        network(reuse_from=FrozenEstimator(network())).fit(X, y)
