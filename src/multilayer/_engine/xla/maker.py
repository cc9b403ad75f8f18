"""The maker of programs that the estimators use: XLA's, see :mod:`multilayer._engine.program`."""

from collections.abc import Sequence
from functools import lru_cache

import jax
import numpy as np
import optax

from multilayer._core.environment import check_process
from multilayer._core.pytrees import Tree
from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.loop import Training
from multilayer._engine.program import Arguments, BlockProgram, Maker, Program, Sums
from multilayer._engine.state import FitConfig, Hyper, TrainState, first_state
from multilayer._engine.xla import epoch
from multilayer._engine.xla.step import batch_gradient, loss_program
from multilayer._nn.members import without_fixed
from multilayer._nn.model import Parameters
from multilayer._optim.rules import make_rule


class XlaMaker:
    """Compiles each program once for a configuration and the shapes of its arguments."""

    pads = True

    def put(self, rows: Rows) -> Rows:
        """Hand rows to the device, on a CPU without a copy where their memory is aligned.

        They may share the caller's memory then (https://github.com/jax-ml/jax/issues/37830). That
        is safe as long as training ends within the call that requested it: nothing writes to them,
        and nothing refers to them afterwards.
        """
        check_process()
        return jax.device_put(rows.map(np.ascontiguousarray))

    def initial_state(self, config: FitConfig, hyper: Hyper, params: Parameters) -> TrainState:
        """Return the state before the first step."""
        check_process()
        return first_state(config, params, initial_optimizer_state(config, hyper, params))

    def training_program(self, config: FitConfig, epochs: int, args: Arguments) -> Program:
        """Return the program for the shapes of these arguments."""
        compiled = epoch.training_program(config, epochs, args)
        # JAX returns before the result is there: the loop's clock and signals wait for it.
        return lambda args: jax.block_until_ready(compiled(args))

    def sums_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[Sums]:
        """Return what sums up a block of validation rows."""
        return epoch.sums_program(config, hyper, params, rows)

    def loss_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[tuple[Array, Parameters]]:
        """Return what computes the weighted mean loss of a block and its gradient."""
        return loss_program(config, hyper, params, rows)

    def batch_gradient(
        self, config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
    ) -> Parameters:
        """Return the gradient of what a step lowers."""
        return batch_gradient(config, hyper, params, window, step)

    def prefers_vmap(self) -> bool:
        """Whether one program for many runs is quicker: not on a CPU."""
        return platform() != "cpu"

    def train_together(self, members: Sequence[Training], stop: int) -> None:
        """Train runs of one shape in one program, see :mod:`multilayer._engine.population`."""
        check_process()
        epoch.train_together(members, stop)


XLA: Maker = XlaMaker()


def platform() -> str:
    """Return where JAX computes: "cpu", or its name of an accelerator."""
    check_process()
    return jax.default_backend()


def hardware() -> str:
    """Return the kind of device that JAX computes on."""
    check_process()
    return jax.devices()[0].device_kind


def initial_optimizer_state(config: FitConfig, hyper: Hyper, params: Parameters) -> optax.OptState:
    """State of the update rule before its first update, as arrays of NumPy.

    That of the solvers with a name is made from its shapes: all start from zeros, apart from
    AdaGrad's accumulator. Other rules are unknown, so their own ``init`` is called.
    """
    params = without_fixed(params)
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
    solver: str, nesterov: bool, numbers: tuple[str, ...], structure: Tree, shapes: tuple
) -> optax.OptState:
    """Shapes of the optimizer's state for parameters of these; tracing takes a millisecond."""
    params = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    one = np.float32(1)  # the state's shapes depend on no number
    rule = make_rule(solver, dict.fromkeys(numbers, one), one, nesterov, {})
    return jax.eval_shape(rule.init, params)
