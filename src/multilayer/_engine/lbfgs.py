"""Full-batch training by SciPy's L-BFGS-B, the loss and its gradient compiled."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from scipy.optimize import OptimizeResult, minimize

from multilayer._data.source import Rows, Source
from multilayer._engine import cache
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.step import batch_loss
from multilayer.nn.network import Dense, Parameters


@dataclass
class Minimum:
    """What the minimiser found."""

    params: Parameters
    loss: float
    loss_curve: list[float]  # after each iteration
    seconds: float
    compile_seconds: float
    converged: bool
    interrupted: bool
    message: str


def minimise(
    config: FitConfig,
    hyper: Hyper,
    source: Source,
    params: Parameters,
    *,
    max_iter: int,
    max_fun: int,
    on_iteration: Callable[[int, float], None] | None = None,
) -> Minimum:
    """Minimise the weighted mean loss plus ``0.5 * alpha * ||W||^2 / sum(weights)``.

    SciPy works on one float64 vector; each evaluation is done in the computing type. Ctrl-C ends
    the search at the last accepted point.
    """
    cache.check_process()
    start = time.perf_counter()
    for rows in source.sweep():
        loss_program(config, hyper, params, rows)
    begun = time.perf_counter()
    trace: list[float] = []
    accepted = pack(params)

    def objective(vector: np.ndarray) -> tuple[float, np.ndarray]:
        return full_loss(config, hyper, source, unpack(vector, params))

    def accept(intermediate_result: OptimizeResult) -> None:
        nonlocal accepted
        accepted = intermediate_result.x.copy()
        trace.append(float(intermediate_result.fun))
        if on_iteration is not None:
            on_iteration(len(trace), trace[-1])

    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": float(hyper.tol)}
    interrupted, converged, message = False, False, "interrupted"
    try:
        found = minimize(
            objective, accepted, jac=True, method="L-BFGS-B", options=options, callback=accept
        )
        accepted, converged, message = found.x, bool(found.success), str(found.message)
    except KeyboardInterrupt:
        interrupted = True
    return Minimum(
        params=unpack(accepted, params),
        loss=objective(accepted)[0],
        loss_curve=trace,
        seconds=time.perf_counter() - begun,
        compile_seconds=begun - start,
        converged=converged,
        interrupted=interrupted,
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
        share = float(np.sum(np.asarray(rows.weight), dtype=np.float64))
        loss += share * float(part)
        gradient += share * pack(slope)
        weight += share
    kernels = [layer.kernel.astype(np.float64) for layer in params]
    shrink = float(hyper.alpha) / weight
    loss = loss / weight + 0.5 * shrink * sum(float(np.vdot(k, k)) for k in kernels)
    decay = [Dense(shrink * k, np.zeros(k.shape[1])) for k in kernels]
    return loss, gradient / weight + pack(tuple(decay))


def loss_program(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Callable:
    """Return the compiled loss and gradient of a block of rows."""

    def build() -> Callable:
        def function(params: Parameters, hyper: Hyper, rows: Rows) -> tuple:
            step = np.int32(0)  # for dropout, which is refused with this solver
            return jax.value_and_grad(batch_loss)(params, config, hyper, rows, step)

        return cache.compiled(function, params, hyper, rows)

    return cache.get(("lbfgs", config, cache.signature((params, hyper, rows))), build)


def pack(params: Parameters) -> np.ndarray:
    """Lay all parameters end to end in float64."""
    return np.concatenate(
        [np.asarray(leaf, np.float64).ravel() for layer in params for leaf in layer]
    )


def unpack(vector: np.ndarray, like: Parameters) -> Parameters:
    """Cut a vector into parameters of the shapes and type of others."""
    layers, start = [], 0
    for layer in like:
        parts = []
        for leaf in layer:
            parts.append(vector[start : start + leaf.size].reshape(leaf.shape).astype(leaf.dtype))
            start += leaf.size
        layers.append(Dense(*parts))
    return tuple(layers)
