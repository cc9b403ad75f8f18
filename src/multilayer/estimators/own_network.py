"""A network of the user's in place of dense layers: its checks and its first parameters."""

from dataclasses import fields
from typing import Any

import jax
import numpy as np

from multilayer._core.checks import refuse
from multilayer._nn.model import Parameters
from multilayer._nn.own import OwnNetwork
from multilayer.estimators.arguments import NetworkArguments

SHAPE_ARGUMENTS = (
    "hidden_layer_sizes",
    "activation",
    "norm",
    "residual",
    "weight_init",
    "bias_init",
    "dropout",
    "input_dropout",
    "input_noise",
    "max_norm",
    "precision",
    "layer_learning_rates",
    "reuse_from",
    "n_reused_layers",
    "freeze_reused",
    "transform_layer",
)
"""Arguments about dense layers, which say nothing of another network."""

INTERFACE = "an object with init(key, n_inputs) and apply(params, x), such as nn.sequential(...)"


def check_own_network(arguments: NetworkArguments) -> None:
    """Check a network of the user's, and that nothing is asked of dense layers beside it."""
    model = arguments.network
    if not all(callable(getattr(model, name, None)) for name in ("init", "apply")):
        refuse("network", f"None or {INTERFACE}", model)
    if isinstance(model, type):
        refuse("network", f"None or {INTERFACE}", model, "Give an instance of the class.")
    try:
        hash(model)
    except TypeError:
        refuse("network", "hashable: it is part of what is compiled", model, "Freeze its class.")
    defaults = {field.name: field.default for field in fields(NetworkArguments)}
    for name in SHAPE_ARGUMENTS:
        value = getattr(arguments, name)
        if not _same(value, defaults[name]):
            refuse(
                name,
                f"left at {defaults[name]!r} beside network=...",
                value,
                "Build it into the network.",
            )
    if isinstance(arguments.solver, str) and arguments.solver == "lbfgs":
        refuse("solver", "a solver of mini-batches for a network of your own", arguments.solver)


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and value == default


def start(model: Any, seed: int, n_features: int, n_outputs: int, dtype: str) -> Parameters:
    """Return the first parameters of a network, as arrays of NumPy, its outputs checked."""
    params = model.init(jax.random.key(seed), n_features)
    leaves = jax.tree.leaves(params)
    if not leaves or not all(_is_float_array(leaf) for leaf in leaves):
        kinds = sorted({getattr(leaf, "dtype", type(leaf)).__str__() for leaf in leaves})
        refuse("network", f"one whose init returns arrays of floats, not {kinds}", model)
    params = jax.tree.map(lambda leaf: np.array(leaf, dtype), params)
    x = jax.ShapeDtypeStruct((3, n_features), np.dtype(dtype))
    shape = jax.eval_shape(OwnNetwork(model).apply, params, x).shape
    if shape != (3, n_outputs):
        refuse(
            "network",
            f"one with {n_outputs} outputs for these targets, (rows, {n_outputs})",
            model,
            f"For 3 rows it returns shape {shape}.",
        )
    return params


def _is_float_array(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating)
