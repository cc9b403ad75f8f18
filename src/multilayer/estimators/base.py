"""What every network estimator does in ``fit``: one run of the engine, its result as attributes."""

import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError, DivergenceError
from multilayer.estimators.arguments import NetworkArguments

PLANNED = ("step", "exponential", "linear", "cosine", "one_cycle")
"""Schedules that are over after max_iter epochs by plan: reaching them is no failure."""


class BaseMLP(NetworkArguments, BaseEstimator, metaclass=ABCMeta):
    """Training and prediction shared by the estimators; what they learn is theirs to say.

    The engine is imported where it is used, so that importing, constructing and cloning an
    estimator start no JAX.
    """

    @abstractmethod
    def _loss_name(self) -> str:
        """Name of the loss in the engine's table."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Units of the output layer."""

    # Training ----------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        """Check the constructor's arguments."""
        from multilayer.estimators.parameters import check_parameters

        check_parameters(self)

    @contextmanager
    def _unchanged_on_refusal(self) -> Iterator[None]:
        """Leave the estimator as it was when its arguments or data are refused."""
        before = dict(vars(self))
        try:
            yield
        except Exception:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _begin(self, samples: Any, validation: Any, *, resume: bool) -> Any:
        """Return a training run over checked samples, new or going on from the last one."""
        from multilayer.estimators import fitting

        rng = check_random_state(self.random_state)
        if not resume:
            self._start(rng, samples.X.shape[1])
        self._check_same_network()
        if self.early_stopping and validation is None and self.solver != "lbfgs":
            samples, validation = self._split(samples)
        plan = fitting.Plan(self, self._layer_sizes, self._loss_name(), self._seed)
        params = self._parameters(fitting.computing_type())
        done = len(self._history_rows)
        training = fitting.assemble(plan, samples, validation, params, done + self.max_iter)
        if self._resumable is not None:
            step = done * training.source.steps_per_epoch
            training.state = self._resumable.onto(training.state, step)
        training.history.rows.extend(self._history_rows)
        training.reported = done
        return training

    def _check_same_network(self) -> None:
        """Refuse to continue a network under another shape."""
        from multilayer.estimators.parameters import hidden_sizes

        if hidden_sizes(self.hidden_layer_sizes) != self._layer_sizes[1:-1]:
            refuse(
                "hidden_layer_sizes",
                f"{self._layer_sizes[1:-1]}, those of the network that is continued",
                self.hidden_layer_sizes,
                "Set warm_start=False to start a new one, or clone the estimator.",
            )

    def _start(self, rng: np.random.RandomState, n_features: int) -> None:
        """Draw initial weights and forget every earlier training."""
        from multilayer.estimators import fitting, parameters
        from multilayer.nn.network import Network, initialize

        hidden = parameters.hidden_sizes(self.hidden_layer_sizes)
        self._layer_sizes = (n_features, *hidden, self._n_outputs())
        network = Network(self._layer_sizes, self.activation)
        params = initialize(
            network,
            rng,
            weights=self.weight_init,
            bias=self.bias_init,
            dtype=fitting.computing_type(),
        )
        self._keep_parameters(params)
        self._seed = int(rng.randint(np.iinfo(np.int32).max))
        self._resumable: Any = None
        self._history_rows: list[dict[str, float]] = []
        self.loss_curve_: list[float] = []
        self.t_ = 0

    def _split(self, samples: Any) -> tuple[Any, Any]:
        """Set a fraction of the samples aside: the same ones when training goes on later."""
        from multilayer.estimators import fitting

        try:
            train, held_out = train_test_split(
                np.arange(len(samples)),
                random_state=self._seed,
                test_size=self.validation_fraction,
                stratify=self._strata(samples.y),
            )
        except ValueError as error:
            raise DataError(
                f"validation_fraction={self.validation_fraction!r} cannot set a stratified part of "
                f"{len(samples)} samples aside: {error} Change validation_fraction, or give X_val "
                "and y_val."
            ) from error
        validation = samples.pick(held_out)
        fitting.require_validation(validation)
        return samples.pick(train), validation

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        """Groups to keep in proportion when samples are set aside."""
        return None

    def _run(self, training: Any, epochs: int) -> None:
        """Train; whatever ends it, the attributes describe a network that can be used."""
        if self.solver == "lbfgs":
            self._fit_lbfgs(training)
            return
        from multilayer._engine.callbacks import PrintLoss
        from multilayer._engine.loop import train
        from multilayer._engine.state import CONVERGED

        callbacks = [*(self.callbacks or ()), *([PrintLoss()] if self.verbose else ())]
        self.stop_reason_ = "max_iter"
        begun = len(training.history)
        try:
            train(training, (begun + epochs) * training.source.steps_per_epoch, callbacks=callbacks)
        except KeyboardInterrupt:
            self.stop_reason_ = "interrupted"
            warnings.warn("Training interrupted by user.", stacklevel=4)
        except Exception:  # a callback's: what was trained is kept
            self.stop_reason_ = "failed"
            self._keep_result(training, begun)
            raise
        if training.diverged:
            self.stop_reason_ = "diverged"
        elif training.status == CONVERGED:
            self.stop_reason_ = "converged"
        self._keep_result(training, begun)
        if training.diverged:
            raise DivergenceError(
                f"training diverged in epoch {len(training.history)}: the loss is not finite "
                "(the solver produced non-finite parameter weights). The best finite network so "
                "far is kept. Scale the input columns, lower learning_rate_init "
                f"(got learning_rate_init={self.learning_rate_init!r}), or both."
            )
        if self.stop_reason_ == "max_iter" and self._should_converge():
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _should_converge(self) -> bool:
        """Whether reaching max_iter is worth a warning."""
        from multilayer.estimators.parameters import schedule_name

        return schedule_name(self) not in PLANNED and self.n_iter_ >= self.max_iter > 0

    def _keep_result(self, training: Any, begun: int) -> None:
        """Set the fitted attributes from a training run, however it ended."""
        import jax

        from multilayer.estimators.resuming import Resumable

        state = jax.device_get(training.state)
        validated = training.validation is not None
        keep_best = (
            training.config.monitor_score
            or self.stop_reason_ == "diverged"
            or (self.stop_reason_ in ("interrupted", "failed") and validated)
        )
        has_best = np.isfinite(state.best_kept) or self.stop_reason_ == "diverged"
        self._keep_parameters(state.best_params if keep_best and has_best else state.params)
        self._resumable = Resumable.of(state)
        history = training.history
        self._history_rows = history.rows
        self.history_ = history.columns()
        self.loss_curve_ = history["loss"].tolist()
        self.loss_ = self.loss_curve_[-1] if len(history) else np.nan
        self.n_iter_ = len(history) - begun
        self.t_ += self.n_iter_ * training.source.n_rows
        scores = history["validation_score"]
        self.validation_scores_ = scores.tolist() if validated else None
        self.best_validation_score_ = float(np.max(scores, initial=-np.inf)) if validated else None
        stopped_by_score = training.config.monitor_score
        losses = history["loss"]
        self.best_loss_ = None if stopped_by_score else float(np.min(losses, initial=np.inf))
        self.fit_seconds_ = training.seconds
        self.compile_seconds_ = training.compile_seconds

    def _fit_lbfgs(self, training: Any) -> None:
        """Minimise with SciPy and set the fitted attributes."""
        from multilayer._engine.callbacks import print_iteration
        from multilayer._engine.lbfgs import minimise

        found = minimise(
            training.config,
            training.hyper,
            training.source,
            training.state.params,
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            on_iteration=print_iteration if self.verbose else None,
        )
        self._keep_parameters(found.params)
        self.loss_ = self.best_loss_ = found.loss
        self.n_iter_ = len(found.loss_curve)
        self.validation_scores_ = self.best_validation_score_ = None
        self.loss_curve_ = found.loss_curve
        self.history_ = {
            "epoch": np.arange(len(found.loss_curve)),
            "loss": np.array(found.loss_curve, np.float64),
        }
        self.fit_seconds_, self.compile_seconds_ = found.seconds, found.compile_seconds
        self.stop_reason_ = "converged" if found.converged else "max_iter"
        if found.interrupted:
            self.stop_reason_ = "interrupted"
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif not np.isfinite(found.loss):
            raise DivergenceError(
                "training diverged: the loss is not finite. Scale the input columns first."
            )
        elif not found.converged:
            warnings.warn(
                f"lbfgs failed to converge after {self.n_iter_} iteration(s): {found.message}. "
                "Increase max_iter or scale the columns.",
                ConvergenceWarning,
                stacklevel=4,
            )

    # Parameters --------------------------------------------------------------------------------

    def _keep_parameters(self, params: Sequence[Any]) -> None:
        """Copy parameters into scikit-learn's attributes."""
        self.coefs_ = [np.array(layer.kernel) for layer in params]
        self.intercepts_ = [np.array(layer.bias) for layer in params]
        self.n_layers_ = len(params) + 1
        self.n_outputs_ = self._layer_sizes[-1]

    def _parameters(self, dtype: str) -> tuple[Any, ...]:
        """Return the parameters that the attributes hold (users may have changed them)."""
        from multilayer.nn.network import Dense

        return tuple(
            Dense(np.array(kernel, dtype), np.array(bias, dtype))
            for kernel, bias in zip(self.coefs_, self.intercepts_, strict=True)
        )

    # Prediction --------------------------------------------------------------------------------

    def _logits(self, X: Any) -> np.ndarray:
        """Compute the outputs before the output activation, float32."""
        check_is_fitted(self)
        from multilayer._data.rows import row_taker
        from multilayer._engine.predict import logits
        from multilayer.estimators import fitting, inputs
        from multilayer.nn.network import Network

        X = inputs.check_X(self, X, reset=False)
        dtype = fitting.computing_type()
        return logits(
            Network(self._layer_sizes, self.activation),
            self._parameters(dtype),
            row_taker(X, dtype),
            X.shape[0],
            input_scale=1.0 if self.input_scale is None else self.input_scale,
            dtype=dtype,
        )
