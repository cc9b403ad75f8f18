"""Activations of the user's own: records in place of names."""

import pickle
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnxruntime import InferenceSession
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from multilayer import (
    Activation,
    InvalidArgumentError,
    MLPClassifier,
    ModelFileError,
    save,
    to_onnx,
)
from multilayer._core.activation_functions import function_of
from multilayer._core.activations import ACTIVATIONS, HIDDEN
from multilayer._engine.xla import cache
from multilayer._sklearn.fit.fingerprint import parameters_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)).astype(np.float32)
y = (X[:, 0] * X[:, 1] > 0).astype(int)


def hardswish(z, *, width=6.0):
    return z * jnp.clip(z / width + 0.5, 0, 1)


def hardswish_nodes(graph, z):
    share = graph.node("Add", graph.node("Mul", z, 1 / 6), 0.5)
    return graph.node("Mul", z, graph.node("Clip", share, 0.0, 1.0))


OWN = Activation("hardswish", hardswish, onnx_form=hardswish_nodes)


def classifier(activation=OWN, **arguments):
    settings = {"hidden_layer_sizes": (5,), "batch_size": 30, "max_iter": 5, "random_state": 0}
    return MLPClassifier(activation=activation, **{**settings, **arguments})


def refused(message, activation):
    clf = classifier(activation)
    with pytest.raises(InvalidArgumentError, match=message):
        clf.fit(X, y)
    assert not hasattr(clf, "coefs_")


@pytest.mark.usefixtures("by_xla")
@pytest.mark.parametrize("name", ["selu", "logistic"])
def test_the_record_of_a_built_in_function_under_another_name_trains_the_same(name):
    """Its first weights and biases too."""
    of_name, record = classifier(name).fit(X, y), HIDDEN[name]
    fields = {"weight_init": record.weight_init, "bias_factor": record.bias_factor}
    other = classifier(Activation("own", function_of(name), **fields)).fit(X, y)
    assert_array_equal(other.coefs_[0], of_name.coefs_[0])
    assert_array_equal(other.loss_curve_, of_name.loss_curve_)


def test_a_record_of_the_table_goes_by_its_name(tmp_path):
    clf = classifier(HIDDEN["tanh"], max_iter=0).fit(X, y)
    assert clf._network.activations == ("tanh",)


def test_one_for_each_layer_and_the_summary():
    clf = classifier([OWN, "relu"], hidden_layer_sizes=(5, 4), max_iter=0).fit(X, y)
    assert [line.split()[3] for line in clf.summary().splitlines()[3:5]] == ["hardswish", "relu"]
    assert "<title>" in clf._repr_html_()


def test_clones_and_pickles_train_the_same_and_share_the_program():
    clf = classifier(Activation("own", partial(hardswish, width=5.0))).fit(X, y)
    expected, before = clf.predict_proba(X), cache.PROGRAMS.n_compiled
    for other in (clone(clf).fit(X, y), pickle.loads(pickle.dumps(clf)).fit(X, y)):
        assert_array_equal(other.predict_proba(X), expected)
    assert cache.PROGRAMS.n_compiled == before
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(X), clf.predict(X))


def test_parameters_and_searches():
    clf = classifier("relu")
    assert clf.set_params(activation=OWN).get_params()["activation"] is OWN
    assert "activation=Activation(name='hardswish'" in repr(clf)
    search = GridSearchCV(classifier(), {"activation": ["tanh", OWN]}, cv=2).fit(X, y)
    assert search.cv_results_["param_activation"].tolist() == ["tanh", OWN]


def test_fingerprints_differ_by_function():
    def described(activation):
        return parameters_of(classifier(activation))

    one, two = (Activation("same", partial(hardswish, width=w)) for w in (5.0, 6.0))
    assert described(one) == described(pickle.loads(pickle.dumps(one)))
    assert described(one) != described(two)
    assert described(one) != described(Activation("same", hardswish))


def test_a_checkpoint_goes_on_under_the_same_function_alone(tmp_path):
    first = classifier(checkpoint=tmp_path).fit(X, y)
    again = classifier(checkpoint=tmp_path).fit(X, y)
    assert_array_equal(again.predict_proba(X), first.predict_proba(X))
    assert len(list(tmp_path.iterdir())) == 1
    classifier(Activation("hardswish", jnp.sin), checkpoint=tmp_path).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 2


def test_files_refuse_it_by_name(tmp_path):
    with pytest.raises(ModelFileError, match=r"^activation must be .* got activation=Activation\("):
        save(classifier(max_iter=0).fit(X, y), tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_onnx_takes_its_form_and_refuses_one_without():
    clf = classifier().fit(X, y)
    session = InferenceSession(to_onnx(clf).SerializeToString())
    _, found = session.run(None, {session.get_inputs()[0].name: X})
    assert_allclose(found, clf.predict_proba(X), rtol=1e-5, atol=1e-6)
    without = classifier(Activation("own", hardswish), max_iter=0).fit(X, y)
    with pytest.raises(InvalidArgumentError, match=r"multilayer\.Activation with an onnx_form"):
        to_onnx(without)


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (Activation("own", jnp.sum), r"keeps the shape \(it changes that\), got activation=Act"),
        (Activation("own", np.exp), r"called with one it raises TypeError"),
        (Activation("relu", jnp.sin), "a record with a name other than"),
        (Activation("own"), "a name, or a record with a function"),
        (ACTIVATIONS["sign"], "a function with slopes"),
        (ACTIVATIONS["exp"], "a record with a name other than"),
        (Activation("own", jnp.sin, weight_init="he"), "whose weight_init is one of"),
    ],
)
def test_records_that_are_refused_before_training(activation, message):
    refused(message, activation)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": 3}, "name must be a text"),
        ({"function": 3}, "function must be a function of JAX arrays"),
        ({"function": type("F", (), {"__call__": None, "__hash__": None})()}, "must be hashable"),
        ({"onnx_form": "Relu"}, r"onnx_form must be a function of \(graph, z\), or None"),
        ({"weight_init": None}, "weight_init must be the name of a distribution"),
        ({"bias_factor": 0}, r"bias_factor must be a number in \(0, inf\)"),
    ],
)
def test_records_check_their_fields(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Activation(**{"name": "own", "function": jnp.sin} | fields)
