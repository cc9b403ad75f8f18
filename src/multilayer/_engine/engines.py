"""The engines that compute, by name, and which of them a fit gets.

An engine is loaded when it is first used, by the name of its package: this module starts none, and
what is chosen by it is decided without importing JAX. So a fit that runs natively never waits for
JAX, nor does what follows it: prediction, saving, loading.

The rule of ``device="auto"`` is what a user without an accelerator and one with an accelerator
expect of the same line: on a machine whose JAX has one, JAX uses it; everywhere else the native
engine computes, on the CPU, what it covers, and XLA the rest. Float64 is native too, unless JAX is
set to compute in it; what is not covered is then refused. A network is always predicted with by
the engine that trained it, on whatever machine it is loaded, so that the bits of its predictions
are those of its training's validation; an engine that is not there gives way to XLA, with a
warning.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Protocol, TypeAlias

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.environment import (
    jax_accelerator,
    jax_computes_in_float64,
    level_of_caller,
    usable_cores,
)
from multilayer._data.csr_rows import CsrRows
from multilayer._engine.program import Maker
from multilayer._engine.state import FitConfig
from multilayer._nn.members import Members
from multilayer._nn.model import Model, Parameters
from multilayer._objectives.objective import Objective

NATIVE, XLA = "native", "xla"
NAMES = (NATIVE, XLA)
OLDER = XLA
"""What trained the networks of earlier releases, which do not say."""

REMEDY = (
    'Install JAX for the accelerator, such as pip install "jax[cuda12]", and let JAX_PLATFORMS not '
    "name the CPU alone; or choose device='auto'."
)


Take: TypeAlias = Callable[[slice], np.ndarray] | CsrRows
"""Rows to read outputs for."""


class Outputs(Protocol):
    """Computes what a network says of rows, in blocks that are the same for any number of rows.

    ``take`` is a function, which returns a slice of the rows as a dense array, or sparse rows where
    :func:`reads_sparse` says that the engine takes them. What is read is the outputs before
    their activation (None), what an objective makes of them, or a hidden layer by its number. The
    result has the type ``dtype`` and the shape ``(n_rows, ...)``.
    """

    def __call__(
        self,
        network: Model,
        params: Parameters,
        take: Take,
        n_rows: int,
        *,
        read: Objective | int | None = None,
        input_scale: float,
        dtype: str,
    ) -> np.ndarray:
        """Compute the outputs."""


class MemberPredictor(Protocol):
    """Makes what predicts with each member of an ensemble some rows of its own.

    ``rows`` are the numbers of each member's rows in X. What is made takes the parameters of all
    members and returns the raw outputs of each, ``(rows, outputs)``.
    """

    def __call__(
        self, network: Members, X: np.ndarray, rows: Sequence[np.ndarray]
    ) -> Callable[[Parameters], list[np.ndarray]]:
        """Make it."""


@dataclass(frozen=True)
class Engine:
    """What computes: in training, programs of a maker; at prediction, outputs."""

    name: str
    maker: Maker
    outputs: Outputs
    member_predictor: MemberPredictor
    platform: Callable[[], str]  # "cpu", or what JAX calls an accelerator
    hardware: Callable[[], str]  # its kind, which checkpoints mention
    threads: Callable[[], int]  # how many the bits of a result depend on
    packages: tuple[str, ...]  # whose releases may change the bits of a result


@dataclass(frozen=True)
class Choice:
    """Which engine a fit gets, and where it is not the native one, why not."""

    engine: str
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The choice in words, for ``verbose``."""
        if self.engine == NATIVE:
            return "Training natively on the CPU."
        return f"Training by XLA, not natively: {self.reason}."


@lru_cache(maxsize=len(NAMES))
def load(name: str) -> Engine:
    """Return an engine by its name; that of XLA starts JAX."""
    package = f"multilayer._engine.{name}"
    maker, inference = import_module(f"{package}.maker"), import_module(f"{package}.inference")
    predictors = inference.outputs, inference.member_predictor
    if name == XLA:
        packages = ("jax", "jaxlib", "numpy", "optax", "scikit-learn")
        parts = maker.XLA, *predictors, maker.platform, maker.hardware, usable_cores
        return Engine(name, *parts, packages)
    instruction_set = import_module(f"{package}.library").instruction_set
    parts = maker.NATIVE, *predictors, _cpu, instruction_set, _one
    return Engine(name, *parts, packages=("numpy", "scikit-learn"))


def _cpu() -> str:
    return "cpu"


def _one() -> int:
    return 1  # a native result is the same for any number of threads


def native_problem() -> str:
    """Say why nothing can be computed natively in this process; nothing where it can."""
    problem: str = _coverage().unavailable()
    return problem


def _coverage() -> ModuleType:
    return import_module("multilayer._engine.native.coverage")


def choose(device: str, config: FitConfig) -> Choice:
    """Return which engine trains, and so predicts with, the network of a fit.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"}
        Where to compute, as the estimator's argument says.
    config : FitConfig
        What is to be computed.

    Raises
    ------
    InvalidArgumentError
        There is no such device, or the fit cannot be computed on it, or not in float64 (a
        ValueError).
    """
    if device == "gpu":
        if load(XLA).platform() == "cpu":
            refuse("device", "'auto' or 'cpu' where JAX has no accelerator", device, REMEDY)
        _check_type(config, "device='gpu'")
        return Choice(XLA, "device='gpu'")
    if device == "auto" and not _jax_rounds(config) and (accelerator := jax_accelerator()):
        return Choice(XLA, accelerator)
    reason = native_problem()
    if not reason:
        reason = _coverage().uncovered(config)
    if not reason:
        return Choice(NATIVE)
    _check_type(config, reason)
    if device == "cpu" and (platform := load(XLA).platform()) != "cpu":
        refuse(
            "device",
            f"'auto' or 'gpu' for a fit that XLA computes ({reason}) where JAX uses the {platform}",
            device,
            "Set JAX_PLATFORMS=cpu before JAX is imported.",
        )
    return Choice(XLA, reason)


def _jax_rounds(config: FitConfig) -> bool:
    """Whether JAX would compute in a smaller type than a fit asks for."""
    return config.dtype == "float64" and not jax_computes_in_float64()


def _check_type(config: FitConfig, reason: str) -> None:
    """Refuse a fit that XLA computes, for a reason, in a smaller type."""
    if _jax_rounds(config):
        refuse(
            "precision",
            f"'float32' for a fit that XLA computes ({reason}) while JAX rounds to float32",
            config.dtype,
            "Let JAX compute in float64: set JAX_ENABLE_X64=1, or call "
            "jax.config.update('jax_enable_x64', True).",
        )


def reads_sparse(name: str, network: Model) -> bool:
    """Whether an engine takes sparse rows for a network, in training too unless it is stripped."""
    return name == NATIVE and bool(_coverage().reads_sparse(network))


def predictor(name: str, network: Model) -> Engine:
    """Return the engine that a network was trained by, or XLA where that cannot predict with it."""
    if name == NATIVE:
        reason = native_problem() or _coverage().uncovered_network(network)
        if reason:
            _warn_of_other_engine(reason)
            return load(XLA)
    return load(name)


_warned: set[str] = set()  # reasons, in this process


def _warn_of_other_engine(reason: str) -> None:
    if reason in _warned:
        return
    _warned.add(reason)
    warnings.warn(
        f"The network was trained by the native engine, which is not available ({reason}). XLA "
        "predicts with it: results differ in the last bits, and JAX is started for it.",
        stacklevel=level_of_caller(),
    )
