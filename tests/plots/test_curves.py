"""Figures of training, of one run or of several."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import InvalidArgumentError, MLPClassifier, TabularClassifier
from multilayer.plots import LearningCurvesDisplay
from multilayer.plots._curves import curves_of

X, Y = load_iris(return_X_y=True)


def network(**arguments):
    return MLPClassifier((4,), learning_rate="cosine", max_iter=5, random_state=0, **arguments)


@pytest.fixture(scope="module")
def validated():
    return network(early_stopping=True).fit(X, Y)


@pytest.fixture(scope="module")
def plain():
    return network().fit(X, Y)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_one_run(validated):
    display = LearningCurvesDisplay.from_estimator(validated)
    loss, score = display.axes_
    training, validation = loss.lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3, 4, 5])  # finished epochs
    np.testing.assert_array_equal(training.get_ydata(), validated.loss_curve_)
    np.testing.assert_array_equal(validation.get_ydata(), validated.history_["validation_loss"])
    np.testing.assert_array_equal(score.lines[0].get_ydata(), validated.validation_scores_)
    assert labels(loss) == ["training", "validation", "chosen epoch"]
    assert labels(score) == ["validation", "chosen epoch"]
    assert score.lines[0].get_color() == validation.get_color()
    assert (loss.get_xlabel(), score.get_ylabel()) == ("epoch", "validation score")
    assert display.figure_ is loss.figure is score.figure


def marks(ax):
    """Return where lines go across."""
    return [segment[0, 0] for lines in ax.collections for segment in lines.get_segments()]


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_chosen_epoch_is_that_of_the_network(scoring):
    """A fit that ends at that epoch has the same weights."""
    options = {"solver": "sgd", "learning_rate_init": 0.5, "batch_size": 16, "tol": 0.0}
    options |= {"early_stopping": True, "scoring": scoring, "random_state": 1}
    clf = MLPClassifier((4,), learning_rate="constant", max_iter=12, n_iter_no_change=99, **options)
    with pytest.warns(ConvergenceWarning):
        clf.fit(X, Y)
    (chosen,) = clf._chosen_epochs
    assert 0 < chosen < 11
    for ax in LearningCurvesDisplay.from_estimator(clf).axes_:
        assert marks(ax) == [chosen + 1]
    shorter = clone(clf).set_params(max_iter=chosen + 1, early_stopping=True)
    with pytest.warns(ConvergenceWarning):
        shorter.fit(X, Y)
    np.testing.assert_array_equal(shorter._chosen_epochs, [chosen])
    np.testing.assert_array_equal(shorter.coefs_[0], clf.coefs_[0])
    shorter.set_params(max_iter=chosen)
    with pytest.warns(ConvergenceWarning):
        shorter.fit(X, Y)
    assert not np.array_equal(shorter.coefs_[0], clf.coefs_[0])


def test_no_epoch_is_chosen_where_the_latest_network_is_used(plain, validated):
    assert plain._chosen_epochs == ()
    again = clone(validated).partial_fit(X, Y, classes=[0, 1, 2], X_val=X, y_val=Y)
    again.partial_fit(X, Y, X_val=X, y_val=Y)
    assert again._chosen_epochs == ()


def test_raw_tables_have_the_epoch_of_each_view_that_counts():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2))
    clf = TabularClassifier(n_estimators=4, n_folds=2, random_state=0).fit(rows, rows[:, 0] > 0)
    loss, score = LearningCurvesDisplay.from_estimator(clf).axes_
    views = zip(clf.report_.best_epochs, clf.report_.view_weights, strict=True)
    chosen = sorted({epoch + 1 for epoch, weight in views if weight})
    assert marks(loss) == marks(score) == chosen
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), clf.history_["validation_loss"])


def test_without_validation_there_is_one_axes(plain):
    display = LearningCurvesDisplay.from_estimator(make_pipeline(StandardScaler(), plain))
    (ax,) = display.axes_
    assert len(ax.lines) == 1


@pytest.mark.parametrize(("x", "label"), [("steps", "updates"), ("seconds", "seconds")])
def test_over_steps_and_time(validated, x, label):
    texts = {"steps": "updates"}
    display = LearningCurvesDisplay.from_estimator(validated, x=x, texts=texts)
    assert display.axes_[1].get_xlabel() == label
    np.testing.assert_array_equal(display.axes_[1].lines[0].get_xdata(), validated.history_[x])


def test_several_runs(validated, plain, plt):
    figure, ax = plt.subplots()
    runs = {
        "held out": validated,
        "frame": pd.DataFrame(plain.history_),
        "own": {"loss": [3, 2]},
    }
    display = LearningCurvesDisplay.from_histories(runs, "loss", ax=ax)
    ((place, _),) = ax.collections[0].get_offsets()  # a ring
    assert place == validated._chosen_epochs[0] + 1
    assert len(ax.collections) == 1
    assert labels(ax) == ["held out", "frame", "own"]
    assert [list(line.get_ydata()) for line in ax.lines[1:]] == [plain.loss_curve_, [3, 2]]
    assert list(ax.lines[2].get_xdata()) == [1, 2]
    assert len({line.get_color() for line in ax.lines}) == 3
    assert display.figure_ is figure


def test_training_and_validation_of_several_runs(validated):
    runs = {"a": validated.history_, "b": validated.history_}
    loss, score = LearningCurvesDisplay(runs).plot(texts={"validation": "held out"}).axes_
    assert labels(loss) == ["a, training", "a, held out", "b, training", "b, held out"]
    assert [line.get_linestyle() for line in loss.lines] == ["-", "--"] * 2
    assert loss.lines[0].get_color() == loss.lines[1].get_color() != loss.lines[2].get_color()
    assert len(score.lines) == 2


def test_many_runs_have_their_legend_beside():
    runs = {f"run number {i}": {"loss": [i, 0]} for i in range(8)}
    display = LearningCurvesDisplay.from_histories(runs, "loss")
    display.figure_.canvas.draw()
    (ax,) = display.axes_
    box = ax.get_legend().get_window_extent()
    assert ax.get_window_extent().x1 <= box.x0 < box.x1 <= display.figure_.bbox.x1


def test_columns_without_a_number_are_no_curves():
    history = {"loss": [2.0, 1.0], "validation_loss": [np.nan, np.nan], "epoch": [0, 1]}
    (curve,) = curves_of("run", history, ("loss", "validation_loss", "validation_score"), "epoch")
    assert (curve.run, curve.metric) == ("run", "loss")


@pytest.mark.parametrize(
    ("histories", "arguments", "message"),
    [
        ({}, {}, "histories must be a dict of runs by name"),
        ([1], {}, "histories must be a dict of runs by name"),
        ({"a": LinearRegression()}, {}, r"histories\['a'\] must be a fitted MLPClassifier"),
        ({"a": network()}, {}, "Call fit first"),
        ({"a": {"loss": [1]}}, {}, "of runs that have epochs with"),
        ({"a": {"loss": []}}, {"metric": "loss"}, "of runs that have epochs with"),
        (
            {"a": {"validation_score": [1]}, "b": {"loss": [1]}},
            {},
            r"histories\['b'\] must be a run with figures of 'validation_score'.*early_stopping",
        ),
        ({"a": {"loss": [1]}}, {"metric": "accuracy"}, "metric must be one of"),
        ({"a": {"loss": [1]}}, {"metric": "loss", "x": "hours"}, "x must be one of"),
        ({"a": {"loss": [1]}}, {"metric": "loss", "x": "steps"}, "x must be 'epoch' for a history"),
        ({"a": {"loss": [1]}}, {"metric": "loss", "texts": {"y": ""}}, "texts must be a dict"),
    ],
)
def test_refused(histories, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        LearningCurvesDisplay.from_histories(histories, **arguments)


def test_an_epoch_that_there_was_not():
    with pytest.raises(InvalidArgumentError, match=r"chosen\['a'\] must be an integer from 0 to 1"):
        LearningCurvesDisplay({"a": {"loss": [2, 1]}}, chosen={"a": [2]})
