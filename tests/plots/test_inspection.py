"""Importances, interval coverage, and what scikit-learn's displays draw of models of tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LinearRegression

from multilayer import FeatureImportances, InvalidArgumentError, TabularRegressor
from multilayer.plots import CoverageDisplay, ImportanceDisplay
from multilayer.plots._axes import shortened
from multilayer.plots._page_pictures import as_svg

N = 100
LONG = "a name that is longer than what any axes has room for, with more behind it"
FOUND = FeatureImportances(
    ("cost $a$ of $b$", LONG, "c"), np.array([[0.1, 0.3], [0.6, 0.4], [0.0, -0.02]]), 0.9, 50
)


def make_frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"size": rng.normal(size=N), "kind": rng.choice(["a", "b", "c"], N)})


FRAME = make_frame()
NUMBERS = FRAME["size"] + 2.0 * (FRAME["kind"] == "a")


@pytest.fixture(scope="module")
def regressor():
    return TabularRegressor(n_estimators=2, n_folds=2, random_state=0).fit(FRAME, NUMBERS)


# Importances ----------------------------------------------------------------------------------


def test_bars_are_sorted():
    display = ImportanceDisplay.from_importances(FOUND)
    ax = display.ax_
    assert display.names == [LONG, "cost $a$ of $b$", "c"]
    assert [bar.get_width() for bar in display.bars_] == pytest.approx([0.5, 0.2, -0.01])
    low, high = ax.get_ylim()
    assert low > high  # the first one is on top
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[1:] == ["cost $a$ of $b$", "c"]
    assert len(labels[0]) == 32
    assert not any(text.get_parse_math() for text in ax.get_yticklabels())
    (segments,) = [lines.get_segments() for lines in display.bars_.errorbar.lines[2]]
    assert segments[0][:, 0] == pytest.approx([0.4, 0.6])
    display.figure_.canvas.draw()
    box = ax.get_yticklabels()[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= ax.get_window_extent().x0


def test_the_first_columns(plt):
    figure, ax = plt.subplots()
    display = ImportanceDisplay(FOUND, top_n=1).plot(ax, texts={"importance": "error"})
    assert display.names == [LONG]
    assert len(display.bars_) == 1
    assert ax.get_xlabel() == "error"
    assert display.figure_ is figure
    assert len(ImportanceDisplay(FOUND, top_n=None).names) == 3


def test_many_columns_have_room(overlaps):
    names = tuple(f"column {i}" for i in range(40))
    many = FeatureImportances(names, np.ones((40, 1)), 1.0, 9)
    display = ImportanceDisplay.from_importances(many, top_n=None)
    display.figure_.canvas.draw()
    assert overlaps(display.ax_.get_yticklabels()) == 0


def test_of_an_estimator(regressor):
    options = {"n_repeats": 2, "random_state": 0, "scoring": "rmse"}
    display = ImportanceDisplay.from_estimator(regressor, FRAME, NUMBERS, **options)
    expected = regressor.feature_importances(FRAME, NUMBERS, **options)
    np.testing.assert_array_equal(display.importances.repeats, expected.repeats)
    assert set(display.names) == {"size", "kind"}


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ([0.1], {}, "importances must be FeatureImportances"),
        (FOUND, {"top_n": 0}, "top_n must be an integer of at least 1"),
    ],
)
def test_refused_importances(given, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ImportanceDisplay(given, **options)


# Intervals ------------------------------------------------------------------------------------


def test_coverage(regressor):
    some = slice(0, 60)
    shares = (0.2, 0.5, 0.9)
    display = CoverageDisplay.from_estimator(
        regressor, FRAME[some], NUMBERS[some], coverages=shares
    )
    low, high = regressor.predict_interval(FRAME[some], 0.5).T
    assert display.covered[1] == np.mean((low <= NUMBERS[some]) & (NUMBERS[some] <= high))
    np.testing.assert_array_equal(display.nominal, shares)
    np.testing.assert_array_equal(display.line_.get_ydata(), display.covered)
    assert (np.diff(display.covered) >= 0).all()
    assert display.n_rows == 60
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "as promised",
        "intervals",
    ]


def test_the_band_is_that_of_chance():
    """Of right intervals about 95 in 100 samples are in the band."""
    rng, n_rows = np.random.default_rng(0), 200
    drawn = rng.binomial(n_rows, 0.9, size=4000) / n_rows
    (band,) = CoverageDisplay([0.9], [0.9], n_rows=n_rows).plot().ax_.collections
    corners = band.get_paths()[0].vertices
    low, high = np.sort(corners[np.isclose(corners[:, 0], 0.9), 1])[[0, -1]]
    assert np.mean((low <= drawn) & (drawn <= high)) == pytest.approx(0.95, abs=0.02)
    assert not CoverageDisplay([0.9], [0.9]).plot().ax_.collections


class TwoNumbers:
    """Predicts the interval [0, 1] for both numbers of each row."""

    def predict_interval(self, X, coverage):
        return np.tile([0.0, 1.0], (len(X), 2, 1))


def test_coverage_of_several_numbers():
    y = np.array([[0.5, 2.0], [0.5, 0.5]])
    display = CoverageDisplay.from_estimator(TwoNumbers(), np.zeros((2, 1)), y, coverages=[0.5])
    assert display.covered == [0.75]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coverages": [0.5, 1.0]}, r"coverages must be a number in \(0, 1\)"),
        ({"coverages": []}, r"nominal.shape must be \(n_intervals,\)"),
        ({"texts": {"y": ""}}, "texts must be a dict"),
    ],
)
def test_refused_coverages(options, message):
    y = np.zeros((2, 2))
    with pytest.raises(InvalidArgumentError, match=message):
        CoverageDisplay.from_estimator(TwoNumbers(), np.zeros((2, 1)), y, **options)


def test_refused_intervals():
    linear = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="that has predict_interval"):
        CoverageDisplay.from_estimator(linear, [[0.0]], [0.0])
    with pytest.raises(InvalidArgumentError, match=r"covered.shape must be \(1,\)"):
        CoverageDisplay([0.9], [0.9, 0.8])
    with pytest.raises(InvalidArgumentError, match="n_rows must be an integer"):
        CoverageDisplay([0.9], [0.9], n_rows=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CoverageDisplay.from_estimator(TwoNumbers(), np.zeros((3, 1)), np.zeros((2, 2)))


# scikit-learn's displays, of raw tables -------------------------------------------------------


def test_partial_dependence(regressor):
    columns = {"features": ["size", "kind"], "categorical_features": ["kind"]}
    options = {"grid_resolution": 5, "kind": "average", **columns}
    size, kind = PartialDependenceDisplay.from_estimator(regressor, FRAME, **options).pd_results
    grid = np.asarray(size["grid_values"][0], float)
    expected = [regressor.predict(FRAME.assign(size=value)).mean() for value in grid]
    np.testing.assert_allclose(size["average"][0], expected, rtol=1e-5)
    averages = dict(zip(kind["grid_values"][0], kind["average"][0], strict=True))
    assert averages["a"] > max(averages["b"], averages["c"]) + 1


# Pictures of pages ----------------------------------------------------------------------------


def test_svg_repeats_to_the_byte():
    def draw(ax):
        ImportanceDisplay(FOUND).plot(ax)
        ax.set_xlabel("한글 <b>")

    first = as_svg((4, 3), draw)
    assert first == as_svg((4, 3), draw)
    assert "한글 &lt;b&gt;".encode() in first
    assert b"<dc:date>" not in first


@pytest.mark.parametrize(
    ("text", "short"), [("abcdefg", "abcdefg"), ("abcdefgh", "abc…fgh"), ("", "")]
)
def test_shortened(text, short):
    assert shortened(text, 7) == short
