"""Full-batch training by SciPy's L-BFGS-B, the loss and its gradient compiled."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from scipy.optimize import OptimizeResult, minimize

from multilayer._core.process import check_process
from multilayer._data.source import Rows, Source
from multilayer._engine import cache
from multilayer._engine.callbacks.protocol import Callback, Progress, Stop
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.history import History
from multilayer._engine.loop import attended, report_each
from multilayer._engine.step import batch_loss
from multilayer._nn.model import Parameters
from multilayer._objectives.losses import reported_share


@dataclass
class Minimum:
    """What the minimiser found."""

    params: Parameters
    loss: float
    history: History  # one row per iteration
    seconds: float
    compile_seconds: float
    converged: bool
    interrupted: bool
    stopped_by: Stop | None
    message: str


class FullBatch:
    """A run of the minimiser, as callbacks see it."""

    def __init__(
        self,
        params: Parameters,
        arguments: Mapping[str, Any],
        gradient_of: Callable[[Parameters], Parameters],
    ) -> None:
        self.network = params  # at the last accepted point
        self.name: str | None = None
        self.step, self.seconds = 0, 0.0
        self.arguments, self._gradient_of = arguments, gradient_of

    def restore(self, network: Parameters) -> None:
        """Put parameters in place that :attr:`network` once gave."""
        self.network = network

    def gradient(self) -> Parameters:
        """Gradient over all rows, penalty included."""
        return self._gradient_of(self.network)


def minimise(
    config: FitConfig,
    hyper: Hyper,
    source: Source,
    params: Parameters,
    *,
    max_iter: int,
    max_fun: int,
    callbacks: Sequence[Callback] = (),
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> Minimum:
    """Minimise the weighted mean loss plus ``0.5 * alpha * ||W||^2 / sum(weights)``.

    SciPy works on one float64 vector; each evaluation is done in the computing type. Callbacks are
    called at each iteration as at an epoch, and see the estimator's ``arguments``. Ctrl-C ends the
    search at the last accepted point.
    """
    check_process()
    start = time.perf_counter()
    weight = 0.0
    for rows in source.sweep():
        loss_program(config, hyper, params, rows)
        weight += total_weight(rows)
    begun = time.perf_counter()
    history = History()
    stops: list[Stop] = []

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        return full_loss(config, hyper, source, unpack(vector, params))

    run = FullBatch(params, arguments, lambda at: unpack(objective(pack(at))[1], params))

    def reported(minimised: float, network: Parameters) -> float:
        """Return the loss as it is reported; the penalty is part of it in full."""
        whole = penalty(hyper, network, weight)
        return reported_share(config.objective) * (minimised - whole) + whole

    def accept(intermediate_result: OptimizeResult) -> None:
        run.network = unpack(intermediate_result.x, params)
        loss = reported(float(intermediate_result.fun), run.network)
        nan = np.nan  # no validation, no learning rate
        line = np.array([[loss, nan, nan, nan]])
        seconds = time.perf_counter() - begun
        history.add(line, 1, seconds)
        run.step, run.seconds = len(history), seconds
        progress = Progress(len(history), max_iter, 1, seconds, begun - start)
        stop = report_each(callbacks, history.reports(len(history) - 1), progress)
        if stop:
            stops.append(stop)
            raise StopIteration

    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": float(hyper.tol)}
    interrupted, converged, message = False, False, "interrupted"
    with attended(run, callbacks):
        try:
            found = minimize(
                objective,
                pack(params),
                jac=True,
                method="L-BFGS-B",
                options=options,
                callback=accept,
            )
            run.network = unpack(found.x, params)
            converged, message = bool(found.success) and not stops, str(found.message)
        except KeyboardInterrupt:
            interrupted = True
    return Minimum(
        params=run.network,
        loss=reported(objective(pack(run.network))[0], run.network),
        history=history,
        seconds=time.perf_counter() - begun,
        compile_seconds=begun - start,
        converged=converged,
        interrupted=interrupted,
        stopped_by=stops[-1] if stops else None,
        message=message,
    )


def full_loss(
    config: FitConfig, hyper: Hyper, source: Source, params: Parameters
) -> tuple[float, np.ndarray]:
    """Loss and gradient over all rows, block by block, summed in float64."""
    loss, weight = 0.0, 0.0
    gradient = np.zeros(pack(params).shape)
    for rows in source.sweep():
        part, slope = loss_program(config, hyper, params, rows)(params, hyper, rows)
        share = total_weight(rows)
        loss += share * float(part)
        gradient += share * pack(slope)
        weight += share
    decay = pack(penalty_slope(config, hyper, params, weight))
    return loss / weight + penalty(hyper, params, weight), gradient / weight + decay


def total_weight(rows: Rows) -> float:
    """Sum of the weights of rows, in float64."""
    return float(np.sum(np.asarray(rows.weight), dtype=np.float64))


def penalty(hyper: Hyper, params: Parameters, weight: float) -> float:
    """Return ``0.5 * alpha * ||W||^2 / weight``, in float64."""
    kernels = (np.asarray(w, np.float64) for w in jax.tree.leaves(params) if w.ndim > 1)
    return 0.5 * float(hyper.alpha) / weight * sum(float(np.vdot(k, k)) for k in kernels)


def penalty_slope(config: FitConfig, hyper: Hyper, params: Parameters, weight: float) -> Parameters:
    """Return the gradient of :func:`penalty`, 0 for frozen layers, in float64."""
    shrink = float(hyper.alpha) / weight

    def slope(leaf: np.ndarray) -> np.ndarray:
        return shrink * np.asarray(leaf, np.float64) if leaf.ndim > 1 else np.zeros(leaf.shape)

    frozen, slopes = config.network.n_frozen, jax.tree.map(slope, params)
    if frozen:
        slopes = (*jax.tree.map(np.zeros_like, slopes[:frozen]), *slopes[frozen:])
    return slopes


def loss_program(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Callable:
    """Return the compiled loss and gradient of a block of rows."""

    def build() -> Callable:
        def function(params: Parameters, hyper: Hyper, rows: Rows) -> tuple:
            step = np.int32(0)  # for dropout, which is refused with this solver
            (loss, _), gradient = jax.value_and_grad(batch_loss, has_aux=True)(
                params, config, hyper, rows, step
            )
            return loss, gradient

        return cache.compiled(function, params, hyper, rows)

    return cache.get(("lbfgs", config, cache.signature((params, hyper, rows))), build)


def pack(params: Parameters) -> np.ndarray:
    """Lay all parameters end to end in float64."""
    return np.concatenate(
        [np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(params)]
    )


def unpack(vector: np.ndarray, like: Parameters) -> Parameters:
    """Cut a vector into parameters of the shapes and type of others."""
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = np.split(vector, ends[:-1])
    return jax.tree.unflatten(
        structure,
        [
            part.reshape(leaf.shape).astype(leaf.dtype)
            for part, leaf in zip(parts, leaves, strict=True)
        ],
    )
