"""The search: scikit-learn's search API over networks that train side by side."""

import os
import time
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, _num_samples

from multilayer._core.checks import refuse
from multilayer._search import results
from multilayer._search.candidates import Distributions, Parameters
from multilayer._search.ensemble_refit import (
    ENSEMBLE,
    FoldPredictions,
    Refit,
    check_ensemble,
    final_epochs,
    fold_scorer,
    refit_ensemble,
    take_predictions,
)
from multilayer._search.folds import Routed
from multilayer._search.lanes import Lane
from multilayer._search.progress import Follow
from multilayer._search.search_checks import (
    check_fit_arguments,
    check_search,
    rules_of,
    workers_of,
)
from multilayer._search.search_run import SearchRun, prepared
from multilayer._search.standings import Standing, standings_of


def transforms(search: "MLPSearchCV") -> bool:
    """Whether a search can transform: what its estimator can."""
    return hasattr(search.estimator, "transform")


class MLPSearchCV(BaseSearchCV):
    """Search over the arguments of a network, many networks trained side by side.

    It has the interface of scikit-learn's searches. Networks train one on each core, and with a
    `pruner` they compete: all train for a few epochs, and only the best go on from where they are.
    Configurations are compared by their mean over the folds, which all train in step.

    Parameters
    ----------
    estimator : estimator
        `MLPClassifier`, `MLPRegressor` or another estimator of this package, or a pipeline that
        ends in one. What stands before the network in a pipeline is fitted once on each fold.
    param_distributions : "default", dict, list of dict or callable, default="default"
        Lists or distributions of values by name, as in scikit-learn's `RandomizedSearchCV`, or
        Optuna's; or a function that takes a trial of Optuna and returns the arguments. The
        estimator as it is always takes part, as the first configuration.
    n_iter : int or None, default=None
        Configurations to try; None for 60. None with ``sampler="grid"``.
    sampler : {"random", "grid", "tpe"} or optuna.samplers.BaseSampler, default="random"
        Whether values are drawn, all combinations tried, or suggested by what did well before, in
        four batches or more: by Optuna's tree-structured Parzen estimator, or a sampler of yours.
    pruner : {"halving", "hyperband"} or None, default="halving"
        How configurations compete: by successive halving on epochs, in several brackets of it, or
        not at all. An estimator whose fits cannot stop and go on takes None: L-BFGS, `Perceptron`,
        and one for raw tables with a `time_budget` of its own.
    factor : int, default=3
        From each rung one in so many configurations goes on, for so many times the epochs.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn; several scores need a `refit` that names one.
    refit : bool, str or callable, default=True
        Whether the best configuration is trained on all rows. A string names the score that
        decides, or is "1se": the smallest network within one standard error of the best, or
        "ensemble": `best_estimator_` is then an :class:`EnsembleClassifier` or
        :class:`EnsembleRegressor` of those that score best together. A function takes
        `cv_results_` and returns the number of a configuration.
    cv : int, splitter, iterable or None, default=None
        As in scikit-learn; None is five folds.
    n_seeds : int, default=1
        Networks of each configuration on each fold, of different random numbers.
    n_checks : int, default=5
        How often a fit that trains to its end is scored between the last rung and the end. The one
        with the best mean over the folds says for how many epochs the final network trains. An
        estimator for raw tables chooses its epoch itself, of each fit and of the final one.
    search_rows : int, float or None, default=None
        Number or share of the rows to search on, drawn at random; None for all. The best
        configuration is trained on all rows.
    storage : str, path-like, optuna.storages.BaseStorage or None, default=None
        Where the search is stored, so that the same search resumes after it was killed or its time
        was over: a file for Optuna's journal (on one machine), or the URL of a database such as
        ``"postgresql://user@host/name"``. Optuna's dashboard shows it. Other data or arguments are
        another search of the same storage. With ``random_state=None`` the random numbers are a
        function of the data and the arguments.
    checkpoint : str, path-like or None, default=None
        Folder for networks under way, which go on from where they were. None for one beside the
        journal; with a database, networks under way begin again.
    time_budget : float or None, default=None
        Seconds after which the search ends with what it has found; the final fit comes on top. The
        estimator as it is trains first, and as many others as there is time for.
    n_jobs : int or None, default=None
        Networks that train at a time; None or -1 for as many as there are cores. Inside
        ``joblib.parallel_config("dask")`` or ``("ray")`` those of the cluster.
    error_score : "raise" or float, default=nan
        Score of a network that cannot be trained or diverges, or that its error is raised.
    return_train_score : bool, default=False
        Whether the rows that were trained on are scored too.
    return_estimators : bool, default=False
        Whether the networks of the best configuration on the folds are there after the search.
    random_state : int, RandomState instance or None, default=None
        Of the configurations, and of the networks where the estimator has no `random_state`. All
        configurations have the same random numbers.
    verbose : int, default=0
        From 1 on, a line is printed after each rung, with the leader.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        As in scikit-learn, a row for each configuration. Also ``n_epochs``, the epochs that it
        trained for, ``best_epochs``, after how many of them its mean score was best, which is the
        score reported (on raw tables the last one), and ``status``: "finished", "halved", "stopped"
        by time or Ctrl-C, or "failed". Those that trained to their end rank first, then those that
        came further.
    best_estimator_ : estimator
        The best configuration, trained on all rows for its ``best_epochs``; to the end of its fit
        on a raw table, or where the search ended it while its score still rose.
    best_params_ : dict
        Its arguments.
    best_score_ : float
        Its mean score over the folds.
    best_index_ : int
        Its row in `cv_results_`.
    oof_predictions_ : ndarray of shape (n_samples, n_classes), (n_samples,) or \
(n_samples, n_outputs), float32
        What the best configuration predicts for each row, by networks that have not seen it, after
        its ``best_epochs``: probabilities (of several columns of classes a list with those of
        each), or numbers. The mean over seeds and over the folds that a row is in; NaN for rows in
        none. Not there if that configuration was dropped on the way, which `refit` as a function
        may choose. Of a classifier without probabilities, shares of votes.
    fold_estimators_ : list of estimator
        These networks, one for each fold and seed, in pipelines with the steps of their fold; with
        ``return_estimators=True``.
    ensemble_weights_ : ndarray of shape (n_candidates,), float64
        With ``refit="ensemble"``: the share of each row of `cv_results_` in the ensemble.
    ensemble_score_ : float
        Its mean score over the folds, by the predictions of its members out of fold. The other
        attributes are those of the best single configuration.
    learning_curves_ : list of dict
        For each configuration its ``"epochs"`` and mean ``"score"`` at each rung and check.
    n_splits_ : int
        Number of folds.
    scorer_ : callable or dict
        What scored.
    multimetric_ : bool
        Whether there are several scores.
    refit_time_ : float
        Seconds of the final fit.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).
    DataError
        No configuration could be trained on all folds (a ValueError).
    ModelFileError
        The storage cannot be written to, or another process has it (a ValueError).
    ImportError
        Optuna, which a storage, suggestions or a function of a trial need, is not installed.

    Notes
    -----
    Successive halving [1]_ continues training from rung to rung, so that 81 configurations cost
    about as much as 9 full fits. A fit's result does not depend on the fits beside it.

    References
    ----------
    .. [1] Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
       optimization", AISTATS 2016. Hyperband: Li et al., JMLR 18, 2018.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier
    >>> from multilayer.search import MLPSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"hidden_layer_sizes": [(16,), (32,)], "learning_rate_init": loguniform(1e-3, 1e-1)}
    >>> search = MLPSearchCV(MLPClassifier(max_iter=90), space, n_iter=9, cv=3, random_state=0)
    >>> search = search.fit(X, y)
    >>> len(search.cv_results_["params"]), search.best_score_ > 0.9
    (9, True)
    """

    __module__ = "multilayer.search"

    _follow: Follow | None = None  # in place of what ``verbose`` prints

    def __init__(
        self,
        estimator: BaseEstimator,
        param_distributions: Distributions = "default",
        *,
        n_iter: int | None = None,
        sampler: Any = "random",
        pruner: str | None = "halving",
        factor: int = 3,
        scoring: Any = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        n_seeds: int = 1,
        n_checks: int = 5,
        search_rows: float | None = None,
        storage: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        time_budget: float | None = None,
        n_jobs: int | None = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        return_estimators: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.sampler = sampler
        self.pruner = pruner
        self.factor = factor
        self.n_seeds = n_seeds
        self.n_checks = n_checks
        self.search_rows = search_rows
        self.storage = storage
        self.checkpoint = checkpoint
        self.time_budget = time_budget
        self.return_estimators = return_estimators
        self.random_state = random_state

    # The search ----------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, then train the best configuration on all rows.

        Ctrl-C ends the search with a warning, and what it has found is its result, as with a time
        budget; before the first configuration is scored, and in the final fit, it is raised.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        **params : dict
            Arguments of the estimator's ``fit``, of scorers and of the splitter, such as
            `sample_weight` and `groups`, routed as in scikit-learn.

        Returns
        -------
        self : MLPSearchCV
            The fitted search.
        """
        check_search(self)
        scorers, metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        arguments = Routed(routed.estimator.fit, routed.scorer.score, routed.splitter.split)
        check_fit_arguments(self, arguments.fit)
        rules = rules_of(self, scorers, metric)
        with prepared(self, X, y, arguments) as parts:
            scorer = fold_scorer(self.estimator, y, parts.folds, rules)
            if self.refit == ENSEMBLE:
                check_ensemble(self, scorer)
            run = SearchRun(self, parts, rules)
            stopped = run.train()
        lanes, scored = run.lanes, standings_of(run.lanes, rules, stopped=stopped)
        results.warn_of_failures(lanes, self.error_score)
        if all(standing.status == "failed" for standing in scored.values()):
            refuse(
                "time_budget",
                "long enough to score one configuration on all folds",
                self.time_budget,
                "Give more time, fewer folds or search_rows.",
            )
        self._take(
            [run.candidates[i] for i in scored],
            list(scored.values()),
            [lanes[i] for i in scored],
            metric,
            len(parts.folds),
        )
        self.scorer_, self.n_splits_ = scorers, len(parts.folds)
        found = FoldPredictions(scorer, [lanes[i] for i in scored], list(scored.values()))
        take_predictions(self, found, _num_samples(X))
        if self.refit:
            seed, n_jobs = parts.seeds[0], workers_of(self)
            self._refit(Refit(self.estimator, X, y, arguments.fit, seed, n_jobs), found)
        return self

    @available_if(transforms)
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Search, and return what the best estimator makes of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        **params : dict
            As in ``fit``.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            Those of a hidden layer, see ``transform`` of the estimator.
        """
        return self.fit(X, y, **params).transform(X)

    def __sklearn_tags__(self) -> Tags:
        """Say what data the estimator takes; it may transform too.

        Returns
        -------
        tags : Tags
            scikit-learn's record.
        """
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.transformer_tags, tags.input_tags = own.transformer_tags, own.input_tags
        return tags

    # Results -------------------------------------------------------------------------------------

    def _take(
        self,
        candidates: list[Parameters],
        standings: list[Standing],
        lanes: list[list[Lane]],
        metric: str,
        n_folds: int,
    ) -> None:
        """Set what scikit-learn's searches have, and the curves."""
        found = results.formatted(self, candidates, standings, lanes, n_folds)
        self.cv_results_, self.multimetric_ = found, metric != "score"
        self.learning_curves_ = [standing.columns() for standing in standings]
        if not self.refit and self.multimetric_:
            return
        if self.refit == "1se":
            sizes = [sum(lane.n_parameters for lane in own) for own in lanes]
            self.best_index_ = results.simplest_within_one_error(found, metric, sizes)
        else:
            self.best_index_ = self._select_best_index(self.refit, metric, found)
        if not callable(self.refit):
            self.best_score_ = float(found[f"mean_test_{metric}"][self.best_index_])
        self.best_params_ = candidates[self.best_index_]

    def _refit(self, refit: Refit, found: FoldPredictions) -> None:
        """Train the best configuration on all rows, for as many epochs as were best, or several."""
        begun = time.perf_counter()
        if self.refit == ENSEMBLE:
            best = refit_ensemble(self, found, refit)
        else:
            best = refit.single(self.best_params_, final_epochs(self, self.best_index_))
        self.best_estimator_ = best
        self.refit_time_ = time.perf_counter() - begun
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
