"""``refit="ensemble"``: candidates that together score best, each trained on all rows."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.pipeline import Pipeline

from multilayer._core.checks import refuse
from multilayer._core.environment import level_of_caller
from multilayer._search.candidates import Parameters
from multilayer._search.ensemble_selection import select
from multilayer._search.fold_outcomes import (
    FoldOutcome,
    TargetForm,
    fold_estimators,
    fold_means,
    out_of_fold,
    outcomes_at,
    whole,
)
from multilayer._search.lanes import Fold, Lane
from multilayer._search.pipelines import (
    apart,
    fit_on_all_rows,
    network_of,
    setting_key,
    steps_before,
)
from multilayer._search.scores import FoldScorer
from multilayer._search.standings import Standing
from multilayer._search.visits import Rules
from multilayer._search.work import Work
from multilayer._sklearn.weighted_ensembles import EnsembleClassifier, EnsembleRegressor

if TYPE_CHECKING:
    from multilayer._search.search_cv import MLPSearchCV

ENSEMBLE = "ensemble"
"""The value of `refit`."""


def kind_of_ensemble(
    estimator: BaseEstimator,
) -> type[EnsembleClassifier] | type[EnsembleRegressor]:
    """Return the class of ensembles of an estimator."""
    return EnsembleClassifier if is_classifier(network_of(estimator)) else EnsembleRegressor


@dataclass(frozen=True)
class FoldPredictions:
    """What the configurations of a search predict out of fold, at their best checks.

    Attributes
    ----------
    scorer : FoldScorer
        What scores predictions; it has the form of these, and the folds.
    lanes : sequence of sequence of Lane
        Those of each configuration, by row of ``cv_results_``.
    standings : sequence of Standing
        How each configuration did.
    """

    scorer: FoldScorer
    lanes: Sequence[Sequence[Lane]]
    standings: Sequence[Standing]

    def outcomes(self, row: int) -> list[FoldOutcome] | None:
        """Return those of a configuration, None where it failed or was dropped on the way."""
        standing = self.standings[row]
        if standing.status == "failed":
            return None
        check = [epochs for epochs, _ in standing.curve].index(standing.best_epochs)
        return outcomes_at(self.lanes[row], check)

    def means(self, row: int) -> list[np.ndarray] | None:
        """Return the predictions of a configuration for the rows of each fold."""
        found = self.outcomes(row)
        if found is None:
            return None
        return fold_means(found, len(self.scorer.folds), self.scorer.form)


def fold_scorer(
    estimator: BaseEstimator, y: Any, folds: Sequence[Fold], rules: Rules
) -> FoldScorer:
    """Return what scores predictions for the folds as a search scores networks."""
    form = TargetForm.of(network_of(estimator), y)
    return FoldScorer(form, folds, rules.scorer, rules.decided)


def check_member(estimator: BaseEstimator, network: BaseEstimator) -> None:
    """Refuse a network of a search that cannot be averaged, before it is trained."""
    kind_of_ensemble(estimator)._check_member(network)


def check_ensemble(search: "MLPSearchCV", scorer: FoldScorer) -> None:
    """Refuse a scorer that cannot score by predictions, before anything is trained."""
    fold = scorer.folds[0]
    truth = scorer.form.truth(fold.test[1])
    table = np.asarray(fold.test[1], np.float64) if truth is None else truth
    table = table.reshape(len(table), -1)
    first = np.tile(table.mean(axis=0), (len(table), 1))
    try:
        with warnings.catch_warnings():  # a constant prediction has no precision, for example
            warnings.simplefilter("ignore")
            scorer.of_fold(first, fold)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        rule = "a scorer that works on predictions that are given, with refit='ensemble'"
        refuse("scoring", rule, search.scoring, reason)


def final_epochs(search: "MLPSearchCV", row: int) -> int | None:
    """Return for how many epochs a configuration trains on all rows; None for a whole fit.

    Of one that did not train to its end in the search and was best at its last check, nothing says
    how many are best.
    """
    found = search.cv_results_
    best, done = int(found["best_epochs"][row]), int(found["n_epochs"][row])
    return best if found["status"][row] == "finished" or best < done else None


def take_predictions(search: "MLPSearchCV", found: FoldPredictions, n_samples: int) -> None:
    """Set what a search has of the best configuration out of fold, if it was not dropped."""
    for name in ("oof_predictions_", "fold_estimators_", "ensemble_weights_", "ensemble_score_"):
        search.__dict__.pop(name, None)  # of an earlier search
    if search.multimetric_ and not search.refit:
        return  # no score says which one is best
    outcomes = found.outcomes(search.best_index_)
    if outcomes is None:
        return
    form, folds = found.scorer.form, found.scorer.folds
    means = fold_means(outcomes, len(folds), form)
    search.oof_predictions_ = out_of_fold(means, folds, n_samples, form)
    if search.return_estimators:
        pipeline = isinstance(search.estimator, Pipeline)
        name = search.estimator.steps[-1][0] if pipeline else ""
        search.fold_estimators_ = fold_estimators(outcomes, found.lanes[search.best_index_], name)


def weights_of(found: FoldPredictions, best: int) -> tuple[np.ndarray, float]:
    """Return the weight of each configuration in the best ensemble, and its score out of fold."""
    rows = [row for row in range(len(found.lanes)) if found.outcomes(row) is not None]
    weights = np.zeros(len(found.lanes))
    if not rows:
        warnings.warn(
            "All configurations of the last rung failed, so that none has predictions to select an "
            "ensemble by: it consists of the best of those before.",
            stacklevel=level_of_caller(),
        )
        weights[best] = 1.0
        standing = found.standings[best]
        scores = [found.scorer.decided(scores) for scores in standing.scores]
        return weights, float(np.mean(scores))
    tables = np.stack([np.concatenate(found.means(row) or []) for row in rows])
    weights[rows] = selected = select(tables, found.scorer)
    return weights, found.scorer.mean(np.tensordot(selected, tables, axes=1))


@dataclass(frozen=True)
class Refit:
    """Training of the members of an ensemble on all rows.

    Attributes
    ----------
    estimator : estimator
        That of the search.
    X, y : table, array
        All rows.
    fit_parameters : dict
        Arguments of ``fit``.
    seed : object
        Of the networks.
    n_jobs : int
        Networks that train at a time.
    """

    estimator: BaseEstimator
    X: Any
    y: Any
    fit_parameters: Mapping[str, Any]
    seed: Any
    n_jobs: int

    def single(self, params: Parameters, epochs: int | None) -> BaseEstimator:
        """Return the estimator with these arguments, trained for so many epochs, or to its end."""
        given = self._unfitted(self.estimator, params)
        return fit_on_all_rows(given, self.X, self.y, self.fit_parameters, epochs)

    def _unfitted(self, estimator: BaseEstimator, params: Parameters) -> BaseEstimator:
        """Return an estimator with these arguments, and the seed."""
        given = clone(estimator).set_params(**clone(params, safe=False))
        # A copy: networks that train at the same time do not share a generator.
        network_of(given).set_params(random_state=clone(self.seed, safe=False))
        return given

    def ensemble(
        self,
        members: Mapping[str, Parameters],
        epochs: Mapping[str, int | None],
        weights: np.ndarray,
    ) -> BaseEstimator:
        """Return the fitted ensemble; in a pipeline it comes after steps that all share.

        Where members have different steps, it is an ensemble of pipelines.
        """
        kind = kind_of_ensemble(self.estimator)
        before = [apart(self.estimator, params)[0] for params in members.values()]
        shared = len({setting_key(each) for each in before}) == 1
        steps = steps_before(clone(self.estimator).set_params(**clone(before[0], safe=False)))
        if steps is None or not shared:
            fitted = self._fitted(self.estimator, members, epochs, self.X, self.fit_parameters)
            return kind.from_fitted(fitted, weights)
        others, own = apart(self.estimator, self.fit_parameters)
        X = steps.fit_transform(self.X, self.y, **others)
        networks = {name: apart(self.estimator, each)[1] for name, each in members.items()}
        fitted = self._fitted(network_of(self.estimator), networks, epochs, X, own)
        return whole(steps, self.estimator.steps[-1][0], kind.from_fitted(fitted, weights))

    def _fitted(
        self,
        estimator: BaseEstimator,
        members: Mapping[str, Parameters],
        epochs: Mapping[str, int | None],
        X: Any,
        fit_parameters: Mapping[str, Any],
    ) -> list[tuple[str, BaseEstimator]]:
        """Return the members, trained on all rows for their best epochs."""
        fitted = [(name, self._unfitted(estimator, params)) for name, params in members.items()]
        tasks = [
            partial(fit_on_all_rows, each, X, self.y, fit_parameters, epochs[name])
            for name, each in fitted
        ]
        Work(self.n_jobs, math.inf).run(tasks)
        return fitted


def refit_ensemble(search: "MLPSearchCV", found: FoldPredictions, refit: Refit) -> BaseEstimator:
    """Select an ensemble, train it on all rows, and set what the search says of it."""
    weights, score = weights_of(found, search.best_index_)
    search.ensemble_weights_, search.ensemble_score_ = weights, score
    rows = np.flatnonzero(weights).tolist()
    members = {f"candidate{row}": search.cv_results_["params"][row] for row in rows}
    epochs = {f"candidate{row}": final_epochs(search, row) for row in rows}
    return refit.ensemble(members, epochs, weights[rows])
