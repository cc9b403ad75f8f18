"""What the estimators of published recipes have in common."""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.activations import ACTIVATIONS
from multilayer._core.checks import check_choice, check_integer, check_real
from multilayer._sklearn.arguments.checkpoint import Checkpoint
from multilayer._sklearn.reference.recipes import ReferenceRecipe
from multilayer._sklearn.tabular.encoder import TabularEncoder
from multilayer._sklearn.tabular.ensemble import EncodedRows, EnsembleRun
from multilayer._sklearn.tabular.tabular_base import DEVICE, ENGINE, BaseTabular
from multilayer._sklearn.targets.metric_table import Metric

if TYPE_CHECKING:
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._sklearn.tabular.ensemble_training import BegunEnsemble

ELEMENTWISE = tuple(name for name in ACTIVATIONS if name != "softmax")


@dataclass(eq=False, repr=False, kw_only=True)
class Reference(BaseTabular):
    """The arguments that all have, and their training."""

    max_iter: int
    validation_fraction: float = 0.2
    scoring: "str | Metric | Callable[..., float] | None" = None
    feature_roles: Mapping[str | int, str] | None = None
    random_state: "int | np.random.RandomState | None" = None
    verbose: bool = False
    callbacks: "Sequence[Callback] | None" = None
    checkpoint: "str | os.PathLike[str] | Checkpoint | None" = None
    device: str = "auto"

    @abstractmethod
    def _recipe(self, rows: EncodedRows) -> ReferenceRecipe:
        """Return the recipe for encoded rows."""

    @abstractmethod
    def _most_one_hot(self) -> int | None:
        """Return the levels up to which a category becomes flags; None for all."""

    def _unfitted_encoder(self) -> TabularEncoder:
        """Return the encoder of the columns: every level of a category is one of its own."""
        return TabularEncoder(
            feature_roles=self.feature_roles,
            max_one_hot=self._most_one_hot(),
            min_frequency=1,
            smooth_clip=False,
        )

    def _begin(self, rows: EncodedRows, run: EnsembleRun) -> "BegunEnsemble":
        """Begin to train the networks of the recipe."""
        by_loss = self.scoring == "loss"
        return engine_side().begin_reference(self._recipe(rows), rows, run, by_loss=by_loss)

    @property
    def _most_epochs(self) -> int:
        return self.max_iter

    def _check_common(self) -> None:
        """Check the arguments that all have."""
        super()._check_common()
        check_integer("max_iter", self.max_iter, 1)
        check_real("validation_fraction", self.validation_fraction, "(0, 1)")


def engine_side() -> ModuleType:
    """Return the module that trains."""
    from multilayer._sklearn.reference import reference_training

    return reference_training


# Checks of arguments that may be "auto" ----------------------------------------------------------


def chosen(value: Any, usual: Any) -> Any:
    """Return an argument, or what is usual where it is "auto"."""
    return usual if isinstance(value, str) and value == "auto" else value


def check_number(name: str, value: object, interval: str) -> None:
    """Check a number that the recipe knows where it is "auto"."""
    if value != "auto":
        check_real(name, value, interval)


def check_activation(value: object) -> None:
    """Check the name of an activation function."""
    check_choice("activation", value, ("auto", *ELEMENTWISE))


def check_most_one_hot(value: object) -> None:
    """Check the levels up to which a category becomes flags."""
    if value not in ("auto", None):
        check_integer("max_one_hot", value, 2)


# Documentation that all have ---------------------------------------------------------------------


COMMON = """\
max_iter : int, default=<max_iter>
        <epochs>
    validation_fraction : float, default=0.2
        Share of the rows that are set aside to choose the epoch, in (0, 1).
    scoring : str, callable, Metric or None, default=None
        What chooses the epoch: None is the error of classes or of numbers as published, "loss" is
        the log loss, which calibrated probabilities need; or a score as in scikit-learn's
        :func:`~sklearn.metrics.get_scorer`.
    feature_roles : dict or None, default=None
        Roles of columns that are not to be judged by type and content, see
        :class:`TabularEncoder`."""

LAST = """\
random_state : int, RandomState or None, default=None
        Seed of the rows set aside, first weights, the order of rows and dropout. The same seed
        gives the same bits on one machine.
    verbose : bool, default=False
        Whether loss and score of the rows set aside are printed after each epoch.
    callbacks : sequence of Callback or None, default=None
        See :mod:`multilayer.callbacks`; ``ProgressBar()`` shows how training goes.
    checkpoint : str, path-like, multilayer.Checkpoint or None, default=None
        Folder for checkpoints, so that the same fit, started again after a crash, resumes where it
        was, with the bits of a fit without interruption. Networks that are trained again on all
        rows have no checkpoints. None writes none."""

CLASS_WEIGHT = """\
class_weight : dict, "balanced" or None, default=None
        Weights of the classes, which multiply those of the rows; a class that a dict leaves out has
        weight 1. "balanced" is ``n_samples / (n_classes * count)``."""

ATTRIBUTES = """\
encoder_ : TabularEncoder
        The fitted encoder of the columns.
    feature_roles_ : dict
        Role of each column of X, "drop" included.
    report_ : ReferenceReport
        What the fit did: rows, networks, best epochs, loss and score of the rows set aside,
        seconds.
    history_ : dict of ndarray
        Curves of training, one number for each epoch.
    n_iter_ : int
        Number of epochs.
    stop_reason_ : str
        Why training ended: "max_iter", "converged", "interrupted", "failed" or what a callback
        gave.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where X had names that are all text."""

TEXTS = {
    "common": COMMON,
    "last": f"{LAST}\n    {DEVICE}",
    "class_weight": CLASS_WEIGHT,
    "attributes": f"{ATTRIBUTES}\n    {ENGINE}",
}
