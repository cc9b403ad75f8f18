"""Labels of every kind, probabilities, numbers, quantiles and scores."""

import json

import numpy as np
import pytest

from multilayer import MLPClassifier, MLPRegressor, Perceptron
from multilayer.onnx import to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.randn(60, 4).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
INDICATORS = (X[:, :3] > 0).astype(int)

LABELS = {
    "int": (np.array([-1, 0, 5]), np.int64),
    "uint8": (np.array([3, 4, 200], np.uint8), np.int64),
    "text": (np.array(["left", "right", "오른쪽"]), object),
    "float": (np.array([1.0, 2.0, 3.0]), np.float64),
    "two": (np.array([3, 4]), np.int64),
    "two texts": (np.array(["no", "yes"]), object),
    "bool": (np.array([False, True]), np.bool_),
}


def classifier(y, **arguments):
    """A network whose probabilities are calibrated: every graph divides by its temperature."""
    clf = MLPClassifier((5,), solver="lbfgs", max_iter=2, random_state=0, **arguments)
    clf.fit(X, y).calibrate(X, y)
    assert clf.temperature_ != 1
    return clf


@pytest.fixture(scope="module", params=["softmax", "logistic"])
def fitted(request):
    """Classifiers of two and of three classes, to which labels of other kinds are given."""
    return {n: classifier(CLASSES % n, out_activation=request.param) for n in (2, 3)}


@pytest.mark.parametrize("kind", LABELS)
def test_classes(fitted, runner, kind):
    classes, dtype = LABELS[kind]
    clf = fitted[len(classes)]
    clf.classes_ = classes
    converted = runner(to_onnx(clf))
    assert converted.names == ["label", "probabilities"]
    for rows in (slice(0, 0), slice(0, 1), slice(0, 2), slice(None)):
        got = converted(X, rows)
        assert got["label"].dtype == dtype
        np.testing.assert_array_equal(got["label"], clf.predict(X)[rows])
        expected = clf.predict_proba(X)[rows]
        assert got["probabilities"].shape == expected.shape
        np.testing.assert_allclose(got["probabilities"], expected, rtol=0, atol=1e-6)


def test_networks_of_float64_compute_in_float32(runner):
    clf = classifier(CLASSES, precision="float64")
    got = runner(to_onnx(clf))(X, slice(None))["probabilities"]
    np.testing.assert_allclose(got, clf.predict_proba(X), rtol=0, atol=1e-6)
    assert (got.dtype, clf.predict_proba(X).dtype) == (np.float32, np.float64)


def test_improbable_classes_of_one_output_each(runner):
    # Every output says no: a quotient of probabilities would be 0/0.
    clf = classifier(CLASSES, out_activation="logistic")
    clf.intercepts_[-1] = np.array([-200.0, -201.0, -300.0])
    got = runner(to_onnx(clf))(X)["probabilities"]
    np.testing.assert_allclose(got, clf.predict_proba(X), rtol=0, atol=2e-5)  # 1 ulp of 200


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_indicators(runner, out_activation):
    clf = classifier(INDICATORS, out_activation=out_activation)
    got = runner(to_onnx(clf))(X)
    assert got["label"].dtype == np.int64
    np.testing.assert_array_equal(got["label"], clf.predict(X))
    np.testing.assert_allclose(got["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_several_columns_of_classes(runner, out_activation):
    y = np.column_stack([CLASSES, CLASSES > 1]) + 3
    clf = classifier(y, out_activation=out_activation)
    converted = runner(to_onnx(clf))
    assert converted.names == ["label_0", "probabilities_0", "label_1", "probabilities_1"]
    got = converted(X)
    for i, expected in enumerate(clf.predict_proba(X)):
        np.testing.assert_array_equal(got[f"label_{i}"], clf.predict(X)[:, i])
        np.testing.assert_allclose(got[f"probabilities_{i}"], expected, rtol=0, atol=1e-6)


REGRESSORS = [
    *((2, {"out_activation": name}) for name in ("logistic", "relu")),
    (1, {"standardize_target": True, "loss": "huber"}),
    (1, {"loss": "poisson"}),
    (2, {"loss": "poisson", "out_activation": "softplus"}),
    (1, {"loss": "quantile", "standardize_target": True}),
    (2, {"loss": "quantile", "quantiles": (0.05, 0.9)}),
    (2, {"loss": "gaussian_nll", "standardize_target": True}),
]


@pytest.mark.parametrize(("n_targets", "arguments"), REGRESSORS)
def test_regressors(runner, n_targets, arguments):
    y = np.abs(100.0 + X[:, :n_targets] * 10)
    y = y[:, 0] if n_targets == 1 else y
    model = MLPRegressor(
        hidden_layer_sizes=(5,), solver="lbfgs", max_iter=2, random_state=0, **arguments
    )
    model.fit(X, y)
    got = runner(to_onnx(model))(X)
    expected = {"variable": model.predict(X).reshape(len(X), n_targets)}
    if model.loss == "quantile":
        expected["quantiles"] = model.predict_quantiles(X)
        assert (np.diff(got["quantiles"], axis=-1) >= 0).all()
    if model.loss == "gaussian_nll":
        expected["std"] = model.predict(X, return_std=True)[1].reshape(len(X), n_targets)
    assert set(got) == set(expected)
    for output, values in expected.items():
        assert got[output].dtype == np.float32
        assert got[output].shape == values.shape
        np.testing.assert_allclose(got[output], values, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("y", [CLASSES > 0, CLASSES, INDICATORS], ids=["two", "three", "matrix"])
def test_perceptron(runner, y, sparse):
    # Whole numbers: many rows lie on the boundary, which only exact sums tell.
    rows = np.round(2 * X)
    clf = Perceptron(random_state=0).fit(rows, y)
    if sparse:
        clf.sparsify()
    got = runner(to_onnx(clf))(rows)
    np.testing.assert_array_equal(got["label"], clf.predict(rows))
    expected = clf.decision_function(rows)
    np.testing.assert_array_equal(got["scores"].reshape(expected.shape), expected)


def test_facts_in_the_model():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "petal length (cm)", "d"])
    clf = MLPClassifier((5,), solver="lbfgs", max_iter=2).fit(frame, CLASSES > 0)
    model = to_onnx(clf, name="flowers")
    facts = {each.key: json.loads(each.value) for each in model.metadata_props}
    assert facts == {"classes": [False, True], "feature_names": list(frame.columns)}
    assert model.graph.name == "flowers"
    assert model.producer_name == "multilayer"
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
