"""Metrics of predictions, one record each: the names that `scoring` takes beside scikit-learn's.

A new name is a record in the table here. scikit-learn is imported when a figure is computed: the
names are needed without it.
"""

import inspect
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy.typing as npt

from multilayer._core.checks import check_bool, check_choice, refuse

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

RESPONSES = ("predict", "predict_proba", "decision_function")


@dataclass(frozen=True)
class Metric:
    """A metric of predictions, with everything that depends on it.

    An instance is a scorer: it is accepted as the argument `scoring` of the estimators here and of
    scikit-learn's searches.

    Parameters
    ----------
    name : str
        Its name in messages.
    function : callable
        Function of ``(y_true, response)`` that returns a number; ``sample_weight`` is passed too
        where the rows have weights.
    greater_is_better : bool, default=True
        Whether more is better; if not, its negative is the score.
    response : {"predict", "predict_proba", "decision_function"}, default="predict"
        Method whose result the function gets. For two classes it gets the column of the second one.
    title : str, default=""
        What the command line prints for it; "" for the name.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.metrics import brier_score_loss
    >>> from multilayer import Metric, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> brier = Metric("brier", brier_score_loss, greater_is_better=False, response="predict_proba")
    >>> clf = MLPClassifier((8,), scoring=brier, early_stopping=True, max_iter=30, batch_size=30,
    ...                     learning_rate="cosine", learning_rate_init=0.1, random_state=0)
    >>> bool(clf.fit(X, y > 1).best_validation_score_ > -0.25)
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    name: str
    function: str | Callable[..., float]  # in the table below: its name in `sklearn.metrics`
    _: KW_ONLY
    greater_is_better: bool = True
    response: Literal["predict", "predict_proba", "decision_function"] = "predict"
    title: str = ""

    def __post_init__(self) -> None:
        """Check the fields."""
        if not isinstance(self.name, str) or not self.name:
            refuse("name", "a text", self.name)
        if not (isinstance(self.function, str) or callable(self.function)):
            refuse("function", "a function of (y_true, response)", self.function)
        check_bool("greater_is_better", self.greater_is_better)
        check_choice("response", self.response, RESPONSES)
        if not isinstance(self.title, str):
            refuse("title", "a text", self.title)

    @property
    def takes_weights(self) -> bool:
        """Whether the function can be given the weights of the rows, as far as its code says."""
        plain = inspect.isfunction(self.function)
        return not plain or "sample_weight" in inspect.signature(self._callable).parameters

    @property
    def _callable(self) -> Callable[..., float]:
        if not isinstance(self.function, str):
            return self.function
        return getattr(_sklearn_metrics(), self.function)

    def value(self, target: npt.ArrayLike, response: npt.ArrayLike, weight: npt.ArrayLike) -> float:
        """Return the figure itself, whichever way is better."""
        return float(self._callable(target, response, sample_weight=weight))

    def __call__(
        self,
        estimator: "BaseEstimator",
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Return the score of an estimator on labelled rows: higher is better."""
        scorer = _sklearn_metrics().make_scorer(
            self._callable,
            response_method=self.response,
            greater_is_better=self.greater_is_better,
        )
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return scorer(estimator, X, y, **weights)


def _sklearn_metrics() -> ModuleType:
    from sklearn import metrics  # late: docstrings name the metrics without scikit-learn

    return metrics


METRICS = {
    metric.name: metric
    for metric in (
        Metric("r2", "r2_score", title="R2"),
        Metric(
            "rmse",
            "root_mean_squared_error",
            greater_is_better=False,
            title="root mean squared error",
        ),
        Metric("mae", "mean_absolute_error", greater_is_better=False, title="mean absolute error"),
    )
}
"""Every metric by its name: all lists of them are derived from this table."""

FIGURES_OF_NUMBERS = ("r2", "rmse", "mae")
"""Those that ``evaluate`` of a regressor returns, and the command line prints."""
