"""skl2onnx's options for classifiers: outputs as those of scikit-learn's MLPClassifier."""

import numpy as np
import pytest
from scipy import special
from sklearn import neural_network
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron

skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).randn(60, 4).astype(np.float32)
THREE = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
TARGETS = {
    "numbers": THREE + 3,
    "text": np.array(["a", "b", "ç"])[THREE],
    "two": THREE % 2,
    "indicators": (X[:, :3] > 0).astype(int),
}
OPTIONS = {
    "none": {},
    "zipmap": {"zipmap": True},
    "array": {"zipmap": False},
    "columns": {"zipmap": "columns"},
    "labels": {"zipmap": False, "output_class_labels": True},
    "numbers of classes": {"zipmap": False, "nocl": True},
}


def networks(target):
    """Return scikit-learn's network and ours, not trained."""
    theirs = neural_network.MLPClassifier((4,), max_iter=1, random_state=0).fit(X, target)
    return theirs, MLPClassifier((4,), max_iter=0, random_state=0).fit(X, target)


def converted(model, options):
    return skl2onnx.to_onnx(model, X[:1], options=options, target_opset=17)


def types(model):
    """Return names, types and shapes of the outputs."""
    return [(output.name, output.type.SerializeToString()) for output in model.graph.output]


@pytest.fixture(scope="module")
def pairs():
    return {name: networks(target) for name, target in TARGETS.items()}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_outputs_are_those_of_scikit_learn(target, options, pairs, runner):
    theirs, ours = pairs[target]
    if target == "text" and options.get("nocl"):
        return  # scikit-learn's network then returns text where it declares numbers
    for keyed in (id, type):
        given = [{keyed(each): dict(options)} if options else None for each in (theirs, ours)]
        expected, found = (converted(*each) for each in zip((theirs, ours), given, strict=True))
        # scikit-learn's says that the labels of an indicator matrix have one axis.
        first = 1 if target == "indicators" else 0
        assert types(found)[first:] == types(expected)[first:]
        assert types(found)[0][0] == types(expected)[0][0]
    names = [output.name for output in found.graph.output]
    values = runner(found)(X)
    assert_probabilities(ours, values, names, options)


def assert_probabilities(model, values, names, options):
    expected = model.predict_proba(X)
    multilabel = model.predict(X).ndim == 2
    classes = np.arange(len(model.classes_)) if options.get("nocl") else model.classes_
    predicted = model.predict(X)
    if options.get("nocl") and not multilabel:
        predicted = np.searchsorted(model.classes_, predicted)
    np.testing.assert_array_equal(values[names[0]], predicted)
    match options.get("zipmap", True):
        case True:
            found = [[row[key] for key in classes.tolist()] for row in values[names[1]]]
        case "columns":
            found = np.column_stack([values[name] for name in names[1:]])
        case _:
            found = values[names[1]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    if "output_class_labels" in options:
        np.testing.assert_array_equal(values["class_labels"], classes)


def test_the_common_call(pairs, runner):
    ours = pairs["text"][1]
    model = make_pipeline(StandardScaler(), ours).fit(X, TARGETS["text"])
    for options in (
        {"zipmap": False},
        {"mlpclassifier__zipmap": False},
        {id(model): {"zipmap": False}},
        {type(ours): {"zipmap": False}},
    ):
        values = runner(converted(model, options))(X)
        assert list(values) == ["label", "probabilities"]
        np.testing.assert_allclose(values["probabilities"], model.predict_proba(X), atol=1e-6)
    assert [each.name for each in converted(model, None).graph.output] == [
        "output_label",
        "output_probability",
    ]


def test_options_of_another_step_change_nothing(pairs):
    model = make_pipeline(StandardScaler(), pairs["text"][1]).fit(X, TARGETS["text"])
    options = {id(model[0]): {"div": "div_cast"}}
    assert types(converted(model, options)) == types(converted(model, None))


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
@pytest.mark.parametrize("target", TARGETS)
def test_raw_scores(target, out_activation, runner):
    model = MLPClassifier((4,), out_activation=out_activation, max_iter=0, random_state=0)
    expected = model.fit(X, TARGETS[target]).predict_proba(X)
    model.calibrate(X, TARGETS[target])  # which changes probabilities alone
    options = {id(model): {"raw_scores": True, "zipmap": False}}
    raw = runner(converted(model, options))(X)["probabilities"].astype(float)
    exclusive, two = target != "indicators", target == "two"
    if exclusive and out_activation == "softmax":
        values = special.softmax(raw, axis=1)
    else:
        values = special.expit(raw)
        values /= values.sum(axis=1, keepdims=True) if exclusive else 1
    if two and out_activation == "logistic":
        np.testing.assert_array_equal(raw[:, 0], -raw[:, 1])
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6)


def test_several_columns_of_classes(runner):
    y = np.column_stack([THREE, THREE > 1]) + 3
    model = MLPClassifier((4,), max_iter=0, random_state=0).fit(X, y)
    names = ["label_0", "probabilities_0", "label_1", "probabilities_1"]
    for options in ({}, {"zipmap": True}, {"zipmap": False}):
        assert runner(converted(model, {id(model): options})).names == names
    options = {"output_class_labels": True, "zipmap": False, "nocl": True}
    values = runner(converted(model, {id(model): options}))(X)
    assert list(values) == [*names, "class_labels_0", "class_labels_1"]
    np.testing.assert_array_equal(values["class_labels_0"], [0, 1, 2])
    np.testing.assert_array_equal(values["label_1"], model.predict(X)[:, 1] - 3)
    with pytest.raises(InvalidArgumentError, match=r"options\['zipmap'\] must be True or False"):
        converted(model, {id(model): {"zipmap": "columns"}})


def test_perceptrons(runner):
    text = TARGETS["text"]
    model = make_pipeline(StandardScaler(), Perceptron(max_iter=5)).fit(X, text)
    for options in (None, {"zipmap": False}, {id(model[-1]): {"raw_scores": True}}):
        values = runner(converted(model, options))(X)
        assert list(values) == ["label", "scores"]
    options = {"zipmap": False, "nocl": True, "output_class_labels": True}
    values = runner(converted(model, options))(X)
    np.testing.assert_array_equal(values["class_labels"], [0, 1, 2])
    assert values["label"].dtype == np.int64
    with pytest.raises(InvalidArgumentError, match=r"options\['zipmap'\] must be True or False"):
        converted(model, {"zipmap": "columns"})


def test_labels_that_are_no_keys(pairs):
    model = MLPClassifier((4,), max_iter=0).fit(X, THREE)
    model.classes_ = np.array([0, 0.5, 1])
    with pytest.raises(InvalidArgumentError, match="whole numbers or text for zipmap"):
        converted(model, None)
    assert types(converted(model, {id(model): {"zipmap": False}}))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"zipmap": 3}, InvalidArgumentError, r"options\['zipmap'\] must be one of"),
        ({"nocl": "yes"}, InvalidArgumentError, r"options\['nocl'\] must be one of"),
        ({"output_class_labels": True}, InvalidArgumentError, "must be False beside zipmap"),
        ({"score_samples": True}, NameError, "'score_samples' not in .*'MLPClassifier'"),
    ],
)
def test_options_that_are_refused(options, error, match, pairs):
    model = pairs["numbers"][1]
    with pytest.raises(error, match=match):
        converted(model, {id(model): options})


def test_regressors_have_no_options():
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=0).fit(X, X[:, 0])
    with pytest.raises(NameError, match=r"'zipmap' not in .*'MLPRegressor'"):
        converted(model, {id(model): {"zipmap": False}})


@pytest.mark.parametrize("around", ["search", "calibration"])
def test_models_around_a_network(around, runner):
    clf = MLPClassifier((4,), max_iter=0, random_state=0)
    model = {
        "search": GridSearchCV(clf, {"alpha": [0.1]}, cv=2),
        "calibration": CalibratedClassifierCV(clf, cv=2),
    }[around].fit(X, THREE)
    converted(clf.fit(X, THREE), None)  # from here on skl2onnx knows networks within others
    found = runner(converted(model, {id(model): {"zipmap": False}}))
    values = found(X)
    np.testing.assert_allclose(values[found.names[1]], model.predict_proba(X), rtol=0, atol=1e-5)
