"""The program of the MNIST run, compiled while scikit-learn is being imported.

Importing scikit-learn keeps one core busy for a second or two, compiling the other: neither waits
for the other when the compilation starts first. What it compiles is found in the engine's cache by
the fit that follows; were it another program, the fit would compile its own.
"""

from threading import Thread
from typing import Any

import numpy as np

from multilayer._engine.loop import prepare
from multilayer.datasets._mnist import N_CLASSES, N_PIXELS, N_TRAIN, N_VALID
from multilayer.estimators.arguments import NetworkArguments
from multilayer.estimators.fitting import Plan, Samples, assemble, computing_type
from multilayer.estimators.parameters import check_parameters, hidden_sizes
from multilayer.nn.network import Network, initialize


def compile_mnist(arguments: dict[str, Any], input_scale: float) -> Thread:
    """Start to compile for these estimator arguments."""
    network = NetworkArguments(**arguments, input_scale=input_scale)
    check_parameters(network)
    thread = Thread(target=prepare, args=(_blank_run(network),))
    thread.start()
    return thread


def _blank_run(network: NetworkArguments) -> Any:
    """A run of the right shapes on blank images."""
    sizes = (N_PIXELS, *hidden_sizes(network.hidden_layer_sizes), N_CLASSES)
    dtype = computing_type()
    params = initialize(
        Network(sizes, network.activation),
        np.random.RandomState(0),
        weights=network.weight_init,
        bias=network.bias_init,
        dtype=dtype,
    )
    train, validation = (
        Samples(np.zeros((n, N_PIXELS), np.uint8), np.zeros(n, np.int32), np.ones(n, dtype))
        for n in (N_TRAIN, N_VALID)
    )
    return assemble(Plan(network, sizes, "softmax", 0), train, validation, params, 1)
