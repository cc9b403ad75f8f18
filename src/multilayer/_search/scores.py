"""Scores of fitted estimators, and of predictions that are there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier

from multilayer._core.checks import refuse
from multilayer._search.fold_outcomes import TargetForm
from multilayer._sklearn.tabular.targets import PredictedNumbers
from multilayer._sklearn.targets.class_outputs import MULTILABEL, Classes
from multilayer._sklearn.targets.metrics import share_of_right_rows
from multilayer._sklearn.targets.weighted_means import Probabilities, most_probable

if TYPE_CHECKING:
    from multilayer._search.lanes import Fold, Scorer, Scores

SMALLEST = 1e-15  # probability that a logarithm is taken of


# Of fitted estimators -----------------------------------------------------------------------------


def own_score(estimator: BaseEstimator, X: Any, y: Any, **params: Any) -> "Scores":
    """Return the score of an estimator's own; accuracy without looking at all labels again."""
    if is_classifier(estimator) and np.ndim(y) == 1 and not params:
        return {"score": float(np.mean(estimator.predict(X) == np.asarray(y)))}
    return {"score": float(estimator.score(X, y, **params))}


@dataclass(frozen=True)
class NamedScores:
    """Scores by name, of scikit-learn's scorers: a single score is called "score"."""

    scorers: Any

    def __call__(self, estimator: BaseEstimator, X: Any, y: Any, **params: Any) -> "Scores":
        """Return the scores of a fitted estimator."""
        found = self.scorers(estimator, X, y, **params)
        return found if isinstance(found, dict) else {"score": float(found)}


# Of predictions that are there already ------------------------------------------------------------


class GivenClasses(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are given, for scorers; any kind of class targets."""

    def __init__(self, classes: Classes, probabilities: Probabilities, kind: str) -> None:
        self.classes, self.probabilities, self.kind = classes, probabilities, kind

    @property
    def classes_(self) -> Classes:
        """Class labels."""
        return self.classes

    def predict_proba(self, X: Any) -> Probabilities:
        """Return the probabilities of all rows."""
        first = (
            self.probabilities[0] if isinstance(self.probabilities, list) else self.probabilities
        )
        check_rows_given(X, len(first))
        return self.probabilities

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable classes of all rows."""
        return most_probable(self.kind, self.classes, self.predict_proba(X))

    def decision_function(self, X: Any) -> Probabilities:
        """Return the logarithms of the probabilities; of two classes that of their ratio."""
        given = self.predict_proba(X)
        if isinstance(given, list):
            return [_logs(each) for each in given]
        if self.kind == MULTILABEL:
            return _logs(given) - _logs(1 - given)
        logs = _logs(given)
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows in which every output is right."""
        if isinstance(self.classes, list):
            return float(share_of_right_rows(self.predict(X), y, sample_weight))
        return float(super().score(X, y, sample_weight))


class GivenNumbers(PredictedNumbers):
    """A regressor whose predictions are given, for scorers."""

    def predict(self, X: Any) -> np.ndarray:
        """Return the numbers of all rows."""
        check_rows_given(X, len(self.predictions))
        return self.predictions


def check_rows_given(X: Any, n_rows: int) -> None:
    """Refuse other rows than those whose predictions are given."""
    n_given = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_given != n_rows:
        refuse(
            "scoring",
            "a scorer that predicts all rows that it gets, with refit='ensemble'",
            n_given,
            f"It predicts other rows than the {n_rows:,} of the fold.",
        )


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, SMALLEST))


@dataclass(frozen=True)
class FoldScorer:
    """Scores predictions of all folds, one fold below the other, as the search scores networks.

    Attributes
    ----------
    form : TargetForm
        What the columns are.
    folds : sequence of Fold
        The rows.
    scorer : callable
        Returns scores by name, of an estimator and rows.
    decided : callable
        Returns the one that decides, of scores by name.
    """

    form: TargetForm
    folds: "Sequence[Fold]"
    scorer: "Scorer"
    decided: "Callable[[Scores], float]"

    def __call__(self, table: np.ndarray) -> tuple[float, ...]:
        """Return the mean score over the folds; for classes also minus the mean log loss.

        Accuracy has few values: the log loss decides between equal ones. The mean is rounded, so
        that the order of summation decides nothing.
        """
        score = round(self.mean(table), 12)
        if self.form.kind is None:
            return (score,)
        losses = [self._log_loss(part, fold) for part, fold in self._by_fold(table)]
        return score, -float(np.mean(losses))

    def mean(self, table: np.ndarray) -> float:
        """Return the mean score over the folds."""
        return float(np.mean([self.of_fold(part, fold) for part, fold in self._by_fold(table)]))

    def _by_fold(self, table: np.ndarray) -> "list[tuple[np.ndarray, Fold]]":
        ends = np.cumsum([len(fold.test_rows) for fold in self.folds])
        return list(zip(np.split(table, ends[:-1]), self.folds, strict=True))

    def of_fold(self, table: np.ndarray, fold: "Fold") -> float:
        """Return the score of predictions for the rows of a fold."""
        found = self.scorer(self.stand_in(table), *fold.test, **fold.score_parameters)
        return float(self.decided(found))

    def stand_in(self, table: np.ndarray) -> GivenClasses | GivenNumbers:
        """Return an estimator that predicts a table."""
        given = self.form.exact(table)
        if self.form.classes is None or self.form.kind is None:
            return GivenNumbers(np.asarray(given))
        return GivenClasses(self.form.classes, given, self.form.kind)

    def _log_loss(self, table: np.ndarray, fold: "Fold") -> float:
        truth = self.form.truth(fold.test[1])
        assert truth is not None
        logs = truth * _logs(table)
        if self.form.kind == MULTILABEL:
            logs += (1 - truth) * _logs(1 - table)
        return -float(logs.sum() / len(table))
