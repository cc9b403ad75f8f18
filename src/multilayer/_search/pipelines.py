"""A network and what stands before it: steps of a pipeline are fitted apart from the network."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from multilayer._search.candidates import Parameters
from multilayer._search.lanes import Fold, Lane
from multilayer._search.pausable import begin_fit, chooses_epoch, is_pausable, prepare_rows
from multilayer._sklearn.ensemble_members import network_of as network_of


def steps_before(estimator: BaseEstimator) -> Pipeline | None:
    """Return the steps before the network, None where there are none."""
    if not isinstance(estimator, Pipeline) or len(estimator.steps) == 1:
        return None
    return Pipeline(estimator.steps[:-1])


def apart(
    estimator: BaseEstimator, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of the steps before the network, and those of the network."""
    if not isinstance(estimator, Pipeline):
        return {}, dict(arguments)
    prefix = f"{estimator.steps[-1][0]}__"
    own = {k.removeprefix(prefix): v for k, v in arguments.items() if k.startswith(prefix)}
    return {k: v for k, v in arguments.items() if not k.startswith(prefix)}, own


def setting_key(before: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same arguments of steps; arrays may be among them."""
    return repr(sorted(before.items()))


@dataclass
class Preparation:
    """What the steps before the network make of the folds, for each setting of theirs once."""

    estimator: BaseEstimator
    _made: dict[tuple[str, int], Fold] = field(default_factory=dict)
    _locks: dict[tuple[str, int], Lock] = field(default_factory=dict)

    def maker(self, before: Mapping[str, Any], fold: Fold) -> Callable[[], Fold]:
        """Return what returns a fold as the network gets it; steps are fitted the first time."""
        if steps_before(self.estimator) is None:
            return lambda: fold
        key = setting_key(before), fold.number
        lock = self._locks.setdefault(key, Lock())

        def make() -> Fold:
            with lock:
                if key not in self._made:
                    self._made[key] = self._prepared(before, fold)
                return self._made[key]

        return make

    def _prepared(self, before: Mapping[str, Any], fold: Fold) -> Fold:
        steps = steps_before(clone(self.estimator).set_params(**before))
        assert steps is not None
        others, own = apart(self.estimator, fold.fit_parameters)
        X_train = steps.fit_transform(*fold.train, **others)
        return Fold(
            fold.number,
            (X_train, fold.train[1]),
            (steps.transform(fold.test[0]), fold.test[1]),
            own,
            fold.score_parameters,
            fold.test_rows,
            steps,
        )


def lanes_of(
    preparation: Preparation,
    params: Parameters,
    number: int,
    folds: Sequence[Fold],
    seeds: Sequence[Any],
) -> list[Lane]:
    """Return the lanes of a configuration, those of a fold side by side."""
    before, own = apart(preparation.estimator, params)
    network = clone(network_of(preparation.estimator)).set_params(**own)
    lanes = []
    for i, (fold, seed) in enumerate((fold, seed) for fold in folds for seed in seeds):
        seeded = copy(network)  # arguments may be shared: nothing of an estimator changes them
        seeded.random_state = seed
        maker = preparation.maker(before, fold)
        lanes.append(Lane((number, i), fold.number, before, seeded, maker))
    return lanes


def fit_on_all_rows(
    estimator: BaseEstimator, X: Any, y: Any, fit_parameters: Mapping[str, Any], epochs: int | None
) -> BaseEstimator:
    """Fit an estimator for so many epochs, None for all; its schedule is that of its whole fit.

    One that chooses the epoch itself is fitted to its end.
    """
    network, steps = network_of(estimator), steps_before(estimator)
    others, own = apart(estimator, fit_parameters)
    if steps is not None:
        X = steps.fit_transform(X, y, **others)
    if is_pausable(network) and not chooses_epoch(network):
        fit = begin_fit(network, prepare_rows(network, X, y, **own))
        fit.advance(fit.most_epochs if epochs is None else epochs, lambda pace: pace)
        fit.finish()
    else:
        network.fit(X, y, **own)
    return estimator
