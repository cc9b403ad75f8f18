"""Predictions over two features."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_blobs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor
from multilayer.plots import DecisionBoundaryDisplay
from multilayer.plots._boundary import evaluate, grid, margins, shades

FRAME = load_iris(as_frame=True)
X = FRAME.data.iloc[:, 2:]
SPECIES = FRAME.target_names[FRAME.target]
COARSE = {"grid_resolution": 20}


@pytest.fixture(scope="module")
def iris():
    return MLPClassifier((4,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, SPECIES)


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


# The data ---------------------------------------------------------------------------------------


def test_the_grid_covers_the_samples():
    xx0, xx1 = grid([[0, 10], [2, 10]], 5, 0.5)
    np.testing.assert_allclose(xx0[0], [-1, 0, 1, 2, 3])  # half of the range on both sides
    np.testing.assert_allclose(xx1[:, 0], [9, 9.5, 10, 10.5, 11])  # a constant feature


def test_the_response_is_what_the_estimator_says(iris):
    plane = evaluate(iris, X, "predict", 7, 0.1)
    rows = pd.DataFrame(np.column_stack([plane.xx0.ravel(), plane.xx1.ravel()]), columns=X.columns)
    assert (iris.classes_[plane.response.ravel()] == iris.predict(rows)).all()
    plane = evaluate(iris, X, "auto", 7, 0.1)
    np.testing.assert_allclose(plane.response.reshape(-1, 3), iris.predict_proba(rows))


def test_colours_fade_with_the_probability():
    colors = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    sure, unsure, other = shades(np.array([[[1.0, 0.0], [0.5, 0.5], [0.1, 0.9]]]), colors)[0]
    assert sure[0] == 1.0
    assert sure[1] < unsure[1] < 1.0
    assert other[2] == 1.0  # the colour of the other class
    assert (shades(np.array([[0, 1]]), colors)[0].argmax(axis=1) == [0, 2]).all()


def test_boundaries_lie_where_classes_are_even():
    probability = np.array([[[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]])
    np.testing.assert_allclose(
        [level[0] for level in margins(probability, 3)], [[0.2, 0], [-0.2, 0], [-0.3, -0.2]]
    )
    (codes,) = margins(np.array([[0, 1]]), 2)
    assert codes.tolist() == [[1, -1]]
    assert margins(np.zeros((2, 2), int), 1) == []


# The drawing ------------------------------------------------------------------------------------


def test_classes_with_names(iris):
    display = DecisionBoundaryDisplay.from_estimator(iris, X, y=SPECIES, **COARSE)
    assert legend(display) == ["setosa", "versicolor", "virginica"]
    assert display.ax_.get_xlabel() == "petal length (cm)"
    *_, setosa, versicolor, _ = display.ax_.collections
    np.testing.assert_allclose(setosa.get_offsets(), X[SPECIES == "setosa"])
    assert len(versicolor.get_offsets()) == 50
    assert display.surface_.get_array().shape == (20, 20, 3)
    assert display.figure_ is display.ax_.figure


def test_a_pixel_lies_around_its_point(iris):
    display = DecisionBoundaryDisplay.from_estimator(iris, X, **COARSE)
    left, right, low, high = display.surface_.get_extent()
    half = (display.xx0[0, 1] - display.xx0[0, 0]) / 2
    np.testing.assert_allclose([left + half, right - half], display.ax_.get_xlim())
    assert low < display.ax_.get_ylim()[0] < display.ax_.get_ylim()[1] < high


def test_words_of_the_users(iris, plt):
    figure, ax = plt.subplots()
    display = DecisionBoundaryDisplay.from_estimator(
        iris,
        X,
        feature_names=["length", "width"],
        class_names=["a", "b", "c"],
        ax=ax,
        response_method="predict",
        **COARSE,
    )
    assert (ax.get_xlabel(), ax.get_ylabel(), legend(display)) == ("length", "width", [*"abc"])
    assert display.ax_ is ax
    assert display.figure_ is figure
    # Drawn again from the data, elsewhere.
    assert legend(display.plot()) == ["setosa", "versicolor", "virginica"]
    assert display.figure_ is not figure


def test_twelve_classes_beside_the_axes(overlaps):
    points, y = make_blobs(120, centers=12, random_state=0)
    names = np.array([f"class number {i}" for i in range(12)])
    clf = GaussianNB().fit(points, names[y])
    display = DecisionBoundaryDisplay.from_estimator(clf, points, y=names[y], **COARSE)
    display.figure_.canvas.draw()
    texts = display.ax_.get_legend().get_texts()
    assert len({tuple(c.get_facecolor()[0]) for c in display.ax_.collections[-12:]}) == 12
    assert overlaps(texts) == 0
    right = display.ax_.get_window_extent().x1
    assert all(text.get_window_extent().x0 > right for text in texts)
    assert all(text.get_window_extent().x1 < display.figure_.bbox.x1 for text in texts)


def test_a_pipeline_and_an_estimator_without_probabilities():
    pipeline = make_pipeline(StandardScaler(), RidgeClassifier()).fit(X, SPECIES)
    display = DecisionBoundaryDisplay.from_estimator(pipeline, X, y=SPECIES, **COARSE)
    assert display.response.shape == (20, 20)
    with pytest.raises(InvalidArgumentError, match="'predict' for an estimator without"):
        DecisionBoundaryDisplay.from_estimator(pipeline, X, response_method="predict_proba")


def test_two_classes_have_one_boundary():
    y = SPECIES == "setosa"
    clf = LinearDiscriminantAnalysis().fit(X, y)
    display = DecisionBoundaryDisplay.from_estimator(clf, X, **COARSE)
    (boundary,) = display.ax_.collections
    (line,) = boundary.get_paths()
    off = (line.vertices @ clf.coef_[0] + clf.intercept_[0]) / np.linalg.norm(clf.coef_[0])
    steps = display.xx0[0, 1] - display.xx0[0, 0], display.xx1[1, 0] - display.xx1[0, 0]
    assert np.abs(off).max() < min(steps) / 5  # the probability is interpolated between points
    assert legend(display) == ["False", "True"]


def test_a_regressor():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (30, 2))
    y = points @ [1.0, 2.0]
    reg = LinearRegression().fit(points, y)
    display = DecisionBoundaryDisplay.from_estimator(
        reg, points, y=y, texts={"prediction": "cost"}, **COARSE
    )
    np.testing.assert_allclose(display.response, display.xx0 + 2 * display.xx1, atol=1e-9)
    samples = display.ax_.collections[0]
    np.testing.assert_allclose(samples.get_array(), y)
    assert samples.get_clim() == display.surface_.get_clim()
    assert display.ax_.get_xlabel() == "x1"
    assert display.figure_.axes[1].get_ylabel() == "cost"


def test_polars():
    polars = pytest.importorskip("polars")
    clf = RidgeClassifier().fit(X, SPECIES)
    frame = polars.DataFrame({name: X[name].to_numpy() for name in X.columns})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = DecisionBoundaryDisplay.from_estimator(clf, frame, **COARSE)
    assert display.ax_.get_ylabel() == "petal width (cm)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": X.iloc[:, :1]}, r"X\.shape must be \(n_samples, 2\)"),
        ({"X": np.full((3, 2), np.nan)}, "X must be finite numbers"),
        ({"response_method": "proba"}, "response_method must be one of"),
        ({"grid_resolution": 1}, "grid_resolution must be an integer of at least 2"),
        ({"margin": -1}, r"margin must be a number in \[0, inf\)"),
        ({"y": SPECIES[:3]}, r"y\.shape must be \(150,\)"),
        ({"y": np.repeat("rose", 150)}, "y must be made of the classes"),
        ({"class_names": ["a"]}, "class_names must be 3 names"),
        ({"feature_names": ["a"]}, "feature_names must be two names"),
        ({"ax": 3}, "ax must be a matplotlib Axes"),
    ],
)
def test_refused(iris, arguments, message):
    arguments = {"estimator": iris, "X": X, **COARSE, **arguments}
    with pytest.raises(InvalidArgumentError, match=message):
        DecisionBoundaryDisplay.from_estimator(**arguments)


def test_several_outputs_are_refused():
    y = X.to_numpy()
    several = MLPRegressor(hidden_layer_sizes=(2,), max_iter=0).fit(X, y)
    with pytest.raises(InvalidArgumentError, match="estimator must be one with a single output"):
        DecisionBoundaryDisplay.from_estimator(several, X)
