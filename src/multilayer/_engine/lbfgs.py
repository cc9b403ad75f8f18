"""Full-batch training by SciPy's L-BFGS-B; a program computes the loss and its gradient."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core import pytrees
from multilayer._data.source import Rows, Source
from multilayer._engine.callbacks.protocol import Callback, Progress, Stop
from multilayer._engine.history import History
from multilayer._engine.loop import attended, report_each
from multilayer._engine.program import Maker
from multilayer._engine.state import FitConfig, Hyper
from multilayer._nn.model import Parameters
from multilayer._objectives.objective import reported_share

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult


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


class Problem:
    """What SciPy minimises: the loss over all rows, a function of one float64 vector.

    The blocks of rows are computed in the computing type and summed in float64: a line search
    compares losses that differ little.
    """

    def __init__(
        self, maker: Maker, config: FitConfig, hyper: Hyper, source: Source, params: Parameters
    ) -> None:
        self.maker, self.config, self.hyper, self.source = maker, config, hyper, source
        self.like = params
        self.weight = 0.0
        for rows in source.sweep():
            maker.loss_program(config, hyper, params, rows)  # made ahead of the first iteration
            self.weight += total_weight(rows)

    def __call__(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient over all rows, penalty included."""
        params = unpack(vector, self.like)
        loss, gradient = 0.0, np.zeros(vector.shape)
        for rows in self.source.sweep():
            program = self.maker.loss_program(self.config, self.hyper, params, rows)
            part, slope = program(params, self.hyper, rows)
            share = total_weight(rows)
            loss += share * float(part)
            gradient += share * pack(slope)
        decay = penalty_slope(self.config, self.hyper, params, self.weight)
        whole = penalty(self.hyper, params, self.weight)
        return loss / self.weight + whole, gradient / self.weight + pack(decay)

    def reported(self, minimised: float, network: Parameters) -> float:
        """Return the loss as it is reported; the penalty is part of it in full."""
        whole = penalty(self.hyper, network, self.weight)
        return reported_share(self.config.objective) * (minimised - whole) + whole


class FullBatch:
    """A run of the minimiser, as callbacks see it."""

    def __init__(
        self,
        problem: Problem,
        max_iter: int,
        callbacks: Sequence[Callback],
        arguments: Mapping[str, object],
        compile_seconds: float,
    ) -> None:
        self.network = problem.like  # at the last accepted point
        self.name: str | None = None
        self.step, self.seconds = 0, 0.0
        self.arguments, self.history = arguments, History()
        self.stopped_by: Stop | None = None
        self._problem, self._max_iter, self._callbacks = problem, max_iter, callbacks
        self._begun, self._compile_seconds = time.perf_counter(), compile_seconds

    def restore(self, network: Parameters) -> None:
        """Put parameters in place that :attr:`network` once gave."""
        self.network = network

    def gradient(self) -> Parameters:
        """Gradient over all rows, penalty included."""
        return unpack(self._problem(pack(self.network))[1], self.network)

    def elapsed(self) -> float:
        """Return the seconds since the first iteration began."""
        return time.perf_counter() - self._begun

    def accept(self, intermediate_result: "OptimizeResult") -> None:
        """Take note of an iteration; SciPy chooses by the argument's name what it passes."""
        self.network = unpack(intermediate_result.x, self.network)
        loss = self._problem.reported(float(intermediate_result.fun), self.network)
        self.seconds = self.elapsed()
        nan = np.nan  # no validation, no learning rate
        self.history.add(np.array([[loss, nan, nan, nan]]), 1, self.seconds)
        self.step = len(self.history)
        progress = Progress(self.step, self._max_iter, 1, self.seconds, self._compile_seconds)
        reports = self.history.reports(self.step - 1)
        self.stopped_by = report_each(self._callbacks, reports, progress)
        if self.stopped_by:
            raise StopIteration  # SciPy's word for a callback that ends the search


def minimise(
    maker: Maker,
    config: FitConfig,
    hyper: Hyper,
    source: Source,
    params: Parameters,
    *,
    max_iter: int,
    max_fun: int,
    callbacks: Sequence[Callback] = (),
    arguments: Mapping[str, object] = MappingProxyType({}),
) -> Minimum:
    """Minimise the weighted mean loss plus ``0.5 * alpha * ||W||^2 / sum(weights)``.

    SciPy works on one float64 vector; each evaluation is done in the computing type. Callbacks are
    called at each iteration as at an epoch, and see the estimator's ``arguments``. Ctrl-C ends the
    search at the last accepted point.
    """
    # Late: other solvers need no SciPy.
    from scipy.optimize import minimize as minimise_vector

    start = time.perf_counter()
    problem = Problem(maker, config, hyper, source, params)
    compile_seconds = time.perf_counter() - start
    run = FullBatch(problem, max_iter, callbacks, arguments, compile_seconds)
    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": float(hyper.tol)}
    found: OptimizeResult | None = None
    with attended(run, callbacks), suppress(KeyboardInterrupt):
        found = minimise_vector(
            problem, pack(params), jac=True, method="L-BFGS-B", options=options, callback=run.accept
        )
        run.network = unpack(found.x, params)
    return Minimum(
        params=run.network,
        loss=problem.reported(problem(pack(run.network))[0], run.network),
        history=run.history,
        seconds=run.elapsed(),
        compile_seconds=compile_seconds,
        converged=found is not None and bool(found.success) and not run.stopped_by,
        interrupted=found is None,
        stopped_by=run.stopped_by,
        message="interrupted" if found is None else str(found.message),
    )


def total_weight(rows: Rows) -> float:
    """Sum of the weights of rows, in float64."""
    return float(np.sum(np.asarray(rows.weight), dtype=np.float64))


def penalty(hyper: Hyper, params: Parameters, weight: float) -> float:
    """Return ``0.5 * alpha * ||W||^2 / weight``, in float64."""
    kernels = (np.asarray(w, np.float64) for w in pytrees.leaves(params) if w.ndim > 1)
    return 0.5 * float(hyper.alpha) / weight * sum(float(np.vdot(k, k)) for k in kernels)


def penalty_slope(config: FitConfig, hyper: Hyper, params: Parameters, weight: float) -> Parameters:
    """Return the gradient of :func:`penalty`, 0 for frozen layers, in float64."""
    shrink = float(hyper.alpha) / weight

    def slope(leaf: np.ndarray) -> np.ndarray:
        return shrink * np.asarray(leaf, np.float64) if leaf.ndim > 1 else np.zeros(leaf.shape)

    frozen, slopes = config.network.n_frozen, pytrees.map_leaves(slope, params)
    if frozen:
        slopes = (*pytrees.map_leaves(np.zeros_like, slopes[:frozen]), *slopes[frozen:])
    return slopes


def pack(params: Parameters) -> np.ndarray:
    """Lay all parameters end to end in float64."""
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in pytrees.leaves(params)])


def unpack(vector: np.ndarray, like: Parameters) -> Parameters:
    """Cut a vector into parameters of the shapes and type of others."""
    leaves = pytrees.leaves(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = np.split(vector, ends[:-1])
    shaped = [
        part.reshape(leaf.shape).astype(leaf.dtype)
        for part, leaf in zip(parts, leaves, strict=True)
    ]
    return pytrees.with_leaves(like, shaped)
