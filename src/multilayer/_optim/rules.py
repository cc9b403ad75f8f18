"""Update rules of the solvers: Optax transformations built from traced numbers.

They are built while a program is traced, so that every number in them is an argument of the
compiled program and changing one compiles nothing.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import jax
import optax

from multilayer._core.types import Array
from multilayer._optim.adam import scale_by_adam

Number = Array
Numbers = Mapping[str, Number]
Rule: TypeAlias = str | Callable[..., optax.GradientTransformation] | optax.GradientTransformation
"""A name in RULES, an Optax factory, or an Optax rule."""


def is_matrix(params: optax.Params) -> optax.Params:
    """Mark the leaves that decay: weight matrices, not biases."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _sgd(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    return optax.chain(
        optax.trace(decay=n["momentum"], nesterov=nesterov), optax.scale_by_learning_rate(rate)
    )


def _plain_sgd(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    del n, nesterov
    return optax.scale_by_learning_rate(rate)


def _adam(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    del nesterov
    return optax.chain(
        scale_by_adam(b1=n["beta_1"], b2=n["beta_2"], eps=n["epsilon"]),
        optax.scale_by_learning_rate(rate),
    )


def _adamw(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    del nesterov
    return optax.chain(
        scale_by_adam(b1=n["beta_1"], b2=n["beta_2"], eps=n["epsilon"]),
        optax.add_decayed_weights(n["weight_decay"], mask=is_matrix),
        optax.scale_by_learning_rate(rate),
    )


def _adagrad(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    del nesterov
    return optax.chain(
        optax.scale_by_rss(n["initial_accumulator_value"], eps=n["epsilon"]),
        optax.scale_by_learning_rate(rate),
    )


def _rmsprop(n: Numbers, rate: Number, nesterov: bool) -> optax.GradientTransformation:
    del nesterov
    return optax.chain(
        optax.scale_by_rms(decay=n["decay"], eps=n["epsilon"]),
        optax.scale_by_learning_rate(rate),
        optax.trace(decay=n["momentum"]),
    )


RULES: dict[str, Callable[[Numbers, Number, bool], optax.GradientTransformation]] = {
    "sgd": _sgd,
    "plain_sgd": _plain_sgd,  # what "sgd" is without momentum: no velocity in its state
    "adam": _adam,
    "adamw": _adamw,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
}


def make_rule(
    solver: Rule, numbers: Numbers, rate: Number, nesterov: bool, options: Mapping[str, object]
) -> optax.GradientTransformationExtraArgs:
    """Return the update rule of a solver at a learning rate.

    A factory is called with ``learning_rate``, its traced numbers, and the options that are no
    numbers; a rule that is ready has its rate in it.
    """
    if isinstance(solver, str):
        rule = RULES[solver](numbers, rate, nesterov)
    elif isinstance(solver, optax.GradientTransformation):
        rule = solver
    else:
        rule = solver(learning_rate=rate, **numbers, **options)
    return optax.with_extra_args_support(rule)
