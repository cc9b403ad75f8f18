"""What cannot be converted is refused, with the name of the step or argument."""

import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    SplineTransformer,
    StandardScaler,
)

from multilayer import InvalidArgumentError, MLPClassifier, ModelFileError, Perceptron, nn
from multilayer.onnx import to_onnx

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.RandomState(0).randn(40, 3)
Y = X[:, 0] > 0


def perceptron(*steps):
    return make_pipeline(*steps, Perceptron(max_iter=5)).fit(X, Y)


@pytest.fixture(scope="module")
def fitted():
    return perceptron()[-1]


@pytest.mark.parametrize(
    "model", [MLPClassifier(), Perceptron(), make_pipeline(StandardScaler(), Perceptron())]
)
def test_what_is_not_fitted(model):
    with pytest.raises(NotFittedError):
        to_onnx(model)


@pytest.mark.parametrize("model", [LogisticRegression().fit(X, Y), "clf.safetensors", None])
def test_other_models(model):
    with pytest.raises(InvalidArgumentError, match="model must be an estimator of multilayer"):
        to_onnx(model)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"network": nn.sequential(nn.dense(1))}, "network must be None for ONNX"),
        (
            {"hidden_layer_sizes": (5,), "activation": lambda z: z * 2, "solver": "lbfgs"},
            "activation must be a name for ONNX",
        ),
    ],
)
def test_code(arguments, match):
    clf = MLPClassifier(max_iter=1, **arguments).fit(X, Y)
    with pytest.raises(InvalidArgumentError, match=match):
        to_onnx(clf)


@pytest.mark.parametrize(
    ("step", "match"),
    [
        (FactorAnalysis(1), "know FactorAnalysis, the step 'factoranalysis'"),
        (KNNImputer(), "no KNNImputer for ONNX, whose choice .* got the step 'knnimputer'"),
        (FunctionTransformer(np.cbrt), r"fails at the step 'functiontransformer'"),
        (SplineTransformer(degree=1, extrapolation="linear"), "degree must be above 1 for ONNX"),
        (
            make_pipeline(
                Binarizer(), SplineTransformer(knots="quantile", extrapolation="continue")
            ),
            "knots must be of different values at their start",
        ),
    ],
)
def test_steps(step, match):
    with pytest.raises(InvalidArgumentError, match=match):
        to_onnx(perceptron(step), inputs="double")


def test_steps_that_predict():
    # Let alone, skl2onnx would hand on their predictions instead of what they transform to.
    with pytest.raises(InvalidArgumentError, match="KMeans, the step 'kmeans'"):
        to_onnx(perceptron(KMeans(2, n_init=1)))


def test_texts():
    pandas = pytest.importorskip("pandas")
    words = np.where(Y, "yes", "no")
    for step in (CountVectorizer(), TfidfVectorizer()):
        model = make_pipeline(step, Perceptron(max_iter=5)).fit(words, Y)
        with pytest.raises(InvalidArgumentError, match="model must be one whose first step takes"):
            to_onnx(model)
        frame = pandas.DataFrame({"a": words})
        columns = make_column_transformer((step, "a"))
        model = make_pipeline(columns, Perceptron(max_iter=5)).fit(frame, Y)
        with pytest.raises(InvalidArgumentError, match="whose words are others"):
            to_onnx(model, X=frame)


def test_models_whose_columns_are_unknown():
    with pytest.raises(InvalidArgumentError, match="model must be one whose first step takes"):
        to_onnx(perceptron("passthrough"))


def test_steps_with_leaps_ask_for_the_type_of_inputs():
    model = perceptron(StandardScaler(), KBinsDiscretizer(3, strategy="uniform"))
    with pytest.raises(InvalidArgumentError, match=r"step 'kbinsdiscretizer'.*Take 'double'"):
        to_onnx(model)
    to_onnx(model, inputs="float")
    to_onnx(model, X=X)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"target_opset": 16}, "target_opset must be an integer from 17 to 21"),
        ({"target_opset": 22}, "target_opset must be"),
        ({"inputs": "float16"}, "inputs must be one of"),
        ({"inputs": "double", "X": X}, "inputs must be None beside X"),
        ({"X": X[0]}, "X must be an array of shape"),
        ({"X": X.tolist()}, "X must be an array of shape"),
        ({"X": np.array([["a", 1, 2]], object)}, "X must be numbers or text alone"),
        ({"X": X[:, :2]}, "X must be rows of 3 columns"),
    ],
)
def test_arguments(fitted, arguments, match):
    with pytest.raises(InvalidArgumentError, match=match):
        to_onnx(fitted, **arguments)


def test_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"label": ["a", "b"] * 20, "b": X[:, 0]})
    step = make_column_transformer((OneHotEncoder(), ["label"]), ("passthrough", ["b"]))
    model = make_pipeline(step, Perceptron(max_iter=5)).fit(frame, Y)
    with pytest.raises(InvalidArgumentError, match="X must be given"):
        to_onnx(model)
    with pytest.raises(InvalidArgumentError, match="other names than those of the outputs"):
        to_onnx(model, X=frame)
    frame.columns = ["b", "b"]
    with pytest.raises(InvalidArgumentError, match="none comes twice"):
        to_onnx(model, X=frame)


def test_labels_that_onnx_lacks():
    clf = Perceptron(max_iter=5).fit(X, Y)
    clf.classes_ = np.array([0, 2**63], np.uint64)
    with pytest.raises(InvalidArgumentError, match=r"model.classes_ must be"):
        to_onnx(clf)


def test_files(fitted, tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        to_onnx(fitted, tmp_path / "nowhere" / "model.onnx")
    path = tmp_path / "model.onnx"
    assert path.write_bytes(b"old")
    made = to_onnx(fitted, path)
    assert path.read_bytes() == made.SerializeToString()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["onnx", "skl2onnx"])
def test_missing_packages(fitted, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"{name}.*pip install onnx skl2onnx"):
        to_onnx(fitted)
