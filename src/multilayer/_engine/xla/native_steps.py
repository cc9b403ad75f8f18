"""A user's own loop, its steps done natively: where that is possible, and how."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
import optax

from multilayer._core.environment import jax_computes_in_float64
from multilayer._core.pytrees import Tree, leaves, with_leaves
from multilayer._core.types import Array
from multilayer._engine import engines
from multilayer._engine.native import library as lib
from multilayer._engine.native.chain import Batch, Chain
from multilayer._engine.native.maker import network_of, with_moments
from multilayer._engine.state import FitConfig, Hyper
from multilayer._engine.xla.loop_state import LoopState, LossOfStep
from multilayer._engine.xla.recognition import (
    KnownRule,
    Recognised,
    loss_numbers,
    objective_of,
    recognised_loss,
    recognised_network,
    recognised_rule,
)
from multilayer._nn.layers import Layer
from multilayer._nn.members import without_fixed
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Dense, Layers
from multilayer._optim.states import Slots

NEVER = 2**31 - 1  # epochs without gain

INPUTS = frozenset(map(np.dtype, lib.X_TYPES))
"""Types of inputs that the library reads."""


@dataclass(frozen=True)
class NativeSteps:
    """How steps go natively, for parameters of certain shapes and an optimizer's state of its."""

    recognised: Recognised
    config: FitConfig
    rule: KnownRule
    delta: float  # of huber
    by_data: bool  # whether weighted losses are divided by the number of rows

    def step(
        self, state: LoopState, X: Array, y: Array, weight: Array | None
    ) -> tuple[LoopState, LossOfStep] | None:
        """Return the next state and the loss; None for a batch that is a matter of XLA's."""
        batch = self.batch(X, y, weight)
        if batch is None:
            return None
        appended = None
        if state.native is not None and state.native[0] == self:
            point = state.native[1]
            appended = None if point.chain is None else point.chain.append(point, batch)
        if appended is None:  # another state than the chain's last: it gets one of its own
            appended = self.chain(state).append(None, batch)
            assert appended is not None
        following, loss = appended
        next_state = LoopState.unread(self, following, state.seed)
        return next_state, LossOfStep(loss, self.config.dtype)

    def batch(self, X: Array, y: Array, weight: Array | None) -> Batch | None:
        """Return a batch as the library takes it, None where it differs in any way from the usual.

        What XLA makes of a label that is no class, of no rows or of a shape that does not fit (an
        error, or NaN) is left to it.
        """
        if not (is_array(X) and is_array(y) and (weight is None or is_array(weight))):
            return None
        X, y = np.asarray(X), np.asarray(y)
        X = X.view(np.uint8) if X.dtype == bool else X
        sizes = self._sizes
        if X.ndim != 2 or X.shape[1] != sizes[0] or not len(X) or X.dtype not in INPUTS:
            return None
        targets = self._classes(y, len(X)) if self._has_classes else self._numbers(y, len(X))
        if targets is None or weight is None:
            return None if targets is None else Batch(X, targets, None, None)
        weight = np.asarray(weight)
        if weight.shape != (len(X),) or weight.dtype.kind not in "fiub":
            return None
        weight = weight.astype(self.config.dtype)
        # Under "batch" a batch without weight is no step of the native engine, but one of Optax.
        usual = np.isfinite(weight).all() and weight.min() >= 0 and (self.by_data or weight.any())
        divisor = np.ones_like(weight) if self.by_data else None
        return Batch(X, targets, weight, divisor) if usual else None

    @property
    def _sizes(self) -> tuple[int, ...]:
        return network_of(self.config).layer_sizes

    @property
    def _has_classes(self) -> bool:
        return self.config.objective.loss == "softmax"

    def _classes(self, y: np.ndarray, n_rows: int) -> np.ndarray | None:
        if y.shape != (n_rows,) or y.dtype.kind not in "iu":
            return None
        # A number below 0 is a large one without its sign: one pass in place of two.
        inside = y.view(f"u{y.itemsize}").max() < self._sizes[-1]
        return y.astype(np.int32) if inside else None

    def _numbers(self, y: np.ndarray, n_rows: int) -> np.ndarray | None:
        usual = y.shape == (n_rows, self._sizes[-1]) and y.dtype.kind in "fiub"
        return y.astype(self.config.dtype) if usual else None

    def chain(self, state: LoopState) -> Chain:
        """Return a network in the library that begins from a state."""
        params, opt_state = state.params, state.opt_state
        layers = self.recognised.layers(params)
        assert layers is not None
        structures = jax.tree.structure(params), jax.tree.structure(opt_state)
        slots = self._slots(layers, jax.tree.leaves(opt_state))
        parts = [part for part in (slots.first, slots.second) if part is not None]
        unmoved = [tuple(Dense(None, None, moments=own.moments) for own in part) for part in parts]

        def read(layers: Layers, slots: Slots) -> tuple[Tree, Tree]:
            count = [] if slots.updates is None else [slots.updates]
            parts = zip((slots.first, slots.second), unmoved, strict=False)
            state_leaves = [*count, *leaves([with_moments(*both) for both in parts])]
            trees = zip(structures, (leaves(layers), state_leaves), strict=True)
            params, opt_state = jax.device_put([jax.tree.unflatten(*each) for each in trees])
            return params, opt_state

        hyper = self._hyper(np.uint32(state.seed))
        return Chain(self.config, hyper, layers, slots, int(state.step), read)

    def _slots(self, layers: Layers, state: list[Array]) -> Slots:
        count = state.pop(0) if self.rule.rule.counts else None
        n = len(leaves(layers))
        parts = [with_leaves(layers, state[i : i + n]) for i in range(0, len(state), n)]
        return Slots(count, *parts)

    def _hyper(self, seed: np.uint32) -> Hyper:
        real = np.dtype(self.config.dtype).type
        zero = real(0)
        return Hyper(
            solver={name: real(value) for name, value in self.rule.numbers.items()},
            learning_rate=real(self.rule.rate),
            alpha=zero,
            l1_ratio=zero,
            disturbance=Disturbance(
                dropout=np.array(self.recognised.dropout, self.config.dtype),
                input_dropout=real(self.recognised.input_dropout),
                input_noise=zero,
            ),
            loss=loss_numbers(self.delta, self.config.dtype),
            clip_norm=zero,
            max_norm=zero,
            ema_decay=zero,
            layer_rates=np.zeros(0, self.config.dtype),
            accumulate_steps=np.int32(1),
            input_scale=real(1),
            tol=zero,
            n_iter_no_change=np.int32(NEVER),
            steps_per_epoch=np.int32(1),
            seed=seed,
        )


def is_array(value: object) -> bool:
    """Whether something is an array that has its numbers, not one that is being traced."""
    if isinstance(value, np.ndarray):  # the usual one, and quickly said
        return True
    return isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)


def native_steps(
    network: Layer,
    loss: Callable[[Array, Array], Array],
    optimizer: optax.GradientTransformation,
    state: LoopState,
    *,
    by_data: bool,
) -> NativeSteps | None:
    """Return how a loop's steps go natively from a state like this one; None where they do not."""
    recognised, known_loss = recognised_network(network), recognised_loss(loss)
    if recognised is None or known_loss is None:
        return None
    layers = recognised.layers(state.params)
    dtype = "float64" if jax_computes_in_float64() else "float32"
    if layers is None or any(leaf.dtype != dtype for leaf in leaves(layers)):
        return None
    shape = recognised.network(np.shape(layers[0].kernel)[0])
    learnt = without_fixed(state.params)
    rule = recognised_rule(optimizer, learnt, state.opt_state)
    if rule is None:
        return None
    name, delta = known_loss
    config = FitConfig(
        network=shape,
        objective=objective_of(name, shape.layer_sizes[-1]),
        solver=rule.rule.name,
        nesterov=rule.rule.nesterov,
        dtype=dtype,
    )
    if engines.choose("auto", config).engine != engines.NATIVE:
        return None
    return NativeSteps(recognised, config, rule, delta, by_data)
