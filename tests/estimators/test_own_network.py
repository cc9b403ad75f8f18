"""Networks of the user's own, trained by the estimators."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

import multilayer
from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, nn
from multilayer._engine.xla import cache

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
NETWORK = nn.sequential(nn.dense(24), nn.tanh, nn.dense(10))
EVERYTHING = nn.sequential(
    nn.gaussian_noise(0.05),
    nn.dense(24),
    nn.batch_norm(),
    nn.relu,
    nn.residual(nn.sequential(nn.dense(24), nn.layer_norm(), nn.relu)),
    nn.dropout(0.2),
    nn.dense(10),
)


def classifier(network=NETWORK, **arguments):
    settings = {"learning_rate": "cosine", "learning_rate_init": 0.01, "max_iter": 15}
    return MLPClassifier(network=network, **{**settings, "random_state": 0, **arguments})


def dense_layers(params):
    """The kernels and the biases of parameters made of dense layers."""
    layers = [layer for layer in params if layer]
    return [layer.kernel for layer in layers], [layer.bias for layer in layers]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"solver": "sgd", "alpha": 0.5, "batch_size": 100},
        {"solver": "adamw", "weight_decay": 0.1, "ema_decay": 0.9, "clip_norm": 0.5},
        {"early_stopping": True, "accumulate_steps": 2},
        {"l1_ratio": 0.5, "alpha": 1.0, "input_scale": 0.5},
    ],
    ids=lambda arguments: "-".join(arguments) or "plain",
)
def test_training_is_that_of_the_same_dense_layers(arguments):
    """The engine does with layers of one's own what it does with those of hidden_layer_sizes."""
    own = classifier(**arguments, warm_start=True, max_iter=0).fit(X, y)
    usual = clone(own).set_params(network=None, hidden_layer_sizes=(24,), activation="tanh")
    usual.fit(X, y)
    usual.coefs_, usual.intercepts_ = dense_layers(own.params_)
    usual._seed = own._seed
    for clf in (own, usual):
        clf.set_params(max_iter=6).fit(X, y)
    for one, other in zip(
        dense_layers(own.params_), (usual.coefs_, usual.intercepts_), strict=True
    ):
        for a, b in zip(one, other, strict=True):
            assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert_allclose(own.loss_curve_, usual.loss_curve_, rtol=1e-4)
    assert_allclose(own.predict_proba(X), usual.predict_proba(X), atol=1e-4)
    assert own.n_parameters_ == usual.n_parameters_


def test_every_kind_of_layer_learns():
    clf = classifier(EVERYTHING)
    clf.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])
    assert clf.score(X[1000:], y[1000:]) > 0.85
    moments = clf.params_[2].moments
    assert np.abs(moments.mean).max() > 0.01  # moved by training
    assert_array_equal(clf.predict(X), clf.predict(X))  # nothing random at prediction
    logits = EVERYTHING.apply(clf.params_, X)
    assert_allclose(clf.decision_function(X), logits, rtol=1e-3, atol=1e-4)
    parts = [leaf.size for leaf in jax.tree.leaves(clf.params_)]
    assert clf.n_parameters_ == sum(parts) - moments.mean.size - moments.variance.size


def test_rows_without_weight_are_not_there():
    """For batch normalisation too: a batch of rows with and without weight is one without them."""
    weight = np.tile([1.0, 0.0], len(X) // 2 + 1)[: len(X)]
    network = nn.sequential(nn.dense(8), nn.batch_norm(), nn.relu, nn.dense(10))
    settings = {"solver": "sgd", "batch_size": len(X), "shuffle": False, "max_iter": 4, "alpha": 0}
    weighed = classifier(network, **settings).fit(X, y, weight)
    fewer = classifier(network, **settings).fit(X[::2], y[::2])
    for a, b in zip(*map(jax.tree.leaves, (weighed.params_, fewer.params_)), strict=True):
        assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_a_network_from_functions():
    """Two towers that meet: no stack of layers."""
    left, right, top = nn.dense(8), nn.dense(8), nn.dense(10)

    def init(key, n_inputs):
        a, b, c = jax.random.split(key, 3)
        return {"left": left.init(a, 32), "right": right.init(b, 32), "top": top.init(c, 16)}

    def apply(params, x):
        sides = left.apply(params["left"], x[:, :32]), right.apply(params["right"], x[:, 32:])
        return top.apply(params["top"], nn.relu(jnp.concatenate(sides, axis=1)))

    clf = classifier(nn.from_functions(init, apply)).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert set(clf.params_) == {"left", "right", "top"}


def test_regression():
    targets = X[:, [10, 20]] + 1
    reg = MLPRegressor(
        network=nn.sequential(nn.dense(16), nn.silu, nn.dense(2)),
        learning_rate="cosine",
        learning_rate_init=0.01,
        batch_size=32,
        max_iter=20,
        random_state=0,
    )
    assert reg.fit(X, targets).score(X, targets) > 0.9


def test_equal_networks_share_programs():
    def make():
        return nn.sequential(nn.dense(7), nn.relu, nn.dense(10))

    classifier(make(), max_iter=1, learning_rate="linear").fit(X, y).predict(X)
    before = cache.PROGRAMS.n_compiled
    clf = classifier(make(), max_iter=1, learning_rate="linear")
    for each in (clf, clone(clf), clone(clone(clf)), pickle.loads(pickle.dumps(clf))):
        each.fit(X, y).predict(X)
    assert cache.PROGRAMS.n_compiled == before


def test_searching_over_networks():
    networks = [nn.sequential(nn.dense(n), nn.relu, nn.dense(10)) for n in (2, 16)]
    search = GridSearchCV(classifier(max_iter=8), {"network": networks}, cv=2).fit(X, y)
    assert search.best_params_ == {"network": networks[1]}


def test_continuing(tmp_path):
    whole = classifier(max_iter=8, learning_rate="linear").fit(X, y)
    clf = classifier(learning_rate="linear", max_iter=8)
    for _ in range(8):
        clf.partial_fit(X, y, classes=range(10))
    for a, b in zip(*map(jax.tree.leaves, (whole.params_, clf.params_)), strict=True):
        assert_array_equal(a, b)
    clf.set_params(warm_start=True, network=nn.sequential(nn.dense(3), nn.tanh, nn.dense(10)))
    with pytest.raises(InvalidArgumentError, match=r"network must be .*warm_start"):
        clf.fit(X, y)
    clf.set_params(network=None)
    with pytest.raises(InvalidArgumentError, match=r"network must be .*warm_start"):
        clf.fit(X, y)
    clf.set_params(warm_start=False, max_iter=1).fit(X, y)
    assert not hasattr(clf, "params_")
    clf.set_params(network=NETWORK).fit(X, y)
    assert not hasattr(clf, "coefs_")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": 3}, "network must be None, or an object with init"),
        ({"network": nn.dense}, "network must be .* Give an instance"),
        ({"network": nn.sequential(nn.dense(9))}, "network must be one with 10 outputs"),
        ({"network": nn.tanh}, "network must be None, or an object with init"),
        ({"network": nn.sequential(nn.tanh)}, "network must be one with 10 outputs"),
        ({"hidden_layer_sizes": (3,)}, r"hidden_layer_sizes must be left at \(100,\)"),
        ({"activation": "tanh"}, "activation must be left at 'relu'"),
        ({"dropout": 0.5}, r"dropout must be left at 0.0 .* Build it into"),
        ({"norm": "batch"}, "norm must be left at None"),
        ({"max_norm": 1.0}, "max_norm must be left at None"),
        ({"layer_learning_rates": (1, 1)}, "layer_learning_rates must be left at None"),
        ({"freeze_reused": True}, "freeze_reused must be left at False"),
        ({"solver": "lbfgs", "learning_rate": "constant"}, "solver must be a mini-batch solver"),
    ],
)
def test_refused(changes, message):
    clf = classifier().set_params(**changes)
    with pytest.raises(InvalidArgumentError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "params_")


def test_what_asks_for_dense_layers_is_refused(tmp_path):
    clf = classifier(max_iter=1, learning_rate="linear").fit(X, y)
    for ask in (lambda: clf.transform(X), clf.summary):
        with pytest.raises(InvalidArgumentError, match="network must be None for"):
            ask()
    with pytest.raises(multilayer.ModelFileError, match=r"nn\.save\(model\.params_, path\)"):
        multilayer.save(clf, tmp_path / "own.safetensors")
    assert "text/html" in clf._repr_mimebundle_()  # without a drawing
    with pytest.raises(InvalidArgumentError, match="reuse_from must be a network of dense"):
        MLPClassifier(reuse_from=FrozenEstimator(clf)).fit(X, y)
