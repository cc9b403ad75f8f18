"""What else a fitted network gives: hidden activations, a summary, a drawing."""

import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.fixes import parse_version

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor
from multilayer._sklearn.network.drawing import svg

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)


def fitted(**changes):
    settings = {"hidden_layer_sizes": (6, 5), "max_iter": 15, "random_state": 0} | changes
    return MLPClassifier(**settings).fit(X, y)


def test_activations_of_each_layer():
    clf = fitted(activation=("tanh", "relu"))
    first = np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0])
    second = np.maximum(first @ clf.coefs_[1] + clf.intercepts_[1], 0)
    for layer, expected in ((0, first), (-2, first), (1, second), (-1, second)):
        hidden = clf.set_params(transform_layer=layer).transform(X)
        assert hidden.dtype == np.float32
        assert_allclose(hidden, expected, rtol=1e-5, atol=1e-6)
        names = clf.get_feature_names_out()
        assert names.tolist() == [f"mlpclassifier{i}" for i in range(expected.shape[1])]


def test_hidden_features_of_a_normalised_network():
    clf = fitted(norm="batch", activation="identity")
    z = X @ clf.coefs_[0] + clf.intercepts_[0]
    z = (z - clf.norm_means_[0]) / np.sqrt(clf.norm_variances_[0] + 1e-5)
    expected = z * clf.norm_scales_[0] + clf.norm_shifts_[0]
    assert_allclose(clf.set_params(transform_layer=0).transform(X), expected, rtol=1e-4, atol=1e-5)


def test_residual_layers_add_their_input():
    clf = fitted(hidden_layer_sizes=(6, 6), residual=True)
    first = np.maximum(X @ clf.coefs_[0] + clf.intercepts_[0], 0)
    second = first + np.maximum(first @ clf.coefs_[1] + clf.intercepts_[1], 0)
    assert_allclose(clf.transform(X), second, rtol=1e-5, atol=1e-6)
    logits = second @ clf.coefs_[2] + clf.intercepts_[2]
    assert_allclose(clf.decision_function(X), logits, rtol=1e-4, atol=1e-5)


def test_features_for_another_model():
    model = make_pipeline(
        MLPRegressor(hidden_layer_sizes=(6,), max_iter=15, random_state=0), LogisticRegression()
    ).set_output(transform="pandas")
    assert model.fit(X, y).score(X, y) > 0.8
    assert model[0].transform(X).columns[0] == "mlpregressor0"


def test_a_network_without_hidden_layer_has_nothing_to_transform_to():
    clf = fitted(hidden_layer_sizes=())
    with pytest.raises(InvalidArgumentError, match="at least one layer for transform"):
        clf.transform(X)
    with pytest.raises(InvalidArgumentError, match="transform_layer must be an integer from -2"):
        fitted().set_params(transform_layer=2).transform(X)


def test_number_of_parameters():
    assert fitted().n_parameters_ == 4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3
    assert fitted(norm="batch").n_parameters_ == fitted().n_parameters_ + 2 * (6 + 5)
    with pytest.raises(AttributeError, match="call fit first"):
        MLPClassifier().n_parameters_  # noqa: B018


def test_summary():
    lines = fitted(norm="layer", activation=("tanh", jnp.sign)).summary().splitlines()
    assert lines[0].split() == ["MLPClassifier", "units", "activation", "parameters"]
    assert [line.split() for line in lines[2:]] == [
        ["input", "4"],
        ["hidden", "1", "6", "tanh,", "layer", "norm", "42"],
        ["hidden", "2", "5", "sign,", "layer", "norm", "45"],
        ["output", "3", "softmax", "18"],
        lines[1].split(),
        ["total", "105"],
    ]
    with pytest.raises(NotFittedError):
        MLPClassifier().summary()


def test_drawing_has_a_circle_per_unit_and_a_line_per_weight():
    root = ElementTree.fromstring(svg(fitted()))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == 4 + 6 + 5 + 3
    assert len(root.findall(f"{space}line")) == 4 * 6 + 6 * 5 + 5 * 3
    texts = [text.text for text in root.findall(f"{space}text") if not len(text)]
    assert texts == [
        *("input", "4", None),
        *("hidden 1", "6", "relu"),
        *("hidden 2", "5", "relu"),
        *("output", "3", "softmax"),
    ]
    wide = ElementTree.fromstring(svg(fitted(hidden_layer_sizes=(300,))))
    assert len(wide.findall(f"{space}circle")) == 4 + 10 + 3


def names_beside_units(clf):
    """Names left and right of the drawing's units: shortened, and in full."""
    found = {"end": [], "start": []}
    for text in ElementTree.fromstring(svg(clf)).iter("{http://www.w3.org/2000/svg}text"):
        if len(text):
            found[text.get("text-anchor")].append((text[0].tail, text[0].text))
    return found["end"], found["start"]


def test_drawing_names_inputs_and_classes():
    frame = pd.DataFrame(X, columns=["a<b", "width", "a name of more than twenty letters", "d"])
    labels = np.array(["<script>", "no", "yes"])[y]
    clf = MLPClassifier((6,), max_iter=1).fit(frame, labels)
    assert "<script>" not in svg(clf)
    inputs, outputs = names_beside_units(clf)
    assert inputs[:2] == [("a<b", "a<b"), ("width", "width")]
    assert inputs[2] == ("a name of more than…", "a name of more than twenty letters")
    assert [short for short, _ in outputs] == ["<script>", "no", "yes"]
    wide = MLPClassifier((6,), max_iter=1).fit(np.tile(X, (1, 5)), np.arange(len(X)) // 10)
    assert [short for short, _ in names_beside_units(wide)[1]] == [
        *("0", "1", "2", "3", "4"),
        *("10", "11", "12", "13", "14"),
    ]


def test_drawing_names_what_one_output_is_for():
    binary = MLPClassifier((6,), max_iter=1).fit(X, np.where(y > 0, "yes", "no"))
    assert names_beside_units(binary) == ([], [("yes", "yes")])
    columns = np.column_stack([y, y > 0])
    several = MLPClassifier((6,), max_iter=1).fit(X, columns)
    assert [short for short, _ in names_beside_units(several)[1]] == ["0", "1", "2", "0", "1"]
    assert names_beside_units(MLPRegressor(max_iter=1, hidden_layer_sizes=(6,)).fit(X, y)) == (
        [],
        [],
    )


def test_diagrams_show_the_drawing_once_and_no_hidden_units_as_features():
    frame = pd.DataFrame(X, columns=list("abcd"))
    scaler = StandardScaler().set_output(transform="pandas")
    pipe = make_pipeline(scaler, MLPClassifier((6,), max_iter=1)).fit(frame, y)
    for model in (pipe, pipe[-1]):
        html = model._repr_mimebundle_()["text/html"]
        assert "6 features" not in html
        if not (model is pipe and parse_version(sklearn.__version__) < parse_version("1.7")):
            assert html.count("<svg xmlns") == 1
            assert ">c</title>" in html
    assert pipe[-1].get_feature_names_out().tolist() == [f"mlpclassifier{i}" for i in range(6)]


def test_notebooks_show_the_drawing():
    clf = fitted()
    for html in (clf._repr_html_(), clf._repr_mimebundle_()["text/html"]):
        assert "MLPClassifier" in html
        assert "<svg" in html
    bundle = MLPClassifier()._repr_mimebundle_()
    assert "MLPClassifier" in bundle["text/html"]
    assert bundle["text/plain"] == "MLPClassifier()"


def test_dir_of_networks_without_hidden_layers():
    # skl2onnx looks through the attributes; a property that raises something else ends that.
    for changes in ({"hidden_layer_sizes": ()}, {"transform_layer": 7}):
        clf = fitted(max_iter=0).set_params(**changes)
        if changes == {"hidden_layer_sizes": ()}:
            clf.fit(X, y)
        assert "coefs_" in dir(clf)
        assert not hasattr(clf, "_n_features_out")
