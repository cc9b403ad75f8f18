"""What every network estimator does in ``fit``: one run of the engine, its result as attributes."""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._core.process import check_process
from multilayer._engine.history import History
from multilayer._sklearn.arguments import solver_arguments
from multilayer._sklearn.arguments.argument_names import known_arguments
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.fit.samples import Samples, set_aside
from multilayer._sklearn.fit.sklearn_callbacks import (
    CallbackSupportMixin,
    notify_sklearn,
    with_callbacks,
)
from multilayer._sklearn.fit.weight_normalization import Seen, divisors
from multilayer._sklearn.network.curves import Curves
from multilayer._sklearn.network.prediction import NetworkUse

if TYPE_CHECKING:  # what starts JAX when it is imported
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._engine.loop import Scorer, Training
    from multilayer._nn.model import Model
    from multilayer._objectives.objective import LossNumbers, Objective
    from multilayer._sklearn.fit.checkpointing import CheckpointedFit
    from multilayer._sklearn.fit.warm_start import Start


def is_stochastic(estimator: "BaseMLP") -> bool:
    """Whether the solver can train for one epoch: the condition of partial_fit."""
    if estimator._full_batch:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class BaseMLP(
    CallbackSupportMixin, NetworkUse, Curves, NetworkArguments, BaseEstimator, metaclass=ABCMeta
):
    """Training shared by the estimators; what they learn is theirs to say.

    The engine is imported where it is used, so that importing, constructing and cloning an
    estimator start no JAX.
    """

    _seen: Seen = Seen()  # the weights of the rows of partial_fit so far

    # What an estimator says of its targets -------------------------------------------------------

    @abstractmethod
    def _check_parameters(self) -> None:
        """Check the constructor's arguments."""

    @abstractmethod
    def _samples(self, X: Any, y: Any, weight: Any, *, first: bool) -> Samples:
        """Check rows and encode their targets; the first call learns what there is to learn."""

    @abstractmethod
    def _objective(self) -> "Objective":
        """Return the engine's objective for the targets learnt."""

    @abstractmethod
    def _loss_numbers(self, dtype: str, class_weights: list[np.ndarray] | None) -> "LossNumbers":
        """Return the engine's numbers of the loss."""

    def _weighed(
        self, samples: Samples, validation: Samples | None
    ) -> tuple[Samples, Samples | None, list[np.ndarray] | None]:
        """Weigh rows by their classes; return also the weights of each output's classes."""
        return samples, validation, None

    def _strata(self, samples: Samples) -> np.ndarray | None:
        """Groups to keep in proportion when samples are set aside."""
        return None

    def _check_fit(self, samples: Samples) -> None:
        """Warn of a network that training has made of no use."""

    # Training ----------------------------------------------------------------------------------

    @known_arguments
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Ctrl-C ends training with a warning and keeps the network: the best validated one where
        there is validation data, else the latest. Inside a search, an ensemble or a worker
        process, and when pressed again within 3 s, it is raised as KeyboardInterrupt, so that
        what called ``fit`` stops too; the network is in place then as well.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, any real dtype. Sparse and memory-mapped data are streamed.
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
            The loss became infinite or NaN (a ValueError); the best finite network is kept.
        """
        from multilayer._sklearn.fit import checkpointing

        self._check_parameters()
        again = self.warm_start and "_network" in vars(self)
        with ExitStack() as stack:
            with self._unchanged_on_refusal():
                if again:
                    self._check_same_targets(y)
                samples = self._samples(X, y, sample_weight, first=not again)
                validation = self._validation(X_val, y_val, sample_weight_val)
                self._start_or_continue(samples, again=again)
                checkpointed = stack.enter_context(
                    checkpointing.checkpointed_fit(self, samples, validation, warm=again)
                )
                training = self._begin(samples, validation, checkpointed)
                if training.checkpointer is not None:
                    stack.enter_context(training.checkpointer)
            callbacks = stack.enter_context(notify_sklearn(self, X, y, sample_weight))
            self._run(training, self.max_iter, callbacks)
        self._check_fit(samples)
        return self

    def _fit_one_epoch(
        self, samples: Callable[[], Samples], validation: tuple, *, again: bool
    ) -> Self:
        """Train for one epoch, from where the last call left off (partial_fit)."""
        if self.checkpoint is not None:
            refuse(
                "checkpoint",
                "None for partial_fit, whose data come from outside",
                self.checkpoint,
                "Keep the estimator itself between calls: multilayer.save(estimator, path).",
            )
        with self._unchanged_on_refusal():
            rows, judged = samples(), self._validation(*validation)
            self._start_or_continue(rows, again=again)
            training = self._begin(rows, judged, one_epoch=True)
        self._run(training, 1, [], keep_best=False)
        return self

    def _check_same_targets(self, y: Any) -> None:
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

    def _validation(self, X_val: Any, y_val: Any, weight: Any) -> Samples | None:
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
            return self._samples(X_val, y_val, weight, first=False)
        except DataError as error:
            raise DataError(f"Of X_val and y_val: {error}") from error

    @property
    def _full_batch(self) -> bool:
        return solver_arguments.is_full_batch(self)

    def _start_or_continue(self, samples: Samples, *, again: bool) -> None:
        """Make first parameters, or see that those of before fit the arguments and samples."""
        check_process()  # before anything that a fork has broken is touched
        if not again:
            self._start(check_random_state(self.random_state), samples.X.shape[1])
        self._check_same_network()
        self._trained = self._objective()

    def _begin(
        self,
        samples: Samples,
        validation: Samples | None,
        checkpointed: "CheckpointedFit | None" = None,
        *,
        one_epoch: bool = False,
    ) -> "Training":
        """Return a training run over checked samples, at its first step or at its checkpoint.

        For one epoch (partial_fit) no samples are set aside, and a schedule spans max_iter such
        epochs from the first; otherwise those done and max_iter more.
        """
        from multilayer._sklearn.fit import assembly

        if checkpointed is not None:
            self._seed = checkpointed.seed
        if self.early_stopping and validation is None and not one_epoch and not self._full_batch:
            samples, validation = set_aside(
                samples, self.validation_fraction, seed=self._seed, strata=self._strata(samples)
            )
        given = samples.weight
        samples, validation, class_weights = self._weighed(samples, validation)
        if not self._full_batch:
            self._seen = (self._seen if one_epoch else Seen()).after(given, samples.weight)
            by_class, rule = class_weights is not None, self.weight_normalization
            samples = samples.dividing(divisors(rule, given, self._seen, by_class=by_class))
        dtype = assembly.computing_type()
        plan = assembly.Plan(
            arguments=self,
            network=self._network_in_training(),
            objective=self._trained,
            numbers=self._loss_numbers(dtype, class_weights),
            seed=self._seed,
        )
        done = len(self._history)
        training = assembly.assemble(
            plan,
            samples,
            validation,
            self._parameters(dtype),
            self.max_iter if one_epoch else done + self.max_iter,
            self._scorer(validation),
            one_epoch=one_epoch,
        )
        if self._resumable is not None:
            step = done * training.source.steps_per_epoch
            training.state = self._resumable.onto(training.state, step)
        training.history = self._history.continued()
        training.begun = training.reported = done
        training.arguments = self.get_params(deep=False)
        if checkpointed is not None:
            training.checkpointer = checkpointed.checkpointer(training.source.steps_per_epoch)
            training.checkpointer.restore(training)
        return training

    def _start(self, rng: np.random.RandomState, n_features: int) -> None:
        """Make first parameters and forget every earlier training."""
        from multilayer._sklearn.fit import initial_parameters

        names = getattr(self, "feature_names_in_", None)
        units = sum(self._objective().heads)
        self._network, params, self.n_reused_layers_ = initial_parameters.start(
            self, rng, n_features, units, names
        )
        self._keep_parameters(params)
        self.n_outputs_ = units
        self._seed = int(rng.randint(np.iinfo(np.int32).max))
        self._resumable: Start | None = None
        self._seen = Seen()
        self._history = History()
        self.t_ = 0

    def _network_in_training(self) -> "Model":
        """Return the network with what is a matter of training."""
        from multilayer._sklearn.arguments.architecture import network_of

        if self.network is not None:
            return self._network
        frozen = self.n_reused_layers_ if self.freeze_reused else 0
        return network_of(self, self._network.layer_sizes, frozen)

    def _check_same_network(self) -> None:
        """Refuse to continue a network under another shape, and take over its new functions."""
        from multilayer._sklearn.arguments.architecture import hidden_sizes

        mine = self._network
        if self.network is not None or "params_" in vars(self):
            self._check_same_own_network()
        if sum(self._objective().heads) != self.n_outputs_:
            self._refuse_other(*self._other_objective())
        if self.network is not None:
            return
        if hidden_sizes(self.hidden_layer_sizes) != mine.layer_sizes[1:-1]:
            self._refuse_other("hidden_layer_sizes", mine.layer_sizes[1:-1])
        if self.norm != mine.norm:
            self._refuse_other("norm", mine.norm)
        self._network = self._network_in_training().at_prediction()

    def _check_same_own_network(self) -> None:
        """Refuse to continue with a network of the user's in place of another."""
        from multilayer._nn.layer import as_layer

        before = getattr(self._network, "layer", None)
        if self.network is None or as_layer("network", self.network) != before:
            self._refuse_other("network", before)

    @abstractmethod
    def _other_objective(self) -> tuple[str, Any]:
        """Name the argument that asks for other output units, and its value in training."""

    def _refuse_other(self, name: str, before: Any) -> None:
        refuse(
            name,
            f"{before!r}, as in the network that is continued",
            getattr(self, name),
            "Set warm_start=False to start a new one, or clone the estimator.",
        )

    def _scorer(self, validation: Samples | None) -> "Scorer | None":
        """Return the function that scores a network, where `scoring` asks for one."""
        if self.scoring is None or validation is None or self.scoring == "loss":
            return None
        from multilayer._sklearn.fit.scorer import network_scorer

        return network_scorer(self, validation)

    def _run(
        self,
        training: "Training",
        epochs: int,
        callbacks: "list[Callback]",
        *,
        keep_best: bool = True,
    ) -> None:
        """Train; whatever ends it, the attributes describe a network that can be used."""
        from multilayer._engine.callbacks.printing import PrintLoss
        from multilayer._sklearn.fit import engine_run

        callbacks = [*(self.callbacks or ()), *callbacks, *([PrintLoss()] if self.verbose else ())]
        if self._full_batch:
            engine_run.minimise(self, training, callbacks)
        else:
            engine_run.train(self, training, epochs, callbacks, keep_best=keep_best)

    def __sklearn_tags__(self) -> Any:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
