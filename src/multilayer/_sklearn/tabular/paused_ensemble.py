"""A fit of an estimator for raw tables that stops between two epochs and goes on from there.

What `_sklearn/fit/paused.py` is to a single network. The stations are those of ``fit``, see
``tabular_base.py``: what differs is who says when to train on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy.typing as npt

from multilayer._core.checks import refuse
from multilayer._data.raw_tables import TableLike
from multilayer._engine import loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.loop import Budget, Pace, Training
from multilayer._persist.checkpoints import StoredCheckpoint
from multilayer._sklearn.fit.paused import OF_ONE_FIT, go_on_from, snapshot_of
from multilayer._sklearn.tabular.ensemble import EnsembleRun
from multilayer._sklearn.tabular.ensemble_training import BegunEnsemble, Phase
from multilayer._sklearn.tabular.tabular_base import BaseTabular, EncodedTable

OF_THE_ENSEMBLE = frozenset(
    (
        *("n_estimators", "n_folds", "hidden_layer_sizes", "activation", "numeric_embedding"),
        *("numeric_scaling", "n_bins", "embedding_size", "k", "dropout", "weight_decay"),
        *("learning_rate_init", "beta_2", "batch_size", "share_training_batches", "clip_norm"),
        *("label_smoothing", "max_iter", "n_iter_no_change", "validation_fraction", "n_cv"),
        *("n_ens", "n_refit", "random_state", "device", "verbose"),
    )
)
"""Arguments that do not change what is made of the rows."""


@dataclass
class PausedEnsemble:
    """A fit of an estimator, epoch by epoch; the estimator is changed by `finish` alone.

    Epochs are those of the networks that rows set aside, or other folds, judge. Networks that are
    trained again on all rows (`n_refit`) come once, after the last of these epochs, and predict
    from then on; before it there is nothing that says for how many epochs they are to train.
    """

    estimator: BaseTabular
    table: EncodedTable
    begun: BegunEnsemble
    _second: Phase | None = None  # trained again on all rows, once it has begun

    @property
    def training(self) -> Training:
        """The training run whose epochs count: what is stored of a fit, with the callbacks.

        Where that has ended, a fit that was stored goes on with the networks of all rows anew.
        """
        return self.begun.first.training

    @property
    def callbacks(self) -> Sequence[Callback]:
        """What acts on the training run, and has a state of its own."""
        return self.begun.first.callbacks

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.training.history)

    @property
    def most_epochs(self) -> int:
        """Epochs after which the fit ends; fewer where its stopping rule ends it."""
        return self.begun.first.most_epochs

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train."""
        if self.diverged or not self.begun.first.ended:
            return self.diverged
        return not self.begun.has_second or (self._second is not None and self._second.ended)

    @property
    def diverged(self) -> bool:
        """Whether the loss became infinite or NaN."""
        again = self._second is not None and self._second.training.diverged
        return self.training.diverged or again

    def advance(self, epochs: int, within: Callable[[Budget], Budget]) -> None:
        """Train until so many epochs are done, counted from the first.

        ``within`` may shorten the calls of the program, or end them by an exception.
        """
        first = self.begun.first
        stop = min(epochs, first.most_epochs) * self.training.source.steps_per_epoch
        pace = within(Pace(self.training))
        loop.train(self.training, stop, callbacks=first.callbacks, budget=pace)
        if not first.ended or self.training.diverged:
            return
        if self._second is None:
            self._second = self.begun.second()
        if (second := self._second) is not None:
            pace = within(Pace(second.training))
            loop.train(second.training, second.most_steps, budget=pace)

    def finish(self) -> BaseTabular:
        """Give the estimator the networks that predict best so far; training may go on after it.

        These are what ``fit`` has where it is interrupted now, or has ended.
        """
        second = self._second if self.ended else None
        result = self.begun.result(self.begun.first.reason, None, second)
        self.estimator._set_fitted(self.table, result)
        return self.estimator

    def snapshot(self) -> StoredCheckpoint:
        """Return what a fit newly begun with the same arguments and rows goes on from."""
        return snapshot_of(self.training, self.callbacks)

    def restore(self, snapshot: StoredCheckpoint) -> None:
        """Go on from a snapshot, to the bits of a fit that was never interrupted.

        Raises
        ------
        ModelFileError
            It is one of another fit (a ValueError).
        """
        go_on_from(snapshot, self.training, self.callbacks)


def check_table(
    estimator: BaseTabular,
    X: TableLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
) -> EncodedTable:
    """Check and encode rows to train on, as the estimator's ``fit`` would.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule.
    DataError
        The data cannot be used.
    """
    estimator._check_arguments()
    return estimator._encode(X, y, sample_weight, groups)


def table_key(estimator: BaseTabular) -> tuple[object, ...]:
    """Return what :func:`check_table` depends on besides the rows: equal keys, equal results."""
    given = estimator.get_params(deep=False)
    others = ((name, repr(given[name])) for name in sorted(given.keys() - OF_THE_ENSEMBLE))
    return type(estimator), *others


def begin_ensemble_fit(estimator: BaseTabular, table: EncodedTable) -> PausedEnsemble:
    """Check the arguments, and return a fit before its first epoch.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule, or belongs to a fit that is not interrupted.
    """
    estimator._check_arguments()
    for name in OF_ONE_FIT:
        if (value := getattr(estimator, name)) is not None:
            refuse(name, "None in a search, whose fits stop and go on", value)
    run = EnsembleRun(estimator._seed(), device=estimator.device)
    return PausedEnsemble(estimator, table, estimator._begin(table.rows, run))
