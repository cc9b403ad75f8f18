"""What the native engine computes, and whether it can compute at all on this machine."""

from functools import cache

import numpy as np

from multilayer._data.source import Rows
from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import Handle, base_spec, layer_specs, native_rows
from multilayer._engine.native.table_networks import shares_kernels, uncovered_layer
from multilayer._engine.state import FitConfig
from multilayer._nn.members import Members
from multilayer._nn.model import Model
from multilayer._nn.network import Dense, Network

MOST_LAYERS, MOST_HEADS = 120, 1024  # as in `_native/session.h`


def uncovered(config: FitConfig) -> str:
    """Return why a fit is not computed natively, in a few words; nothing where it is."""
    network, objective = config.network, config.objective
    if reason := uncovered_network(network):
        return reason
    if isinstance(network, Members) and config.clipped and not shares_kernels(network.layers):
        return "the gradient of several networks is clipped"
    if objective.own_loss is not None or objective.loss not in lib.LOSSES:
        return f"loss is {objective.loss!r}, of your own"
    if config.solver not in lib.RULES:
        return f"solver is {_named(config.solver)}"
    if len(objective.heads) > MOST_HEADS:
        return f"y has more than {MOST_HEADS} columns"
    return ""


def uncovered_network(network: Model) -> str:
    """Return why a network is not computed natively, in a few words; nothing where it is."""
    if isinstance(network, Members):
        if network.n_members == 1 and shares_kernels(network.layers):
            return "an ensemble that shares kernels has one member"
        return uncovered_layer(network.layers)
    if not isinstance(network, Network):
        return "the network is a custom one"
    for activation in network.activations:
        if activation not in lib.ACTIVATIONS:
            return f"activation is {_named(activation)}"
    if network.precision == "bfloat16":
        return f"precision is {network.precision!r}"
    if len(network.layer_sizes) - 1 > MOST_LAYERS:
        return f"the network has more than {MOST_LAYERS} layers"
    return ""


def reads_sparse(network: Model) -> bool:
    """Whether the rows of a network may stay sparse: not where inputs are dropped or disturbed.

    Nor those of networks with tables, and of ensembles that share kernels. For these, dense rows
    are made of sparse ones, some at a time.
    """
    return isinstance(network, Network) and not (network.input_dropout or network.input_noise)


def _named(value: object) -> str:
    return repr(value) if isinstance(value, str) else "of your own"


@cache
def unavailable() -> str:
    """Return why nothing is computed natively on this machine; nothing where all is well."""
    try:
        lib.library()
    except OSError as error:
        return str(error)
    if not self_test():
        return f"its self-test failed (built by {lib.compiler()}, {lib.instruction_set()})"
    return ""


def self_test() -> bool:
    """Compare the outputs of a small network with NumPy's; a miscompiled library differs."""
    rng = np.random.default_rng(0)
    network = Network((19, 21, 5), ("tanh",))
    layers = [
        Dense(rng.normal(size=(n, m)) / n**0.5, rng.normal(size=m)) for n, m in ((19, 21), (21, 5))
    ]
    X = rng.normal(size=(13, 19))
    expected = np.tanh(X @ layers[0].kernel + layers[0].bias) @ layers[1].kernel + layers[1].bias
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-12)):
        spec = base_spec(5, None, None)
        spec.input_scale = 1.0
        handle = Handle(spec, layer_specs(network, None, False), 8, dtype)
        handle.put(lib.PARAMS, tuple(layers))
        rows = native_rows(None, Rows(X.astype(dtype), None, None), dtype)
        if not np.allclose(handle.read(rows, 1, 1), expected, rtol=0, atol=tolerance):
            return False
    return True
