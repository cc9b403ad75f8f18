"""The constructors of the network estimators: arguments stored untouched."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from multilayer._core.activations import AnyActivation
from multilayer._core.checks import suggestion
from multilayer._objectives.regression_losses import RegressionLoss

if TYPE_CHECKING:
    from sklearn.frozen import FrozenEstimator

    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._optim.schedules import Schedule
    from multilayer._sklearn.arguments.checkpoint import Checkpoint


# Arguments that do not exist: an error that names the public class and what was probably meant


Class = TypeVar("Class", bound=type)
P = ParamSpec("P")
R = TypeVar("R")


def constructor_of(public: str) -> Callable[[Class], Class]:
    """Return a decorator of a class that holds the arguments of a public one of this name."""

    def decorate(cls: Class) -> Class:
        init = cls.__init__  # type: ignore[misc]
        init.__qualname__ = f"{public}.__init__"  # what Python's own errors name
        known = frozenset(signature(init).parameters) - {"self"}

        @wraps(init)
        def checked(self: object, *args: object, **given: object) -> None:
            unknown = [name for name in given if name not in known]
            if unknown:
                raise _unexpected(type(self).__name__, unknown[0], known)
            init(self, *args, **given)

        cls.__init__ = checked  # type: ignore[misc]
        return cls

    return decorate


def known_arguments(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a method of an estimator: arguments of its constructor are shown where they go."""
    known = frozenset(signature(method).parameters) - {"self"}

    @wraps(method)
    def checked(*args: P.args, **given: P.kwargs) -> R:
        unknown = [name for name in given if name not in known]
        if unknown:
            estimator = type(args[0])
            raise _unexpected(
                f"{estimator.__name__}.{method.__name__}",
                unknown[0],
                known,
                estimator.__name__,
                frozenset(signature(estimator).parameters),
            )
        return method(*args, **given)

    return checked


def _unexpected(
    called: str,
    name: str,
    known: Collection[str],
    estimator: str = "",
    constructor: Collection[str] = (),
) -> TypeError:
    """Return the error for an argument that neither a call nor, perhaps, the constructor has."""
    own = suggestion(name, known)
    elsewhere = name if name in constructor else suggestion(name, constructor)
    remedy = ""
    if own is not None:
        pair = " and 'y_val'" if own == "X_val" else ""
        remedy = f" Did you mean {own!r}{pair}?"
    elif elsewhere is not None:
        remedy = f" It is an argument of the constructor: {estimator}({elsewhere}=...)."
    return TypeError(f"{called}() got an unexpected argument {name!r}.{remedy}")


# The constructors of the network estimators: arguments stored untouched --------------------------
#
# Dataclasses without scikit-learn: what only needs the arguments need not wait for its import.


@dataclass(eq=False, repr=False)
class NetworkArguments:
    """Arguments of a network and its training; scikit-learn's in its order, then ours."""

    hidden_layer_sizes: int | Sequence[int] = (100,)
    activation: AnyActivation | Sequence[AnyActivation] = "relu"
    _: KW_ONLY
    solver: Any = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: "str | Schedule" = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: "int | np.random.RandomState | None" = None
    tol: float = 1e-4
    verbose: bool | int = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    # The network
    norm: str | None = None
    residual: bool = False
    out_activation: str = "auto"
    weight_init: str = "auto"
    bias_init: str = "auto"
    input_scale: float | None = None
    network: object = None
    # What it starts from
    reuse_from: "str | os.PathLike[str] | FrozenEstimator | None" = None
    n_reused_layers: int | None = None
    freeze_reused: bool = False
    # What keeps it from overfitting
    dropout: float | Sequence[float] = 0.0
    input_dropout: float = 0.0
    input_noise: float = 0.0
    l1_ratio: float = 0.0
    max_norm: float | None = None
    weight_decay: float = 0.01
    # How it is trained
    solver_params: Mapping[str, object] | None = None
    schedule_params: Mapping[str, float] | None = None
    clip_norm: float | None = None
    accumulate_steps: int = 1
    ema_decay: float | None = None
    layer_learning_rates: Sequence[float] | None = None
    weight_normalization: str = "batch"
    precision: str = "float32"
    device: str = "auto"
    scoring: Any = None
    callbacks: "Sequence[Callback] | None" = None
    checkpoint: "str | os.PathLike[str] | Checkpoint | None" = None
    # What else it is used for
    calibration_fraction: float = 0.0
    transform_layer: int = -1


@constructor_of("MLPClassifier")
@dataclass(eq=False, repr=False)
class ClassifierArguments(NetworkArguments):
    """Arguments of a classifier."""

    _: KW_ONLY
    class_weight: "Mapping | str | Sequence[Mapping | str] | None" = None
    label_smoothing: float = 0.0


@dataclass(eq=False, repr=False)
class Loss:
    """The first argument of a regressor: fields of a base class further up come first."""

    loss: str | RegressionLoss = "squared_error"


@constructor_of("MLPRegressor")
@dataclass(eq=False, repr=False)
class RegressorArguments(NetworkArguments, Loss):
    """Arguments of a regressor."""

    _: KW_ONLY
    quantiles: Sequence[float] = (0.1, 0.5, 0.9)
    huber_delta: float = 1.0
    standardize_target: bool = False
