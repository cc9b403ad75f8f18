"""What a fit starts from: a network and its first parameters."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from multilayer._nn.model import Model, Parameters
from multilayer._nn.network import initialize
from multilayer._sklearn.arguments import architecture, own_network, reuse
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.fit.assembly import computing_type


class Start(NamedTuple):
    """A network before its first step."""

    network: Model  # at prediction
    params: Parameters
    n_reused_layers: int


def start(
    arguments: NetworkArguments,
    rng: np.random.RandomState,
    n_features: int,
    n_outputs: int,
    names: Sequence[str] | None,
) -> Start:
    """Return the network that the arguments ask for, random or begun with trained layers.

    ``names`` are those of the features, None where they have none.
    """
    dtype = computing_type()
    if arguments.network is not None:
        seed = int(rng.randint(np.iinfo(np.int32).max))
        own = own_network.start(arguments.network, seed, n_features, n_outputs, dtype)
        return Start(*own, n_reused_layers=0)
    hidden = architecture.hidden_sizes(arguments.hidden_layer_sizes)
    network = architecture.network_of(arguments, (n_features, *hidden, n_outputs))
    params = initialize(
        network,
        rng,
        weights=arguments.weight_init,
        bias=arguments.bias_init,
        output_like=architecture.output_like(arguments),
        dtype=dtype,
    )
    params, n_reused = reuse.start(arguments, network, params, names)
    return Start(network.at_prediction(), params, n_reused)
