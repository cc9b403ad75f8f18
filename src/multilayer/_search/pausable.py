"""Which estimators have fits that stop between two epochs and go on, and how these begin."""

from collections.abc import Hashable
from typing import Any, TypeAlias, TypeGuard

from sklearn.base import BaseEstimator

from multilayer._core.pytrees import leaves
from multilayer._sklearn.base import BaseMLP
from multilayer._sklearn.fit import paused
from multilayer._sklearn.fit.paused import CheckedRows, PausedFit
from multilayer._sklearn.tabular.paused_ensemble import (
    PausedEnsemble,
    begin_ensemble_fit,
    check_table,
    table_key,
)
from multilayer._sklearn.tabular.tabular_base import BaseTabular, EncodedTable

Pausable: TypeAlias = BaseMLP | BaseTabular
Prepared: TypeAlias = CheckedRows | EncodedTable
"""Rows to train on, as such an estimator makes them of the user's: shared by all that are alike."""


def is_pausable(estimator: BaseEstimator) -> TypeGuard[Pausable]:
    """Whether fits of an estimator can stop between two epochs.

    L-BFGS is SciPy's from beginning to end. What ends by a clock of its own would lose the time for
    which other fits have the cores.
    """
    if isinstance(estimator, BaseTabular):
        return not estimator._by_the_clock
    return isinstance(estimator, BaseMLP) and not estimator._full_batch


def chooses_epoch(estimator: BaseEstimator) -> bool:
    """Whether a fit chooses the epoch of its networks itself, by rows that it sets aside.

    However long it trained, it has the networks that were best by its own `scoring`: a search has
    no epoch to choose for it, and its last score is that of what ``fit`` returns. The epochs of
    folds say nothing of the final fit either, which has other rows set aside to go by. So that is a
    whole fit; also of a configuration that time has stopped after a few epochs.
    """
    return isinstance(estimator, BaseTabular)


def most_epochs(estimator: BaseEstimator) -> int:
    """Return how many epochs a fit may take; 1 for what is done at once."""
    if not is_pausable(estimator):
        return 1
    if isinstance(estimator, BaseTabular):
        return estimator._most_epochs
    return int(estimator.max_iter)


def n_parameters_of(fitted: BaseEstimator) -> int:
    """Return the size of a fitted network, or of all networks of an ensemble; 0 of others."""
    if isinstance(fitted, BaseTabular):
        return sum(leaf.size for leaf in leaves(fitted._ensemble.params))
    return getattr(fitted, "n_parameters_", 0)


def preparation_key(estimator: Pausable) -> Hashable:
    """Return what :func:`prepare_rows` depends on besides the rows: equal keys, equal results."""
    if isinstance(estimator, BaseTabular):
        return table_key(estimator)
    return paused.rows_key(estimator)


def prepare_rows(estimator: Pausable, X: Any, y: Any, **fit_parameters: Any) -> Prepared:
    """Check and encode rows to train on, as the estimator's ``fit`` would.

    Raises
    ------
    DataError
        The data cannot be used.
    """
    if isinstance(estimator, BaseTabular):
        return check_table(estimator, X, y, **fit_parameters)
    return paused.check_rows(estimator, X, y, **fit_parameters)


def begin_fit(estimator: Pausable, rows: Prepared) -> PausedFit | PausedEnsemble:
    """Check the arguments, and return a fit before its first epoch; rows are prepared for it.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule, or belongs to a fit that is not interrupted.
    DataError
        The data cannot be used.
    """
    if isinstance(estimator, BaseTabular):
        assert isinstance(rows, EncodedTable)
        return begin_ensemble_fit(estimator, rows)
    assert isinstance(rows, CheckedRows)
    return paused.begin(estimator, rows)
