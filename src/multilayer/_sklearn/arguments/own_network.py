"""A network of the user's in place of dense layers: its checks and its first parameters."""

from dataclasses import dataclass, fields

import jax
import numpy as np

from multilayer._core.checks import refuse
from multilayer._nn.keys import key
from multilayer._nn.layers import Layer, as_layer, initialize
from multilayer._nn.model import Parameters
from multilayer._nn.sequential import UserNetwork
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.arguments.solver_arguments import is_full_batch

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


@dataclass(frozen=True)
class OwnNetwork:
    """A network of the user's that was checked."""

    given: object
    layer: Layer

    def start(
        self, seed: int, n_features: int, n_outputs: int, dtype: str
    ) -> tuple[UserNetwork, Parameters]:
        """Return the network and its first parameters, arrays of NumPy; its outputs are checked."""
        params, width = initialize("network", self.layer, key(seed), n_features)
        if width != n_outputs:
            rule = f"one with {n_outputs} outputs for these targets"
            remedy = f"Let its last layer have {n_outputs} units; it has {width}."
            refuse("network", rule, self.given, remedy)
        if not jax.tree.leaves(params):
            refuse("network", "one with parameters: there is nothing to train", self.given)
        return UserNetwork(self.layer), jax.tree.map(lambda leaf: np.array(leaf, dtype), params)


def check_own_network(arguments: NetworkArguments) -> OwnNetwork:
    """Check a network of the user's, and that nothing is asked of dense layers beside it."""
    if not hasattr(arguments.network, "init"):  # a function alone is a layer, but no network
        rule = "None, or an object with init(key, n_inputs) and apply(params, x)"
        refuse("network", rule, arguments.network, "Build one with multilayer.nn.sequential.")
    layer = as_layer("network", arguments.network)
    defaults = {field.name: field.default for field in fields(NetworkArguments)}
    for name in SHAPE_ARGUMENTS:
        value = getattr(arguments, name)
        if name == "precision" and value == "float64":  # of everything, not of dense products
            continue
        if not _same(value, defaults[name]):
            refuse(
                name,
                f"left at {defaults[name]!r} beside network=...",
                value,
                "Build it into the network.",
            )
    if is_full_batch(arguments.solver):
        refuse("solver", "a mini-batch solver for a network of your own", arguments.solver)
    return OwnNetwork(arguments.network, layer)


def _same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default
