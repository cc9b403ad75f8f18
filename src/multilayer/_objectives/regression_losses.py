"""Losses of regression, one record each: plain data, importable without JAX.

A new loss is a record in the table here and its function in ``_objectives/regression.py``. Only
another kind of output needs more: an entry in each of the tables that read raw outputs, in
``_objectives/losses.py`` (JAX), ``_portable/estimators.py`` (NumPy) and
``_onnx/estimator_graphs.py``.
"""

from collections.abc import Callable, Hashable
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum
from typing import Literal

from multilayer._core.activations import OUTPUTS
from multilayer._core.checks import check_bool, check_choice, check_real, refuse
from multilayer._core.types import Array, comparable

OUT_ACTIVATIONS = tuple(OUTPUTS)
"""Output activations of a regression."""

SMALLEST_SPREAD = 1e-4  # added to standard deviations: a likelihood has no maximum at 0


class OutputKind(StrEnum):
    """How the output units of one target are read."""

    POINT = "point"  # one unit, under the output activation
    QUANTILES = "quantiles"  # a unit per level: the median, and distances from it
    MEAN_AND_SPREAD = "mean_and_spread"  # two units: a normal distribution

    def units(self, n_levels: int) -> int:
        """Output units of each target."""
        return {"point": 1, "quantiles": n_levels, "mean_and_spread": 2}[self]


@dataclass(frozen=True)
class RegressionLoss:
    """A regression loss, with everything that depends on it.

    An instance is accepted as the argument `loss` of :class:`multilayer.MLPRegressor`. Two with
    equal fields share a compiled program: use one function, not a new lambda for each.

    Parameters
    ----------
    name : str
        Its name in messages: none of the names that `loss` has.
    row_loss : callable
        Function of ``(predicted, target)``, JAX arrays of shape ``(rows, targets)``, that returns
        the losses, an array of that shape, using JAX operations. With another `output` the
        predictions are ``(rows, targets, units)``.
    output : {"point", "quantiles", "mean_and_spread"}, default="point"
        How the output units of a target are read: one prediction; a quantile for each of the
        `quantiles`, the median among them, in ascending order; or a mean and a standard deviation.
    number : {"huber_delta", "quantiles"} or None, default=None
        Argument of the regressor that the function gets as its third one.
    takes_raw : bool, default=False
        Whether the function takes ``(raw, target, out_activation)`` instead: the outputs before
        their activation, and its name, where a loss is more exact when it is formed from those.
    out_activations : tuple of str, default=("identity", "exp", "softplus", "logistic", "tanh", \
"relu")
        Output activations possible; the first one is what "auto" stands for. Only ("identity",)
        where the output is not a point prediction.
    reported : {"mean", "sum"}, default="mean"
        What is reported of the losses of several targets. Training minimises their sum.
    minimised_by : {"mean", "median"}, default="mean"
        The constant that a fitted network's predictions of its training data are compared with;
        a worse network warns.
    nonnegative : bool, default=False
        Whether targets must be at least 0, and not 0 everywhere.
    loss_of_variance : float or None, default=None
        Loss of the mean as prediction over the variance, where it depends on nothing else: 0.5 of
        half the squared error. It saves the comparison above a prediction.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sklearn.datasets import load_diabetes
    >>> from multilayer import MLPRegressor, RegressionLoss
    >>> def log_cosh(predicted, target):
    ...     return jnp.log(jnp.cosh(predicted - target))
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor(RegressionLoss("log_cosh", log_cosh), (8,), learning_rate="cosine",
    ...                    max_iter=60, learning_rate_init=0.01, standardize_target=True,
    ...                    random_state=0)
    >>> bool(reg.fit(X, y).score(X, y) > 0.4)
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    name: str
    # Those of the table below have the name of a function in `_objectives/regression.py` here, as
    # functions need JAX.
    row_loss: str | Callable[..., Array]
    _: KW_ONLY
    output: OutputKind = OutputKind.POINT
    number: Literal["huber_delta", "quantiles"] | None = None
    takes_raw: bool = False
    out_activations: tuple[str, ...] = OUT_ACTIVATIONS
    reported: Literal["mean", "sum"] = "mean"
    minimised_by: Literal["mean", "median"] = "mean"
    nonnegative: bool = False
    loss_of_variance: float | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        if not isinstance(self.name, str) or not self.name:
            refuse("name", "a text", self.name)
        if not (isinstance(self.row_loss, str) or callable(self.row_loss)):
            refuse("row_loss", "a function of (predicted, target)", self.row_loss)
        if not isinstance(self.row_loss, Hashable):
            refuse("row_loss", "hashable, as a part of a compiled program's key", self.row_loss)
        check_choice("output", self.output, [kind.value for kind in OutputKind])
        object.__setattr__(self, "output", OutputKind(self.output))  # from its name
        check_choice("reported", self.reported, ("mean", "sum"))
        check_choice("minimised_by", self.minimised_by, ("mean", "median"))
        check_bool("takes_raw", self.takes_raw)
        check_bool("nonnegative", self.nonnegative)
        if self.number is not None:
            check_choice("number", self.number, ("huber_delta", "quantiles"), "None")
        if self.number is not None and self.takes_raw:
            refuse("number", "None with takes_raw=True", self.number)
        if self.loss_of_variance is not None:
            check_real("loss_of_variance", self.loss_of_variance, "(0, inf)")
        self._check_out_activations()

    def _check_out_activations(self) -> None:
        given = self.out_activations
        known = OUT_ACTIVATIONS if self.output == OutputKind.POINT else ("identity",)
        if not isinstance(given, tuple) or not given or not set(given) <= set(known):
            rule = f"a tuple of names among {list(known)} with output={self.output.value!r}"
            refuse("out_activations", rule, given)

    @property
    def is_own(self) -> bool:
        """Whether a user made it: no record of the table."""
        return REGRESSION_LOSSES.get(self.name) != self

    def out_activation(self, given: str) -> str:
        """Return the output activation that an argument stands for."""
        return self.out_activations[0] if given == "auto" else given


REGRESSION_LOSSES = {
    loss.name: loss
    for loss in (
        # As in scikit-learn, half the squared error.
        RegressionLoss("squared_error", "squared_error", loss_of_variance=0.5),
        RegressionLoss("absolute_error", "absolute_error", minimised_by="median"),
        # Between both; near the median for outliers.
        RegressionLoss("huber", "huber", number="huber_delta", minimised_by="median"),
        RegressionLoss(
            "poisson",
            "poisson",
            takes_raw=True,
            out_activations=("exp", "softplus"),  # the positive ones
            reported="sum",  # as in scikit-learn
            nonnegative=True,
        ),
        RegressionLoss(
            "quantile",
            "pinball",
            output=OutputKind.QUANTILES,
            number="quantiles",
            out_activations=("identity",),
            minimised_by="median",
        ),
        RegressionLoss(
            "gaussian_nll",
            "gaussian_nll",
            output=OutputKind.MEAN_AND_SPREAD,
            out_activations=("identity",),
        ),
    )
}


def loss_of(value: str | RegressionLoss) -> RegressionLoss:
    """Return the record of an argument `loss` that was checked."""
    if isinstance(value, str):
        return REGRESSION_LOSSES[value]
    if isinstance(value.row_loss, str):
        return value
    return replace(value, row_loss=comparable(value.row_loss))


def find_loss(value: object) -> RegressionLoss | None:
    """Return the record of an argument `loss` that was not checked, None where there is none."""
    if isinstance(value, RegressionLoss):
        return loss_of(value)
    return REGRESSION_LOSSES.get(value) if isinstance(value, str) else None


def names_of(*kinds: OutputKind) -> list[str]:
    """Names of the losses with outputs of these kinds."""
    return [loss.name for loss in REGRESSION_LOSSES.values() if loss.output in kinds]
