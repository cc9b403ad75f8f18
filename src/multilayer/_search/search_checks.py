"""A search's arguments: their checks, before anything is trained, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real, refuse
from multilayer._engine.native.threads import most_threads
from multilayer._search.candidates import SAMPLERS
from multilayer._search.pausable import chooses_epoch, is_pausable
from multilayer._search.pipelines import apart, network_of
from multilayer._search.rungs import PRUNERS
from multilayer._search.scores import NamedScores, own_score
from multilayer._search.visits import Rules
from multilayer._sklearn.tabular.tabular_base import BaseTabular

if TYPE_CHECKING:
    from multilayer._search.search_cv import MLPSearchCV


def check_search(search: "MLPSearchCV") -> None:
    """Check the arguments of the constructor, but for those of the space."""
    network = network_of(search.estimator)
    if not type(network).__module__.startswith("multilayer"):
        refuse(
            "estimator",
            "of this package, or a pipeline that ends in one",
            search.estimator,
            "sklearn.model_selection has searches for all others: RandomizedSearchCV, "
            "GridSearchCV, HalvingRandomSearchCV.",
        )
    if search.pruner is not None:
        check_choice("pruner", search.pruner, PRUNERS)
        if not is_pausable(network):
            refuse(
                "pruner",
                f"None for {type(network).__name__}, whose fits cannot stop and go on",
                search.pruner,
            )
    if isinstance(search.sampler, str):
        check_choice("sampler", search.sampler, SAMPLERS)
    if search.checkpoint is not None and search.storage is None:
        refuse("checkpoint", "None without storage", search.checkpoint, "Name a storage too.")
    if search.return_estimators and search.storage is not None:
        refuse(
            "return_estimators",
            "False where storage is given, which has no fitted estimators",
            search.return_estimators,
        )
    if needs_optuna(search):
        check_optuna(search)
    for name, low in (("factor", 2), ("n_seeds", 1), ("n_checks", 1)):
        check_integer(name, getattr(search, name), low)
    check_bool("return_estimators", search.return_estimators)
    if search.time_budget is not None:
        check_real("time_budget", search.time_budget, "(0, inf)")
    if isinstance(search.error_score, str):
        check_choice("error_score", search.error_score, ("raise",))
    workers_of(search)


def needs_optuna(search: "MLPSearchCV") -> bool:
    """Whether a search has a storage, a function as its space, or a sampler that learns."""
    plain = isinstance(search.sampler, str) and search.sampler != "tpe"
    return search.storage is not None or callable(search.param_distributions) or not plain


def check_optuna(search: "MLPSearchCV") -> None:
    """Check what Optuna does in a search, and that it is installed."""
    try:
        from multilayer._search import optuna_search  # late: Optuna is an extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "optuna":
            raise
        raise ImportError(
            "storage, sampler='tpe' and functions of a trial need Optuna, which is not installed. "
            "Install it: pip install optuna"
        ) from error
    optuna_search.check(search)


def workers_of(search: "MLPSearchCV") -> int:
    """Return how many networks train at a time."""
    if search.n_jobs is None or search.n_jobs == -1:
        return most_threads()
    check_integer("n_jobs", search.n_jobs, 1)
    return int(search.n_jobs)


def check_fit_arguments(search: "MLPSearchCV", given: Mapping[str, Any]) -> None:
    """Check what ``fit`` is to hand down to the network."""
    network = network_of(search.estimator)
    known = {"sample_weight", "groups"} if isinstance(network, BaseTabular) else {"sample_weight"}
    others = sorted(apart(search.estimator, given)[1].keys() - known)
    if others and is_pausable(network):
        refuse(others[0], "left out: a search has no rows for it", given[others[0]])


def rules_of(search: "MLPSearchCV", scorers: Any, metric: object) -> Rules:
    """Return what all lanes are subject to."""
    return Rules(
        scorer=own_score if search.scoring is None else NamedScores(scorers),
        decides=metric if isinstance(metric, str) else None,
        factor=search.factor,
        n_checks=1 if search.pruner is None else search.n_checks,
        error_score=search.error_score,
        on_train=search.return_train_score,
        last_counts=chooses_epoch(network_of(search.estimator)),
        copied=search.return_estimators,
    )


def seeds_for_networks(search: "MLPSearchCV", drawn: Sequence[int]) -> list[Any]:
    """Return the seeds of the networks: the estimator's own one where it has one.

    A generator of the estimator is drawn from once: networks that train side by side do not share
    it.
    """
    own = getattr(network_of(search.estimator), "random_state", None)
    if own is None or search.n_seeds > 1:
        return list(drawn)
    if isinstance(own, np.random.RandomState):
        return [int(own.randint(np.iinfo(np.int32).max))]
    return [own]
