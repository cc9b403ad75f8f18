"""The step of a user's own loop: a batch, its loss and gradient, the update."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
import optax

from multilayer._core.checks import check_choice, check_integer, refuse
from multilayer._core.environment import check_process
from multilayer._core.pytrees import aligned_zeros
from multilayer._core.types import Array, comparable
from multilayer._engine.xla import cache
from multilayer._engine.xla.loop_state import Fields, LoopState
from multilayer._engine.xla.native_steps import NativeSteps, native_steps
from multilayer._engine.xla.step import by_rates, reciprocal
from multilayer._nn.forward import keep_fixed, with_fixed
from multilayer._nn.layers import Layer, apply_in_training, as_layer
from multilayer._nn.members import factors_of, without_fixed
from multilayer._nn.model import Parameters
from multilayer._objectives.objective import WEIGHT_NORMALIZATIONS


@dataclass(frozen=True)
class TrainStep:
    """What :func:`train_step` returns."""

    network: Layer
    loss: Callable[[Array, Array], Array]
    optimizer: optax.GradientTransformation
    weight_normalization: str = "batch"

    def init(self, params: Parameters, seed: int = 0) -> LoopState:
        """Return the state before the first step.

        Parameters
        ----------
        params : pytree of arrays
            First parameters of the network, as its ``init`` returns them. They are copied.
        seed : int, default=0
            Seed of dropout and noise, from 0 to 2**32 - 1.

        Returns
        -------
        state : LoopState
            With ``params``, ``opt_state``, ``step`` and ``seed``.
        """
        check_integer("seed", seed, 0, 2**32 - 1)
        check_process()
        params = jax.tree.map(np.array, params)
        learnt = without_fixed(params)
        start = cache.get(
            ("own_loop_start", self.optimizer, cache.signature(learnt)),
            lambda: cache.compiled(self.optimizer.init, learnt),
        )
        return LoopState(params, start(learnt), np.int32(0), np.uint32(seed))

    def __call__(
        self, state: LoopState, X: Array, y: Array, sample_weight: Array | None = None
    ) -> tuple[LoopState, Array]:
        """Do one step.

        Parameters
        ----------
        state : LoopState
            As :meth:`init` or the step before returned it.
        X : array of shape (rows, n_inputs)
            Inputs of the batch.
        y : array of shape (rows, ...)
            Its targets, as the loss takes them.
        sample_weight : array of shape (rows,), default=None
            Weights of the rows, 0 for rows that do not count (under "data" they still count as
            rows); None for 1 each.

        Returns
        -------
        state : LoopState
            The next state.
        loss : array of shape ()
            Loss of the batch before the update, see `weight_normalization`. It may not be computed
            yet: ``float(loss)`` waits for it.
        """
        check_process()
        steps = self._native_steps(state)
        if steps is not None and (done := steps.step(state, X, y, sample_weight)) is not None:
            return done
        weight = None if sample_weight is None else _own("sample_weight", sample_weight)
        X, y = _own("X", X), _own("y", y)
        self._make_room(X, y, weight)
        values, loss = self._program(tuple(state), X, y, weight)
        return LoopState.of(values, by_xla_alone=self if steps is None else None), loss

    def _native_steps(self, state: LoopState) -> NativeSteps | None:
        """Return how steps from a state go natively; None where they go by XLA."""
        if state.by_xla_alone is self:
            return None
        if state.native is not None and state.native[0] in self._plans.values():
            return state.native[0]
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(state)):
            return None
        shapes = cache.signature((state.params, state.opt_state))
        if shapes not in self._plans:
            by_data = self.weight_normalization == "data"
            self._plans[shapes] = native_steps(
                self.network, self.loss, self.optimizer, state, by_data=by_data
            )
        return self._plans[shapes]

    @cached_property
    def _plans(self) -> dict[Hashable, NativeSteps | None]:
        """How steps go natively, for the shapes of parameters seen."""
        return {}

    def _make_room(self, *batch: Array | None) -> None:
        """Let compiled programs go, the step's own last, where a new one takes the last room."""
        shapes = tuple(None if part is None else (part.shape, part.dtype) for part in batch)
        if shapes in self._compiled:
            return
        if not cache.make_room():
            self._program.clear_cache()
            self._compiled.clear()
        self._compiled.add(shapes)

    @cached_property
    def _compiled(self) -> set[tuple]:
        """Shapes and types of the batches seen: the step is compiled once for each."""
        return set()

    @cached_property
    def _program(self) -> cache.Jitted[tuple[Fields, Array]]:
        """The step compiled, for each shape of a batch; equal steps share it."""
        return cache.get(("own_loop", self), lambda: cache.jitted(self._step))

    def _step(
        self, values: Fields, X: Array, y: Array, sample_weight: Array | None
    ) -> tuple[Fields, Array]:
        state = LoopState.of(values)
        weight = jnp.ones(X.shape[:1]) if sample_weight is None else sample_weight
        _check_rows(X, y, weight)

        def mean_loss(params: Parameters) -> tuple[Array, Parameters]:
            key = jax.random.fold_in(jax.random.key(state.seed), state.step)
            outputs, moved = apply_in_training(self.network, params, X, key=key, weight=weight)
            losses = self.loss(outputs, y)
            if jnp.shape(losses) != weight.shape:
                rule = f"a function with one value per row, shape {weight.shape}"
                refuse("loss", rule, self.loss, f"It returns shape {jnp.shape(losses)}.")
            by_weight = self.weight_normalization == "batch"
            divisor = jnp.sum(weight if by_weight else jnp.ones_like(weight))
            return jnp.sum(losses * weight) * reciprocal(divisor), moved

        (loss, moved), gradient = jax.value_and_grad(mean_loss, has_aux=True)(state.params)
        rule = optax.with_extra_args_support(self.optimizer)
        learnt, gradient = without_fixed(state.params), without_fixed(gradient)
        steps, opt_state = rule.update(gradient, state.opt_state, learnt, value=loss, grad=gradient)
        steps = by_rates(factors_of(self.network, learnt), steps)
        new = with_fixed(optax.apply_updates(learnt, steps), moved)
        params = keep_fixed(new, moved)
        return (params, opt_state, state.step + 1, state.seed), loss


def train_step(
    network: object,
    loss: Callable[[Array, Array], Array],
    optimizer: optax.GradientTransformation,
    *,
    weight_normalization: str = "batch",
) -> TrainStep:
    """Make the training step of your own loop.

    Parameters
    ----------
    network : object with ``init`` and ``apply``
        Such as :func:`sequential` makes.
    loss : callable
        ``loss(outputs, y) -> losses``, one value per row, such as
        :func:`sparse_softmax_cross_entropy`; the step minimises their mean.
    optimizer : optax.GradientTransformation
        Such as ``optax.sgd(0.01)``.
    weight_normalization : {"batch", "data"}, default="batch"
        By what the weighted losses of a batch are divided: "batch" by the sum of its weights,
        "data" by the number of its rows. Use "data" for class weights, divided by their mean over
        all rows first: under "batch" a rare row of large weight has less effect than its weight
        says.

    Returns
    -------
    step : TrainStep
        ``state = step.init(params)``, then ``state, loss = step(state, X_batch, y_batch)``.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from the step when the shapes do not fit (a ValueError).

    Notes
    -----
    On a CPU the native engine does the steps of what it knows: layers of :class:`dense` in a row,
    the last one's sums being the outputs, each hidden one with a built-in activation and perhaps
    :class:`dropout`, all of them with :class:`batch_norm` or :class:`layer_norm` or none; one of
    the losses of this module but :func:`softmax_cross_entropy`; ``optax.sgd``, ``optax.adam`` or
    ``optax.adagrad`` at a fixed rate. It gathers some steps and does them when a state's parameters
    or a loss are looked at, so that a loop which looks at neither is the quickest one. All states
    stay valid, and may be changed (``state._replace``) and continued from. Losses are computed
    when they are used in any way: ``float(loss)``, ``np.mean(losses)``, ``jnp.stack(losses)``. A
    loop that looks at parameters after every step is about as quick as by XLA, one that replaces
    them after every step takes up to twice as long; ``from_functions(network.init, network.apply)``
    is the same network, left to XLA.

    All other steps are compiled by XLA, for each new shape of a batch. Equal networks with the same
    loss and the same optimizer share what is compiled.

    Layers may learn at a share of the learning rate, as the ``rate`` of :class:`scaling` says: what
    the optimizer adds to their parameters is multiplied by it, a decay in it too. What layers for
    tables measured on data, no optimizer sees. That their biases do not decay is a matter of the
    estimators, which decay weights themselves: an optimizer such as ``optax.adamw`` decays what its
    own ``mask`` says.

    Dropout and noise are a function of the state's seed and number of steps: from a state saved and
    restored a loop continues as if it had not been interrupted.

    Examples
    --------
    >>> import numpy as np
    >>> import optax
    >>> from multilayer import nn
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2)).astype(np.float32)
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(np.int32)
    >>> network = nn.sequential(nn.dense(16), nn.tanh, nn.dense(2))
    >>> step = nn.train_step(network, nn.sparse_softmax_cross_entropy, optax.adam(0.05))
    >>> state = step.init(network.init(nn.key(0), n_inputs=2))
    >>> for epoch in range(20):
    ...     for X_batch, y_batch in nn.shuffle_batch(X, y, 50, rng):
    ...         state, loss = step(state, X_batch, y_batch)
    >>> bool(nn.accuracy(network.apply(state.params, X), y) > 0.9)
    True
    """
    if not callable(loss):
        refuse("loss", "a function of outputs and targets", loss, "Such as nn.squared_error.")
    if not isinstance(optimizer, optax.GradientTransformation):
        refuse("optimizer", "an Optax optimizer", optimizer, "Such as optax.sgd(0.01).")
    check_choice("weight_normalization", weight_normalization, WEIGHT_NORMALIZATIONS)
    return TrainStep(
        as_layer("network", network), comparable(loss), optimizer, weight_normalization
    )


def _own(name: str, array: Array) -> Array:
    """Return an array that nobody writes to.

    JAX reads a NumPy batch some time after the call, even when asked to copy it
    (https://github.com/jax-ml/jax/issues/37830): a loop that fills the same array again would train
    on rows of the next batch. Remove the copy when JAX makes one at once.
    """
    if isinstance(array, jax.Array):
        return array
    if not isinstance(array, np.ndarray):
        refuse(name, "an array of NumPy or JAX", type(array).__name__, "Use np.asarray.")
    if array.dtype.kind in "OSUMm":
        refuse(f"{name}.dtype", "a type of numbers", str(array.dtype))
    copy = aligned_zeros(array.shape, array.dtype)
    copy[...] = array
    return copy


def _check_rows(X: Array, y: Array, weight: Array) -> None:
    """Check that a batch has rows, and one target and one weight for each."""
    if X.ndim == 0 or X.shape[0] == 0:
        refuse("X.shape", "(rows, ...), at least one row", X.shape)
    if y.shape[:1] != X.shape[:1]:
        refuse("y.shape", f"({X.shape[0]}, ...), a target for each row of X", y.shape)
    if weight.shape != X.shape[:1]:
        refuse("sample_weight.shape", f"({X.shape[0]},), a weight for each row", weight.shape)
