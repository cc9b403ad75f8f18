"""What all estimators for raw tables do: the stages of their fit, and the mean of networks.

1. Arguments are checked, X is encoded (``encoder.py``), y is learnt and encoded (``targets.py``).
2. The data or the arguments choose a recipe (``recipe.py``; ``reference/recipes.py`` for those
   with the name of a paper).
3. ``ensemble_training.py`` (or ``reference_training.py``) begins the training of an ensemble: one
   network for the engine, whose members stand side by side. ``run_to_end`` there trains it;
   ``paused_ensemble.py`` does so piece by piece.
4. After each epoch it is judged by rows that a member has not seen: ``out_of_fold.py``
   (``reference/held_out.py``), which may end training.
5. The best members and their weights become the fitted ensemble.
"""

import os
import time
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, _safe_indexing, check_random_state
from sklearn.utils.validation import _num_samples, check_consistent_length, check_is_fitted

from multilayer._core.checks import check_bool, check_choice
from multilayer._core.environment import DEVICES
from multilayer._core.errors import DataError
from multilayer._core.types import REPORT_COLUMNS
from multilayer._data.encoding import TableLayout
from multilayer._data.raw_tables import TableLike
from multilayer._sklearn.arguments.checkpoint import Checkpoint, check_checkpoint
from multilayer._sklearn.arguments.constructors import known_arguments
from multilayer._sklearn.fit.scorer import check_scorer
from multilayer._sklearn.inputs import check_weight, remembered
from multilayer._sklearn.network.importances import HasImportances
from multilayer._sklearn.tabular.encoder import TabularEncoder
from multilayer._sklearn.tabular.ensemble import EncodedRows, Ensemble, EnsembleFit, EnsembleRun
from multilayer._sklearn.tabular.targets import ClassTargets, NumberTargets
from multilayer._sklearn.targets.metric_table import Metric

if TYPE_CHECKING:
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._sklearn.tabular.ensemble_training import BegunEnsemble


DEVICE = """\
device : {"auto", "cpu", "gpu"}, default="auto"
        What computes. "cpu": the native engine, which starts neither JAX nor a compiler; and XLA,
        on the CPU, what that does not cover. "gpu": XLA on the accelerator that JAX has. "auto":
        "cpu", unless JAX has an accelerator. `engine_` says what it was: it also predicts."""

ENGINE = """\
engine_ : {"native", "xla"}
        What trained the networks and predicts with them; see `device`."""


@dataclass(frozen=True)
class EncodedTable:
    """Checked and encoded rows to train on, and what was learnt of them by that."""

    encoder: TabularEncoder
    targets: ClassTargets | NumberTargets
    rows: EncodedRows


class BaseTabular(HasImportances, BaseEstimator, metaclass=ABCMeta):
    """What all estimators for raw tables do."""

    _targets: type[ClassTargets] | type[NumberTargets]
    _ensemble: Ensemble
    _learnt: ClassTargets | NumberTargets

    feature_roles: Mapping[str | int, str] | None
    scoring: "str | Metric | Callable[..., float] | None"
    random_state: "int | np.random.RandomState | None"
    verbose: bool
    callbacks: "Sequence[Callback] | None"
    checkpoint: "str | os.PathLike[str] | Checkpoint | None"
    device: str

    @abstractmethod
    def _check_arguments(self) -> None:
        """Check the constructor's arguments, as far as that needs no data."""

    @abstractmethod
    def _begin(self, rows: EncodedRows, run: EnsembleRun) -> "BegunEnsemble":
        """Return the training of an ensemble before its first step."""

    @property
    @abstractmethod
    def _most_epochs(self) -> int:
        """Epochs that a fit may take, unless the clock decides."""

    @property
    def _by_the_clock(self) -> bool:
        """Whether the time of a fit decides over its end."""
        return False

    @abstractmethod
    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[ClassTargets | NumberTargets, EncodedRows]":
        """Learn what there is to learn of targets, and encode them."""

    def _check_common(self) -> None:
        """Check the arguments that all have."""
        check_scorer(self.scoring)
        check_bool("verbose", self.verbose)
        check_choice("device", self.device, DEVICES)
        if self.checkpoint is not None:
            check_checkpoint(self.checkpoint)

    def _unfitted_encoder(self) -> TabularEncoder:
        """Return the encoder of the columns."""
        return TabularEncoder(feature_roles=self.feature_roles, smooth_clip=False)

    @known_arguments
    def fit(
        self,
        X: TableLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
    ) -> Self:
        """Train the ensemble on a raw table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A data frame of pandas or polars, a table of pyarrow, an array, rows in a list, or a
            sparse matrix; see :class:`TabularEncoder`.
        y : array-like of shape (n_samples,) or, for numbers, (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; a row of weight 0 is left out.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are in one fold: the several rows of one person, say.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The data cannot be used (a ValueError).
        ModelFileError
            A checkpoint cannot be written or read (a ValueError).
        DivergenceError
            A loss became infinite or NaN (a ValueError); the estimator has the best networks.
        """
        began = time.monotonic()
        self._check_arguments()
        table = self._encode(X, y, sample_weight, groups)
        seed = self._seed()
        with engine_side().checkpointed_ensemble(self, table.rows, seed) as checkpointed:
            run = EnsembleRun(
                seed, self.callbacks or (), began, checkpointed, self.device, self.verbose
            )
            result = engine_side().run_to_end(self._begin(table.rows, run))
        self._set_fitted(table, result)
        if result.error is not None:
            raise result.error
        return self

    def _encode(
        self,
        X: TableLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        groups: npt.ArrayLike | None,
    ) -> EncodedTable:
        """Check and encode rows to train on."""
        if y is None:
            name = type(self).__name__
            raise DataError(f"{name} requires y to be passed, but the target y is None.")
        check_consistent_length(X, y, sample_weight, groups)
        X, y, weight, groups = rows_with_weight(X, y, sample_weight, groups)
        encoder = self._unfitted_encoder()
        encoded = encoder.fit_transform(X)
        targets, rows = self._encoded(encoded, encoder.layout_, y, weight, groups)
        return EncodedTable(encoder, targets, rows)

    def _seed(self) -> int:
        """Draw the seed of a fit."""
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _set_fitted(self, table: EncodedTable, result: EnsembleFit) -> None:
        """Set every fitted attribute."""
        encoder = table.encoder
        self.encoder_, self._ensemble, self._learnt = encoder, result.ensemble, table.targets
        self._history, self._errors = result.history, result.errors
        self.n_features_in_ = encoder.n_features_in_
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_ = encoder.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.n_iter_ = len(result.history)
        self.report_, self.stop_reason_ = result.report, result.report.stop_reason

    @property
    def engine_(self) -> str:
        """What trained the networks and predicts with them: "native" or "xla"."""
        check_is_fitted(self)
        return self._ensemble.engine

    @property
    def feature_roles_(self) -> dict[str | int, str]:
        """Role of each column of X, "drop" included."""
        check_is_fitted(self)
        return dict(self.encoder_.feature_roles_)

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Curves of training, one number for each epoch, by name."""
        check_is_fitted(self)
        return {name: self._history[name] for name in REPORT_COLUMNS}

    @property
    def _chosen_epochs(self) -> tuple[int, ...]:
        """Epochs whose networks count in the predictions, ascending."""
        return self.report_.chosen_epochs

    def summary(self) -> str:
        """Return what the fit did, and the roles of the columns, as text for people."""
        check_is_fitted(self)
        lines = [f"{name:20} {value}" for name, value in asdict(self.report_).items()]
        return "\n".join([*lines, "", self.encoder_.summary()])

    def _mean_prediction(self, X: TableLike) -> np.ndarray:
        """Return the weighted mean of what the members predict, ``(rows, outputs)`` float64."""
        check_is_fitted(self)

        def compute() -> np.ndarray:
            members = engine_side().member_outputs(self._ensemble, self.encoder_.transform(X))
            return np.einsum("m,rmo->ro", self._ensemble.weights, self._learnt.predicted(members))

        return remembered(self, X, compute)

    def __sklearn_tags__(self) -> Tags:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


def engine_side() -> ModuleType:
    """Return the module that trains and predicts."""
    from multilayer._sklearn.tabular import ensemble_training

    return ensemble_training


def rows_with_weight(
    X: TableLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
) -> tuple[TableLike, npt.ArrayLike, np.ndarray, npt.ArrayLike | None]:
    """Return rows without those of weight 0, and their weights in float32."""
    n_rows = _num_samples(X)
    if sample_weight is None:
        return X, y, np.ones(n_rows, np.float32), groups
    weight = check_weight(sample_weight, np.zeros((n_rows, 1)), "float32")
    some = np.flatnonzero(weight > 0)
    if len(some) < n_rows:
        X, y = _safe_indexing(X, some), _safe_indexing(y, some)
        groups = None if groups is None else _safe_indexing(groups, some)
    return X, y, weight[some], groups
