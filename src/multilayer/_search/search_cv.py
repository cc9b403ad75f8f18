"""The search: scikit-learn's search API over networks that train side by side."""

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import Tags, check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params

from multilayer._core.checks import refuse
from multilayer._core.environment import level_of_caller
from multilayer._search import results
from multilayer._search.candidates import Distributions, Parameters, candidates_of
from multilayer._search.folds import Routed, make_folds, searched_rows
from multilayer._search.lanes import Lane, Scorer, Scores
from multilayer._search.pipelines import fit_on_all_rows, lanes_of, network_of
from multilayer._search.progress import Follow, PrintedProgress, SearchProgress
from multilayer._search.race import Rules, Standing, run_races, standings_of
from multilayer._search.rungs import brackets_of
from multilayer._search.search_checks import check_fit_arguments, check_search, workers_of
from multilayer._search.work import Work


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
    param_distributions : "default", dict or list of dict, default="default"
        Lists or distributions of values by name, as in scikit-learn's `RandomizedSearchCV`. The
        estimator as it is always takes part, as the first configuration.
    n_iter : int or None, default=None
        Configurations to try; None for 60. None with ``sampler="grid"``.
    sampler : {"random", "grid"}, default="random"
        Whether values are drawn, or all combinations tried.
    pruner : {"halving", "hyperband"} or None, default="halving"
        How configurations compete: by successive halving on epochs, in several brackets of it, or
        not at all. An estimator whose fits cannot stop and go on takes None: L-BFGS, and those for
        raw tables.
    factor : int, default=3
        From each rung one in so many configurations goes on, for so many times the epochs.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in scikit-learn; several scores need a `refit` that names one.
    refit : bool, str or callable, default=True
        Whether the best configuration is trained on all rows. A string names the score that
        decides, or is "1se": the smallest network within one standard error of the best. A
        function takes `cv_results_` and returns the number of a configuration.
    cv : int, splitter, iterable or None, default=None
        As in scikit-learn; None is five folds.
    n_seeds : int, default=1
        Networks of each configuration on each fold, of different random numbers.
    n_checks : int, default=5
        How often a fit that trains to its end is scored between the last rung and the end. The one
        with the best mean over the folds says for how many epochs the final network trains.
    search_rows : int, float or None, default=None
        Number or share of the rows to search on, drawn at random; None for all. The best
        configuration is trained on all rows.
    time_budget : float or None, default=None
        Seconds after which the search ends with what it has found; the final fit comes on top.
    n_jobs : int or None, default=None
        Networks that train at a time; None or -1 for as many as there are cores.
    error_score : "raise" or float, default=nan
        Score of a network that cannot be trained or diverges, or that its error is raised.
    return_train_score : bool, default=False
        Whether the rows that were trained on are scored too.
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
        score reported, and ``status``: "finished", "halved", "stopped" by time or Ctrl-C, or
        "failed". Those that trained to their end rank first, then those that came further.
    best_estimator_ : estimator
        The best configuration, trained on all rows for its ``best_epochs``.
    best_params_ : dict
        Its arguments.
    best_score_ : float
        Its mean score over the folds.
    best_index_ : int
        Its row in `cv_results_`.
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
        sampler: str = "random",
        pruner: str | None = "halving",
        factor: int = 3,
        scoring: Any = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        n_seeds: int = 1,
        n_checks: int = 5,
        search_rows: float | None = None,
        time_budget: float | None = None,
        n_jobs: int | None = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
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
        self.time_budget = time_budget
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
        rng = check_random_state(self.random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=2 + self.n_seeds).tolist()
        candidates = candidates_of(
            self.estimator,
            self.param_distributions,
            sampler=self.sampler,
            n_iter=self.n_iter,
            seed=seeds[0],
        )
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        arguments = Routed(routed.estimator.fit, routed.scorer.score, routed.splitter.split)
        check_fit_arguments(self, arguments.fit)
        rows = searched_rows(self.estimator, X, y, self.search_rows, seeds[1])
        folds = make_folds(splitter, X, y, arguments, rows)
        rules = rules_of(self, scorers, metric)
        seeds_of_networks = seeds_for_networks(self, seeds[2:])
        lanes = lanes_of(self.estimator, candidates, folds, seeds_of_networks)
        follow = self._follow or (PrintedProgress if self.verbose else None)
        progress = None if follow is None else follow(candidates, len(candidates), len(lanes[0]))
        stopped = train_all(self, lanes, rules, progress)
        results.warn_of_failures(lanes, self.error_score)
        scored = standings_of(lanes, rules, stopped=stopped)
        if all(standing.status == "failed" for standing in scored.values()):
            refuse(
                "time_budget",
                "long enough to score one configuration on all folds",
                self.time_budget,
                "Give more time, fewer folds or search_rows.",
            )
        self._take(
            [candidates[i] for i in scored],
            list(scored.values()),
            [lanes[i] for i in scored],
            metric,
            len(folds),
        )
        self.scorer_, self.n_splits_ = scorers, len(folds)
        if self.refit:
            self._refit(X, y, arguments.fit, seeds_of_networks[0])
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
        tags.transformer_tags = get_tags(self.estimator).transformer_tags
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

    def _refit(self, X: Any, y: Any, fit_parameters: Mapping[str, Any], seed: Any) -> None:
        """Train the best configuration on all rows, for as many epochs as were best."""
        begun = time.perf_counter()
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        network_of(best).set_params(random_state=seed)
        epochs = int(self.cv_results_["best_epochs"][self.best_index_])
        self.best_estimator_ = fit_on_all_rows(best, X, y, fit_parameters, epochs)
        self.refit_time_ = time.perf_counter() - begun
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def rules_of(search: MLPSearchCV, scorers: Any, metric: str) -> Rules:
    """Return what all lanes are subject to."""
    return Rules(
        scorer=own_score if search.scoring is None else by_name(scorers),
        decides=metric,
        factor=search.factor,
        n_checks=1 if search.pruner is None else search.n_checks,
        error_score=search.error_score,
        on_train=search.return_train_score,
    )


def seeds_for_networks(search: MLPSearchCV, drawn: Sequence[int]) -> list[Any]:
    """Return the seeds of the networks: the estimator's own one where it has one."""
    own = getattr(network_of(search.estimator), "random_state", None)
    return [own] if own is not None and search.n_seeds == 1 else list(drawn)


def train_all(
    search: MLPSearchCV,
    lanes: list[list[Lane]],
    rules: Rules,
    progress: SearchProgress | None,
) -> bool:
    """Train the lanes; return whether they were stopped before the end."""
    most = int(getattr(network_of(search.estimator), "max_iter", 1))
    brackets = brackets_of(search.pruner, search.factor, len(lanes), most)
    work = Work(workers_of(search), time.monotonic() + (search.time_budget or math.inf))
    try:
        run_races(brackets, dict(enumerate(lanes)), rules, work, progress)
    except KeyboardInterrupt:
        if not standings_of(lanes, rules, stopped=True):
            raise
        if progress is not None:
            progress.end(interrupted=True)
        warnings.warn(
            "The search was interrupted: what it has found so far is its result.",
            stacklevel=level_of_caller(),
        )
        return True
    if progress is not None:
        progress.end(interrupted=False)
    return work.over


def own_score(estimator: BaseEstimator, X: Any, y: Any, **params: Any) -> Scores:
    """Return the score of an estimator's own; accuracy without looking at all labels again."""
    if is_classifier(estimator) and np.ndim(y) == 1 and not params:
        return {"score": float(np.mean(estimator.predict(X) == np.asarray(y)))}
    return {"score": float(estimator.score(X, y, **params))}


def by_name(scorers: Any) -> Scorer:
    """Return a function that scores by name: a single score is called "score"."""

    def score(estimator: BaseEstimator, X: Any, y: Any, **params: Any) -> Scores:
        found = scorers(estimator, X, y, **params)
        return found if isinstance(found, dict) else {"score": float(found)}

    return score
