"""How much a fitted model depends on each column: permutation importance of raw tables."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from multilayer._core.checks import check_integer, check_real, refuse
from multilayer._core.errors import DataError
from multilayer._data.frames import is_frame, with_rows
from multilayer._data.raw_tables import TableLike, plain_array
from multilayer._sklearn.fit.scorer import check_scorer, check_takes_weights
from multilayer._sklearn.inputs import check_weight
from multilayer._sklearn.targets.metric_table import METRICS, Metric

if TYPE_CHECKING:
    from pandas import DataFrame

Scoring: TypeAlias = "str | Metric | Callable[..., float] | None"
"""What says how good predictions are."""

MOST_ROWS = 10_000
"""Rows that predictions are made for in each repeat, by default at most."""


# Results ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FeatureImportances:
    """What ``feature_importances`` returns: how much a score falls without each column.

    Printed, it is a table of the columns, the most important one first.

    Attributes
    ----------
    names : tuple of str
        Columns of X, in its order; "x0", "x1", ... where neither X nor the model has names.
    mean, std : ndarray of shape (n_features,)
        Mean and standard deviation of the fall of the score, over the repeats.
    repeats : ndarray of shape (n_features, n_repeats)
        The fall in each repeat.
    score : float
        Score of the rows with all columns as they are.
    n_rows : int
        Rows that were used.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import FeatureImportances
    >>> found = FeatureImportances(("age", "height"), np.array([[0.1, 0.3], [0.9, 0.7]]), 0.95, 200)
    >>> print(found)
    column  importance
    height  0.8000 +- 0.1000
    age     0.2000 +- 0.1000
    """

    __module__ = "multilayer"

    names: tuple[str, ...]
    repeats: np.ndarray
    score: float
    n_rows: int

    def __post_init__(self) -> None:
        """Check the shape."""
        shape = np.shape(self.repeats)
        if len(shape) != 2 or shape[0] != len(self.names) or not shape[1]:
            refuse("repeats.shape", f"({len(self.names)}, n_repeats)", shape)

    @property
    def mean(self) -> np.ndarray:
        """Mean over the repeats."""
        return self.repeats.mean(axis=1)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation over the repeats."""
        return self.repeats.std(axis=1)

    @property
    def order(self) -> np.ndarray:
        """Places of the columns, the most important one first."""
        return np.argsort(-self.mean, kind="stable")

    def __str__(self) -> str:
        """Return a line for each column, the most important one first."""
        width = max(map(len, ("column", *self.names)))
        mean, std = self.mean, self.std
        lines = [
            f"{self.names[place].ljust(width)}  {mean[place]:.4f} +- {std[place]:.4f}"
            for place in self.order
        ]
        return "\n".join([f"{'column'.ljust(width)}  importance", *lines])

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas, the most important column first.

        Returns
        -------
        frame : DataFrame
            With the columns "name", "mean" and "std".

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ImportError(
                "FeatureImportances.to_frame needs pandas, which cannot be imported. "
                "Install it: pip install pandas"
            ) from error
        frame = pandas.DataFrame({"name": self.names, "mean": self.mean, "std": self.std})
        return frame.iloc[self.order].reset_index(drop=True)


# Computation --------------------------------------------------------------------------------------


def feature_importances(
    estimator: BaseEstimator,
    X: TableLike,
    y: npt.ArrayLike,
    *,
    scoring: Scoring = None,
    n_repeats: int = 5,
    sample_weight: npt.ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
    max_samples: int | float = MOST_ROWS,
) -> FeatureImportances:
    """Return the permutation importances of a fitted model of any kind.

    The parameters are those of :meth:`HasImportances.feature_importances`.
    """
    from sklearn.inspection import permutation_importance  # late: it loads all kinds of trees

    check_is_fitted(estimator)
    check_integer("n_repeats", n_repeats, 1)
    scorer = scorer_of(estimator, scoring)
    table: Any = X if is_frame(X) or hasattr(X, "tocsc") else plain_array(X)
    n_rows, n_columns = table.shape
    check_consistent_length(table, y, sample_weight)
    random = check_random_state(random_state)
    rows = np.arange(n_rows, dtype=np.int64)
    n_used = _n_used(max_samples, n_rows)
    weight = None
    if sample_weight is not None:
        check_takes_weights(scoring)
        weight = check_weight(sample_weight, rows[:, np.newaxis], "float64")
    if n_used < n_rows:
        rows = np.sort(random.permutation(n_rows)[:n_used])
        y = _safe_indexing(y, rows)
        weight = None if weight is None else weight[rows]

    # What is shuffled is a table of row numbers, a column for each of X: scikit-learn would make an
    # array of a table of polars or Arrow, and its columns would lose their types.
    def score(
        model: BaseEstimator,
        places: np.ndarray,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        value = scorer(model, with_rows(table, places), y, **weights)
        if not isinstance(value, Real):
            refuse("scoring", "a scorer that returns a number", value)
        return float(value)

    places = np.repeat(rows[:, np.newaxis], n_columns, axis=1)
    found = permutation_importance(
        estimator,
        places,
        y,
        scoring=score,
        n_repeats=int(n_repeats),
        sample_weight=weight,
        random_state=random,
    )
    base = score(estimator, places, y, weight)
    return FeatureImportances(_names(estimator, table), found.importances, base, n_used)


def scorer_of(estimator: BaseEstimator, scoring: Scoring) -> Callable[..., float]:
    """Return a function of (estimator, X, y) for which more is better."""
    check_scorer(scoring)
    if scoring == "loss":
        remedy = "Write 'neg_log_loss' for classes, or 'neg_mean_squared_error' for numbers."
        refuse("scoring", "the name of a score", scoring, remedy)
    metric = METRICS.get(scoring) if isinstance(scoring, str) else None
    return metric or check_scoring(estimator, scoring=scoring)


def _n_used(max_samples: int | float, n_rows: int) -> int:
    """Return the number of rows to use."""
    if isinstance(max_samples, Integral):
        check_integer("max_samples", max_samples, 1)
        return min(int(max_samples), n_rows)
    check_real("max_samples", max_samples, "(0, 1]")
    return max(round(max_samples * n_rows), 1)


def _names(estimator: BaseEstimator, table: Any) -> tuple[str, ...]:
    """Return the names of the columns: those of the table, or those that the model knows."""
    names = getattr(table, "column_names", None)  # of Arrow
    if names is None:
        names = getattr(table, "columns", None)
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    n_columns = table.shape[1]
    if names is None:
        return tuple(f"x{place}" for place in range(n_columns))
    if len(names) != n_columns:
        raise DataError(f"X has {n_columns} columns, but the model knows {len(names)}.")
    return tuple(map(str, names))


class HasImportances:
    """The method of the estimators."""

    def feature_importances(
        self,
        X: TableLike,
        y: npt.ArrayLike,
        *,
        scoring: Scoring = None,
        n_repeats: int = 5,
        sample_weight: npt.ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        max_samples: int | float = MOST_ROWS,
    ) -> FeatureImportances:
        """Return how much each column counts for the score of the predictions.

        Permutation importance (Breiman, 2001), by
        :func:`sklearn.inspection.permutation_importance`: the score of the rows, less their score
        after the values of one column were shuffled among them. It is computed on the columns as
        they come; a category counts as one column, and X may be a frame of any library. Rows that
        the model was trained on show what it has learnt, new rows what of this is true. Of
        columns that say the same, each seems to count little.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training. It is not changed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels or numbers.
        scoring : str, callable, Metric or None, default=None
            Score of predictions, as in scikit-learn's :func:`~sklearn.metrics.get_scorer`. None is
            what ``score`` returns: accuracy, or R2.
        n_repeats : int, default=5
            How often each column is shuffled.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the score.
        random_state : int, RandomState or None, default=None
            Seed of the shuffling, and of the choice of rows.
        max_samples : int or float, default=10000
            Rows to use, at most; a float is a share of them. They are drawn once, and are the same
            for all columns and repeats.

        Returns
        -------
        importances : FeatureImportances
            Names, means, standard deviations and the single repeats.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The rows cannot be used (a ValueError).
        """
        return feature_importances(
            self,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            sample_weight=sample_weight,
            random_state=random_state,
            max_samples=max_samples,
        )
