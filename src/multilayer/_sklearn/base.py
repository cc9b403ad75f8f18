"""What every network estimator does in ``fit``: one run of the engine, its result as attributes.

The stages of a fit, up to the engine (``_engine/loop.py`` continues from stage 6):

1. The arguments are checked and become one ``Resolved`` (``arguments/resolved.py``).
2. X and y are checked (``inputs.py``) and encoded (``targets/``); they become ``Samples``
   (``fit/samples.py``), with the ``Objective`` of the targets.
3. ``fit/start.py`` returns the ``Start``: a network and parameters, drawn at random, initialised
   with trained layers (``fit/reuse.py``), or those where the last fit ended.
4. ``fit/checkpointing.py``, if requested, opens the folder of this fit, identified by a
   fingerprint of data, arguments and start (``fit/fingerprint.py``).
5. ``fit/calibration.py`` and ``fit/assembly.py`` set rows aside; the latter weights them, and
   returns the ``Plan`` and the ``Training``. An error up to here leaves the estimator unchanged.
6. ``fit/engine_run.py`` trains and returns one ``FitResult``, however training ended.
7. ``network/trained.py`` sets every fitted attribute from it; ``BaseMLP._run`` calibrates the
   network, and then raises or warns.

``partial_fit`` runs stages 1 to 3 and 5 to 7, for one epoch.
"""

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags

from multilayer._core.checks import refuse
from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._data.rows import MatrixLike
from multilayer._engine.callbacks.printing import PrintLoss
from multilayer._sklearn.arguments.constructors import NetworkArguments, known_arguments
from multilayer._sklearn.arguments.resolved import check_partial_fit
from multilayer._sklearn.arguments.solver_arguments import is_full_batch
from multilayer._sklearn.fit import assembly, engine_run, start
from multilayer._sklearn.fit.calibration import Calibrated, set_calibration_rows_aside
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.sklearn_callbacks import (
    CallbackSupportMixin,
    notify_sklearn,
    with_callbacks,
)
from multilayer._sklearn.network.importances import HasImportances
from multilayer._sklearn.network.parameters import unsaid_attributes
from multilayer._sklearn.network.trained import Trained

if TYPE_CHECKING:  # what starts JAX when it is imported
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._engine.loop import Training
    from multilayer._objectives.objective import LossNumbers, Objective
    from multilayer._sklearn.arguments.resolved import Resolved
    from multilayer._sklearn.fit.assembly import Plan


def is_stochastic(estimator: "BaseMLP") -> bool:
    """Whether the solver can train for one epoch: the condition of partial_fit."""
    if estimator._full_batch:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class BaseMLP(
    CallbackSupportMixin,
    Calibrated,
    HasImportances,
    Trained,
    NetworkArguments,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Training, shared by the estimators. The methods that they override say what is learnt.

    The engine is loaded where it is used: what trains natively starts no JAX.
    """

    # What an estimator says of its targets -------------------------------------------------------

    @abstractmethod
    def _check_parameters(self) -> "Resolved":
        """Check the constructor's arguments, and return what they stand for."""

    @abstractmethod
    def _samples(
        self, X: MatrixLike, y: npt.ArrayLike, weight: npt.ArrayLike | None, *, first: bool
    ) -> "tuple[Samples, Objective]":
        """Check rows and encode their targets; return also their objective.

        The first call learns what there is to learn of the targets.
        """

    @abstractmethod
    def _loss_numbers(self, dtype: str, class_weights: list[np.ndarray] | None) -> "LossNumbers":
        """Return the engine's numbers of the loss."""

    def _weighed(
        self, samples: Samples, validation: Samples | None
    ) -> tuple[Samples, Samples | None, list[np.ndarray] | None]:
        """Weight rows by their classes; return also the weights of each output's classes."""
        return samples, validation, None

    def _strata(self, samples: Samples) -> np.ndarray | None:
        """Groups to stratify by when samples are set aside."""
        return None

    def _learnt_from_first(self, parts: Sequence[Samples]) -> Sequence[Samples]:
        """Encode the targets of rows anew, by what only the first of them say."""
        return parts

    def _check_fit(self, samples: Samples) -> None:
        """Warn of a network that is useless after training."""

    # Training ----------------------------------------------------------------------------------

    @known_arguments
    @with_callbacks
    def fit(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: npt.ArrayLike | None = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Ctrl-C ends training with a warning; the estimator then has the best validated network where
        there are validation data, else the latest. Inside a search, an ensemble or a worker
        process, and when pressed again within 3 s, KeyboardInterrupt is raised, so that the caller
        of ``fit`` stops too; the estimator has the network in this case as well.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, any real dtype. Sparse data stay sparse in the native engine; otherwise
            they are streamed in dense chunks, as memory-mapped data are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative; see `weight_normalization`.
        X_val, y_val : array-like, default=None
            Validation data: for the curves, and for early stopping when that is on.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

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
        DivergenceError
            The loss became infinite or NaN (a ValueError); the estimator has the best finite
            network.
        """
        resolved = self._check_parameters()
        again = self.warm_start and "_network" in vars(self)
        with ExitStack() as stack:
            with self._unchanged_on_refusal():
                if again:
                    self._check_same_targets(y)
                samples, objective = self._samples(X, y, sample_weight, first=not again)
                validation = self._validation(X_val, y_val, sample_weight_val)
                begun = start.start_of(self, resolved, samples, objective, again=again)
                checkpointed = None
                if self.checkpoint is not None:
                    # Late: most fits write no files.
                    from multilayer._sklearn.fit import checkpointing

                    checkpointed = stack.enter_context(
                        checkpointing.checkpointed_fit(self, begun, samples, validation, warm=again)
                    )
                    begun = replace(begun, seed=checkpointed.seed)
                samples, validation, aside = set_calibration_rows_aside(
                    self, samples, validation, seed=begun.seed, again=again
                )
                plan, training = assembly.prepare(
                    self, resolved, begun, objective, samples, validation, checkpointed
                )
                if training.checkpointer is not None:
                    stack.enter_context(training.checkpointer)
            callbacks: list[Callback] = []
            # A search hands its context down with or without callbacks; reporting to nobody would
            # only cost a call of the program for each epoch.
            if getattr(self, "_skl_callbacks", None):  # scikit-learn's own, from 1.9 on
                callbacks = stack.enter_context(notify_sklearn(self, plan, X, y, sample_weight))
            self._run(plan, training, self.max_iter, callbacks, calibrate_on=aside)
        self._check_fit(samples)
        return self

    def _fit_one_epoch(
        self,
        samples: "Callable[[], tuple[Samples, Objective]]",
        validation: tuple,
        resolved: "Resolved",
        *,
        again: bool,
    ) -> Self:
        """Train for one epoch, from where the last call left off (partial_fit)."""
        check_partial_fit(self)
        with self._unchanged_on_refusal():
            (rows, objective), judged = samples(), self._validation(*validation)
            begun = start.start_of(self, resolved, rows, objective, again=again)
            plan, training = assembly.prepare(
                self, resolved, begun, objective, rows, judged, one_epoch=True
            )
        self._run(plan, training, 1, [], keep_best=False)
        return self

    def _check_same_targets(self, y: npt.ArrayLike) -> None:
        """Refuse to continue with other targets than before."""

    @contextmanager
    def _unchanged_on_refusal(self) -> Iterator[None]:
        """Leave the estimator as it was when its arguments or data are refused, or at Ctrl-C."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _validation(
        self,
        X_val: MatrixLike | None,
        y_val: npt.ArrayLike | None,
        weight: npt.ArrayLike | None,
    ) -> Samples | None:
        """Check validation data, encoded like the training data."""
        if X_val is None and y_val is None:
            if weight is not None:
                refuse("sample_weight_val", "given together with X_val and y_val", weight)
            return None
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            refuse(missing, "given: X_val and y_val go together", None)
        if self._full_batch:
            raise InvalidArgumentError(
                "X_val must be None with solver='lbfgs', which has no epochs to validate. Choose "
                "another solver."
            )
        try:
            return self._samples(X_val, y_val, weight, first=False)[0]
        except DataError as error:
            raise DataError(f"Of X_val and y_val: {error}") from error

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Names of the arguments, looked up once: scikit-learn reads the signature at each call."""
        return super()._get_param_names()

    @property
    def _full_batch(self) -> bool:
        return is_full_batch(self.solver)

    @abstractmethod
    def _other_objective(self) -> tuple[str, object]:
        """Name the argument that would change the output units, and its value in training."""

    def _run(
        self,
        plan: "Plan",
        training: "Training",
        epochs: int,
        callbacks: "list[Callback]",
        *,
        keep_best: bool = True,
        calibrate_on: Samples | None = None,
    ) -> None:
        """Train; whatever ends it, the attributes describe a network that can be used."""
        watch = [PrintLoss(plan.choice.sentence)] if self.verbose else []
        callbacks = [*(self.callbacks or ()), *callbacks, *watch]
        result = engine_run.run(plan, training, epochs, callbacks, keep_best=keep_best)
        self._take(plan, result)
        self._calibrate_after_fit(calibrate_on, failed=result.error is not None)
        if result.error is not None:
            raise result.error
        if result.warning:
            warnings.warn(result.warning, ConvergenceWarning, stacklevel=level_of_caller())

    def _calibrate_after_fit(self, aside: Samples | None, *, failed: bool = False) -> None:
        """Calibrate the network on rows that fit has set aside, if there are any."""
        self._calibration_share = 0.0 if aside is None else self.calibration_fraction
        if aside is not None and not failed:
            self._calibration = self._calibration_on(aside)

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take what was pickled, by this or an earlier release."""
        super().__setstate__(unsaid_attributes(state) | state)

    def __sklearn_tags__(self) -> Tags:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        single = [] if self.precision == "float64" else ["float32"]
        tags.transformer_tags.preserves_dtype = ["float64", *single]
        return tags
