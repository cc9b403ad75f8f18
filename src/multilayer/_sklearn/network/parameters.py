"""A network's parameters as an estimator's attributes, and back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves
from multilayer._engine.engines import OLDER
from multilayer._nn.model import Moments, Parameters
from multilayer._nn.network import Dense, Layers, Network

if TYPE_CHECKING:
    from multilayer._sklearn.fit.assembly import Plan
    from multilayer._sklearn.network.trained import Trained

NORM_ATTRIBUTES = ("norm_scales_", "norm_shifts_", "norm_means_", "norm_variances_")
"""Of normalised layers; the last two are the running moments of batch normalisation."""


class FittedNetwork(Protocol):
    """What an estimator has of its network, in its own attributes."""

    network: object  # the argument: None where the layers are dense
    input_scale: float | None
    _network: Network
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    params_: Parameters  # of a user's network


def network_attributes(estimator: "Trained", plan: "Plan", params: Parameters) -> dict[str, object]:
    """Return all that an estimator predicts with as attributes, the parameters copied.

    Those are scikit-learn's for dense layers, and ``params_`` for a user's network.
    """
    attributes: dict[str, object] = {
        "_network": plan.start.network,
        "_trained": plan.objective,
        "_dtype": plan.config.dtype,
        "n_outputs_": sum(plan.objective.heads),
        "n_reused_layers_": plan.start.n_reused_layers,
        "engine_": plan.choice.engine,
        "_calibration": None,  # that of an earlier network
    }
    if estimator.network is not None:
        return attributes | {"params_": map_leaves(np.array, params)}
    attributes |= {
        "n_layers_": len(params) + 1,
        "coefs_": [np.array(layer.kernel) for layer in params],
        "intercepts_": [np.array(layer.bias) for layer in params],
    }
    hidden = params[:-1]
    norms = [(layer.scale, layer.shift, *(layer.moments or (None, None))) for layer in hidden]
    for i, name in enumerate(NORM_ATTRIBUTES):
        if norms and norms[0][i] is not None:
            attributes[name] = [np.array(norm[i]) for norm in norms]
    return attributes


def set_network(estimator: "Trained", plan: "Plan", params: Parameters) -> None:
    """Give an estimator a network with these parameters, and remove those of an earlier one."""
    for name in (*NORM_ATTRIBUTES, "coefs_", "intercepts_", "params_", "n_layers_"):
        estimator.__dict__.pop(name, None)
    estimator.__dict__.update(network_attributes(estimator, plan, params))


def parameters_of(estimator: "FittedNetwork", dtype: str) -> Parameters:
    """Return the parameters in the attributes (users may have changed them)."""
    if estimator.network is not None:
        return map_leaves(lambda leaf: np.array(leaf, dtype), estimator.params_)
    return layers_of(vars(estimator), dtype)


def type_of(parameters: object) -> str:
    """Return what a network is computed in that has these arrays: float64 if all of them are."""
    types = {np.asarray(leaf).dtype for leaf in leaves(parameters)}
    return "float64" if types == {np.dtype(np.float64)} else "float32"


def unsaid_attributes(state: Mapping[str, object]) -> dict[str, object]:
    """Return what pickles of earlier releases do not say of a network: its engine and its type."""
    if "_network" not in state:
        return {}
    return {"engine_": OLDER, "_dtype": type_of(state.get("params_", state.get("coefs_")))}


def layers_of(attributes: Mapping[str, Sequence[np.ndarray]], dtype: str) -> Layers:
    """Return the parameters of dense layers that attributes have, by the attributes' names."""

    def of_layer(name: str, i: int) -> np.ndarray | None:
        values = attributes.get(name, ())
        return np.array(values[i], dtype) if i < len(values) else None

    layers = []
    for i, (kernel, bias) in enumerate(
        zip(attributes["coefs_"], attributes["intercepts_"], strict=True)
    ):
        scale, shift, mean, variance = (of_layer(name, i) for name in NORM_ATTRIBUTES)
        moments = None if mean is None else Moments(mean, variance)
        layers.append(Dense(np.array(kernel, dtype), np.array(bias, dtype), scale, shift, moments))
    return tuple(layers)
