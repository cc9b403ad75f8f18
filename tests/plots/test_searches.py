"""Pictures of searches: what they draw of ``cv_results_`` and the curves."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import InvalidArgumentError, MLPClassifier
from multilayer.plots import ImportanceDisplay, ParallelCoordinatesDisplay, SearchCurvesDisplay
from multilayer.plots._searches import axis_of, comparable_scores, parameter_importances, table_of
from multilayer.search import MLPSearchCV

SPACE = {
    "mlpclassifier__hidden_layer_sizes": [(4,), (8,), (6, 4)],
    "mlpclassifier__learning_rate_init": loguniform(1e-4, 1e-1),
}


@pytest.fixture(scope="module")
def search():
    network = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=9, random_state=0))
    return MLPSearchCV(network, SPACE, n_iter=12, cv=2, random_state=0).fit(
        *load_iris(return_X_y=True)
    )


def made(params, scores, *, status=None, curves=None, **attributes):
    """Return a search as if it had found these scores; the first configuration is the default."""
    n = len(params)
    found = MLPSearchCV(MLPClassifier(**params[0]))
    scores = np.asarray(scores, float)
    found.cv_results_ = {
        "params": params,
        "mean_test_score": scores,
        "rank_test_score": np.argsort(np.argsort(-scores)) + 1,
        "status": status or ["finished"] * n,
    }
    found.learning_curves_ = curves or [{"epochs": [9], "score": [score]} for score in scores]
    found.multimetric_ = False
    return vars(found).update(attributes) or found


# What is drawn of a real search ---------------------------------------------------------------


def test_each_configuration_is_a_line_over_its_arguments_to_its_score(search):
    display = ParallelCoordinatesDisplay.from_search(search)
    names = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert names == ["hidden_layer_sizes", "learning_rate_init", "mean score"]
    lines = np.array(display.lines_.get_segments())
    assert lines.shape == (12, 3, 2)
    rates = [p["mlpclassifier__learning_rate_init"] for p in search.cv_results_["params"]]
    places = display.axes_of_arguments[1].places
    expected = np.log(np.array(rates, float) / min(rates)) / np.log(max(rates) / min(rates))
    np.testing.assert_allclose(places, expected)
    (best,) = [line for line in display.ax_.lines if line.get_label() == "best"]
    assert best.get_ydata()[1] == places[search.best_index_]
    assert lines[-1, 2, 1] == 1.0  # the highest score, drawn over the others
    shown = display.lines_.get_array()
    np.testing.assert_array_equal(shown, np.sort(search.cv_results_["mean_test_score"]))
    marks = {text.get_text() for text in display.ax_.texts}
    assert {"4", "8", "6-4", "0.001", "0.01"} <= marks


def test_curves_end_where_configurations_were_halved(search, plt):
    _, ax = plt.subplots()
    display = SearchCurvesDisplay.from_search(search, ax=ax, texts={"best": "chosen"})
    assert display.ax_ is ax
    lines = {(tuple(line.get_xdata()), tuple(line.get_ydata())) for line in ax.lines}
    curves = {(tuple(c["epochs"]), tuple(c["score"])) for c in search.learning_curves_}
    assert lines == curves
    by_label = {line.get_label(): line for line in ax.lines}
    best = search.learning_curves_[search.best_index_]
    assert list(by_label["chosen"].get_ydata()) == best["score"]
    assert list(by_label["default"].get_ydata()) == search.learning_curves_[0]["score"]
    assert by_label["ended earlier"].get_xdata()[-1] < 9
    assert by_label["trained to the end"].get_xdata()[-1] == 9


def test_importances_of_arguments(search):
    display = ImportanceDisplay.from_search(search, texts={"importance": "R2"})
    assert display.ax_.get_xlabel() == "R2"
    assert sorted(display.names) == ["hidden_layer_sizes", "learning_rate_init"]
    assert display.importances.n_rows == 12  # after the first rung: all


# Scores that are known ------------------------------------------------------------------------


def test_the_argument_that_decides_is_the_important_one():
    rng = np.random.default_rng(0)
    rates, alphas = 10 ** rng.uniform(-4, -1, 40), 10 ** rng.uniform(-6, -2, 40)
    params = [{"learning_rate_init": r, "alpha": a} for r, a in zip(rates, alphas, strict=True)]
    scores = 0.9 - 0.1 * (np.log10(rates) + 2) ** 2
    found = parameter_importances(made(params, scores))
    mean = dict(zip(found.names, found.mean, strict=True))
    assert found.score > 0.9
    assert mean["learning_rate_init"] > 1
    assert abs(mean["alpha"]) < 0.05


def test_only_those_that_came_equally_far_are_compared():
    params = [{"alpha": i / 10} for i in range(6)]
    curves = [
        *[{"epochs": [3], "score": [0.1 * i]} for i in range(3)],
        {"epochs": [2], "score": [0.9]},  # trained to its end before
        *[{"epochs": [3, 9], "score": [0.5, 0.7]} for _ in range(2)],
    ]
    status = ["halved"] * 3 + ["finished"] + ["halved", "finished"]
    rows, scores = comparable_scores(table_of(made(params, [1] * 6, status=status, curves=curves)))
    # Three came to 9 epochs, or ended before: half of them.
    assert dict(zip(rows.tolist(), scores, strict=True)) == {3: 0.9, 4: 0.7, 5: 0.7}
    finished = [1.0, np.nan, *[0.5] * 4]
    rows, _ = comparable_scores(table_of(made(params, finished, curves=curves)))
    assert rows.tolist() == [0, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("values", "levels", "places"),
    [
        ([64, 32, 128], ["32", "64", "128"], [0.5, 0, 1]),
        ([(64, 64), (32,), (128,)], ["32", "128", "64-64"], [1, 0, 0.5]),
        (["auto", 256, 32], ["32", "256", "auto"], [1, 0.5, 0]),
        ([True, False], ["False", "True"], [1, 0]),
        ([0.1, 0.1], ["0.1"], [0.5, 0.5]),
        (list(range(0, 11)), [], np.arange(11) / 10),
        ([10.0**-i for i in range(11)], [], 1 - np.arange(11) / 10),
        ([0.0, *[10.0**-i for i in range(11)]], ["0"], [0, *(1 - 0.085 * np.arange(11))]),
        ([None, *range(1, 12)], ["None"], [0, *(0.15 + 0.085 * np.arange(11))]),
    ],
)
def test_axes_of_arguments(values, levels, places):
    axis = axis_of(values)
    assert list(axis.levels) == levels
    np.testing.assert_allclose(axis.places, places, atol=1e-12)
    marks = axis.ticks()
    assert set(levels) <= set(marks)
    assert all(0 <= place <= 1 + 1e-12 for place in marks.values())
    if axis.low != axis.high:
        scale = {f"{v:.3g}": place for v, place in zip(values[1:], places[1:], strict=True)}
        assert len(marks.keys() & scale) > 2
        assert all(marks[name] == pytest.approx(scale[name]) for name in marks.keys() & scale)


def test_scores_far_below_are_at_the_end_and_failures_left_out(overlaps):
    params = [
        {"alpha": 0.1 * i, "activation": f"a long name {'of something ' * i}"} for i in range(8)
    ]
    scores = [0.9, 0.91, 0.92, 0.93, 0.94, 0.95, -1e9, np.nan]
    display = ParallelCoordinatesDisplay.from_search(made(params, scores, best_index_=5))
    lines = np.array(display.lines_.get_segments())
    assert len(lines) == 7
    assert lines[0, -1, 1] == 0
    assert np.ptp(lines[1:, -1, 1]) > 0.2
    display.figure_.canvas.draw()
    assert overlaps(display.ax_.get_xticklabels()) == 0


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("display", [ParallelCoordinatesDisplay, SearchCurvesDisplay])
@pytest.mark.parametrize(
    ("search", "message"),
    [
        (MLPSearchCV(MLPClassifier()), "search must be a fitted MLPSearchCV"),
        (LinearRegression(), "search must be a fitted MLPSearchCV"),
        (
            made([{"alpha": 1}], [1], multimetric_=True, refit=False),
            "one whose refit names a score",
        ),
    ],
)
def test_refused(display, search, message):
    with pytest.raises(InvalidArgumentError, match=message):
        display.from_search(search)


def test_too_few_configurations():
    with pytest.raises(InvalidArgumentError, match="one with 10 configurations"):
        parameter_importances(made([{"alpha": i} for i in range(9)], range(9)))
