"""What a model depends on, and whether its intervals contain as much as they promise."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length

from multilayer._core.checks import check_integer, check_real, refuse
from multilayer._data.raw_tables import TableLike
from multilayer._search.search_cv import MLPSearchCV
from multilayer._sklearn.network.importances import (
    MOST_ROWS,
    FeatureImportances,
    Scoring,
    feature_importances,
)
from multilayer.plots._axes import given_axes, grid_of_axes, one_axes, shortened, words
from multilayer.plots._searches import parameter_importances

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Importances: a bar for each column --------------------------------------------------------------


BAR = 0.27  # height of the room for a bar, in inches
LONGEST_NAME = 32  # characters of a column's name


class ImportanceDisplay:
    """How much the score falls when the values of a column are shuffled, for the first columns.

    Bars are means over the repeats, the lines across their standard deviations.

    It is recommended to use :meth:`from_estimator` or :meth:`from_importances`.

    Parameters
    ----------
    importances : FeatureImportances
        As ``feature_importances`` of an estimator returns them.
    top_n : int or None, default=20
        How many columns, at most; None for all.

    Attributes
    ----------
    names : list of str
        Columns drawn, the most important one first.
    bars_ : BarContainer
        The bars drawn.
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier, plots
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = MLPClassifier((8,), solver="lbfgs", alpha=1.0, max_iter=1000, random_state=0)
    >>> clf = clf.fit(X, y)
    >>> display = plots.ImportanceDisplay.from_estimator(clf, X, y, random_state=0)
    >>> display.names[:2]
    ['petal length (cm)', 'petal width (cm)']
    """

    TEXTS: Mapping[str, str] = {"importance": "fall of the score"}

    def __init__(self, importances: FeatureImportances, *, top_n: int | None = 20) -> None:
        if not isinstance(importances, FeatureImportances):
            remedy = "Call feature_importances of a fitted estimator."
            refuse("importances", "FeatureImportances", importances, remedy)
        if top_n is not None:
            check_integer("top_n", top_n, 1)
        self.importances = importances
        self.places = importances.order[:top_n]
        self.names = [importances.names[place] for place in self.places]

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: TableLike,
        y: npt.ArrayLike,
        *,
        scoring: Scoring = None,
        n_repeats: int = 5,
        sample_weight: npt.ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        max_samples: int | float = MOST_ROWS,
        top_n: int | None = 20,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Compute the importances of the columns, and draw them.

        Parameters
        ----------
        estimator : fitted estimator
            A model of any kind, a pipeline too: the columns are those that go into it.
        X, y, scoring, n_repeats, sample_weight, random_state, max_samples
            As in ``TabularClassifier.feature_importances``.
        top_n
            As in :class:`ImportanceDisplay`.
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : ImportanceDisplay
        """
        found = feature_importances(
            estimator,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            sample_weight=sample_weight,
            random_state=random_state,
            max_samples=max_samples,
        )
        return cls.from_importances(found, top_n=top_n, ax=ax, texts=texts)

    @classmethod
    def from_search(
        cls,
        search: MLPSearchCV,
        *,
        top_n: int | None = 20,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw how much the score of a configuration depends on each argument of a search.

        A random forest predicts the scores from the arguments, and an importance is by how much its
        R2, on configurations that it has not seen, falls when the values of an argument are
        shuffled: 5 folds, 5 times each. The attribute ``importances.score`` is the R2 before. Only
        configurations that came equally far are compared: those that trained to their end if they
        are half of all, else the scores after the most epochs that half of them came to.

        Parameters
        ----------
        search : MLPSearchCV
            A fitted one, with 10 configurations or more.
        top_n
            As in :class:`ImportanceDisplay`; of arguments.
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : ImportanceDisplay

        Raises
        ------
        InvalidArgumentError
            The search is not fitted, or has too few configurations (a ValueError).
        """
        texts = {"importance": "fall of R2 of the predicted score", **(texts or {})}
        found = parameter_importances(search)
        return cls.from_importances(found, top_n=top_n, ax=ax, texts=texts)

    @classmethod
    def from_importances(
        cls,
        importances: FeatureImportances,
        *,
        top_n: int | None = 20,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw importances.

        Parameters
        ----------
        importances, top_n
            As in :class:`ImportanceDisplay`.
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : ImportanceDisplay
        """
        return cls(importances, top_n=top_n).plot(ax, texts=texts)

    def plot(self, ax: "Axes | None" = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure, with a height for this number of columns.
        texts : dict of str, default=None
            Words in place of "fall of the score" (the key "importance"), below.

        Returns
        -------
        self : ImportanceDisplay
        """
        text, n = words(self.TEXTS, texts), len(self.names)
        (ax,) = given_axes(ax, 1, "ax") or grid_of_axes(1, 1, (6.4, BAR * n + 0.9))
        mean, std = self.importances.mean[self.places], self.importances.std[self.places]
        lines: dict[str, Any] = {"ecolor": "0.25", "elinewidth": 1.2, "capsize": 2}
        self.bars_ = ax.barh(range(n), mean, xerr=std, height=0.7, color="C0", error_kw=lines)
        # A "$" in a name is no formula.
        names = [shortened(name, LONGEST_NAME) for name in self.names]
        ax.set_yticks(range(n), labels=names, parse_math=False)
        ax.set_ylim(n - 0.5, -0.5)
        ax.axvline(0, color="0.25", linewidth=0.8)
        ax.set_xlabel(text["importance"])
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
        self.ax_, self.figure_ = ax, ax.figure
        return self


# Intervals: how many numbers are in them, against how many should be -----------------------------


COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
NORMAL = 1.96  # deviations on either side, between which 95 % of a normal distribution are


class CoverageDisplay:
    """How many of some numbers are in the intervals that a regressor predicts for them.

    Right are intervals whose points lie on the diagonal; above it they are wider than needed, below
    it they promise too much. The band is where 95 % of right ones lie by chance, with this number
    of rows.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    nominal : array-like of shape (n_intervals,)
        Shares of the numbers that are promised to be in an interval, ascending.
    covered : array-like of shape (n_intervals,)
        Shares that are.
    n_rows : int or None, default=None
        Rows that were used; None for no band.

    Attributes
    ----------
    line_ : Line2D
        The line drawn.
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import TabularRegressor, plots
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, (300, 2))
    >>> y = X[:, 0] + rng.normal(0, 0.1, 300)
    >>> reg = TabularRegressor(n_folds=2, n_estimators=2, random_state=0).fit(X[:200], y[:200])
    >>> display = plots.CoverageDisplay.from_estimator(reg, X[200:], y[200:])
    >>> bool((np.diff(display.covered) >= 0).all())  # of intervals, each within the next
    True
    """

    TEXTS: Mapping[str, str] = {
        "nominal": "promised share of the numbers",
        "covered": "share that is in the interval",
        "right": "as promised",
        "model": "intervals",
    }

    def __init__(
        self, nominal: npt.ArrayLike, covered: npt.ArrayLike, *, n_rows: int | None = None
    ) -> None:
        self.nominal, self.covered = np.asarray(nominal, float), np.asarray(covered, float)
        if self.nominal.ndim != 1 or not len(self.nominal):
            refuse("nominal.shape", "(n_intervals,)", self.nominal.shape)
        if self.covered.shape != self.nominal.shape:
            refuse("covered.shape", f"{self.nominal.shape}, as nominal", self.covered.shape)
        if n_rows is not None:
            check_integer("n_rows", n_rows, 1)
        self.n_rows = n_rows

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: TableLike,
        y: npt.ArrayLike,
        *,
        coverages: Sequence[float] = COVERAGES,
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Predict intervals for rows that the model was not trained on, and draw.

        Parameters
        ----------
        estimator : fitted regressor
            One with ``predict_interval(X, coverage)``, such as a TabularRegressor.
        X : table of shape (n_samples, n_features)
            Rows with the columns of training, but not those of training.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their true numbers; of several outputs all are counted together.
        coverages : sequence of float, default=(0.1, 0.2, ..., 0.9, 0.95)
            Shares to promise, ascending, in (0, 1).
        ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : CoverageDisplay

        Raises
        ------
        InvalidArgumentError
            The estimator predicts no intervals, or none of such a coverage (a ValueError).
        """
        predict = getattr(estimator, "predict_interval", None)
        if predict is None:
            rule = "a regressor that has predict_interval, such as a TabularRegressor"
            refuse("estimator", rule, estimator)
        check_consistent_length(X, y)
        covered = covered_shares(predict, X, np.asarray(y, float), coverages)
        return cls(coverages, covered, n_rows=len(np.asarray(y))).plot(ax, texts=texts)

    def plot(self, ax: "Axes | None" = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure.
        texts : dict of str, default=None
            Words in place of "promised share of the numbers" (the key "nominal", below), "share
            that is in the interval" ("covered", at the side), "as promised" ("right") and
            "intervals" ("model", both in the legend).

        Returns
        -------
        self : CoverageDisplay
        """
        text = words(self.TEXTS, texts)
        ax = one_axes(ax)
        whole = np.linspace(0, 1, 101)
        if self.n_rows is not None:
            chance = NORMAL * np.sqrt(whole * (1 - whole) / self.n_rows)
            ax.fill_between(whole, whole - chance, whole + chance, color="0.9", linewidth=0)
        ax.plot([0, 1], [0, 1], color="0.4", linestyle=":", label=text["right"])
        (self.line_,) = ax.plot(
            self.nominal, self.covered, color="C0", marker="o", markersize=4, label=text["model"]
        )
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.set_xlabel(text["nominal"])
        ax.set_ylabel(text["covered"])
        ax.grid(alpha=0.3)
        ax.legend(loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def covered_shares(
    predict_interval: Callable[..., np.ndarray],
    X: TableLike,
    y: np.ndarray,
    coverages: Sequence[float],
) -> list[float]:
    """Return, for intervals of each coverage, the share of numbers that are in them."""
    for coverage in coverages:
        check_real("coverages", coverage, "(0, 1)")
    shares = []
    for coverage in coverages:
        intervals = predict_interval(X, coverage)
        inside = (intervals[..., 0] <= y) & (y <= intervals[..., 1])
        shares.append(float(inside.mean()))
    return shares
