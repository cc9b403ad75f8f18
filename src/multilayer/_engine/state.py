"""The state of training: all that a resume needs, and nothing else."""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from multilayer._core.types import Array
from multilayer._engine.config import FitConfig, Hyper
from multilayer._nn.model import Parameters
from multilayer._optim.rules import make_rule

RUNNING, CONVERGED, DIVERGED = 0, 1, 2  # TrainState.status


class Pending(NamedTuple):
    """What the batches since the last update have gathered."""

    gradient: Parameters  # sum of divisor * gradient
    loss: Array  # sum of divisor * loss
    weight: Array  # sum of the divisors


class TrainState(NamedTuple):
    """Evolving state; every leaf is an array on the device."""

    params: Parameters
    opt_state: optax.OptState
    average: Parameters | None  # over the steps, where asked for
    pending: Pending | None  # where updates wait for several batches
    best_params: Parameters  # at the best epoch so far
    best_kept: Array  # what best_params were kept for, lower is better
    best_loss: Array  # their validation loss: among epochs of the same score the lower one counts
    best_value: Array  # the best of what the stopping rule watches, lower is better
    no_improvement: Array  # int32, epochs since the monitored value improved by tol
    divisor: Array  # what the "adaptive" schedule has divided the rate by
    status: Array  # int32
    step: Array  # int32, steps done
    loss_sum: Array  # weighted losses of the steps of the present epoch
    weight_sum: Array  # sum of what those were divided by (the name is that in checkpoints)

    @property
    def model(self) -> Parameters:
        """The parameters to predict with: the average where there is one."""
        return self.params if self.average is None else self.average


def initial_state(config: FitConfig, hyper: Hyper, params: Parameters) -> TrainState:
    """State before the first step."""
    real = np.dtype(config.dtype).type
    zeros = jax.tree.map(np.zeros_like, params)
    return TrainState(
        params=params,
        opt_state=initial_optimizer_state(config, hyper, params),
        average=params if config.averaged else None,
        pending=Pending(zeros, real(0), real(0)) if config.accumulated else None,
        best_params=params,
        best_kept=real(np.inf),
        best_loss=real(np.inf),
        best_value=real(np.inf),
        no_improvement=np.int32(0),
        divisor=real(1),
        status=np.int32(RUNNING),
        step=np.int32(0),
        loss_sum=real(0),
        weight_sum=real(0),
    )


def initial_optimizer_state(config: FitConfig, hyper: Hyper, params: Parameters) -> optax.OptState:
    """State of the update rule before its first update, as arrays of NumPy.

    That of the solvers with a name is made from its shapes: all start from zeros, apart from
    AdaGrad's accumulator. Of another rule nothing is known, so it is asked.
    """
    if not isinstance(config.solver, str):
        options = dict(config.solver_options)
        rule = make_rule(config.solver, hyper.solver, hyper.learning_rate, False, options)
        return jax.device_get(rule.init(params))
    leaves, structure = jax.tree.flatten(params)
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    state = optimizer_shapes(config.solver, config.nesterov, tuple(hyper.solver), structure, shapes)
    fill = hyper.solver.get("initial_accumulator_value", 0.0)
    return jax.tree.map(
        lambda leaf: np.full(leaf.shape, 0 if leaf.dtype == np.int32 else fill, leaf.dtype), state
    )


@lru_cache(maxsize=128)
def optimizer_shapes(
    solver: str, nesterov: bool, numbers: tuple[str, ...], structure: Any, shapes: tuple
) -> optax.OptState:
    """Shapes of the optimizer's state for parameters of these; tracing takes a millisecond."""
    params = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    one = np.float32(1)  # the state's shapes depend on no number
    rule = make_rule(solver, dict.fromkeys(numbers, one), one, nesterov, {})
    return jax.eval_shape(rule.init, params)
