"""A network's parameters as an estimator's attributes, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from multilayer._nn.model import Parameters
from multilayer._nn.moments import Moments
from multilayer._nn.network import Dense, Layers

NORM_ATTRIBUTES = ("norm_scales_", "norm_shifts_", "norm_means_", "norm_variances_")
"""Of normalised layers; the last two hold the running moments of batch normalisation."""


def parameter_attributes(estimator: Any, params: Parameters) -> dict[str, Any]:
    """Return parameters as attributes, copied: scikit-learn's, or one for a user's network."""
    if estimator.network is not None:
        import jax  # late: dense layers do without

        return {"params_": jax.tree.map(np.array, params)}
    attributes: dict[str, Any] = {
        "coefs_": [np.array(layer.kernel) for layer in params],
        "intercepts_": [np.array(layer.bias) for layer in params],
    }
    norms = [norm_of(layer) for layer in params[:-1]]
    for i, name in enumerate(NORM_ATTRIBUTES):
        if norms and norms[0][i] is not None:
            attributes[name] = [np.array(norm[i]) for norm in norms]
    return attributes


def norm_of(layer: Dense) -> tuple[Any, ...]:
    """What NORM_ATTRIBUTES hold of a layer, None where it has none."""
    return (layer.scale, layer.shift, *(layer.moments or (None, None)))


def parameters_of(estimator: Any, dtype: str) -> Parameters:
    """Return the parameters that the attributes hold (users may have changed them)."""
    if estimator.network is not None:
        import jax

        return jax.tree.map(lambda leaf: np.array(leaf, dtype), estimator.params_)

    return layers_of(vars(estimator), dtype)


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
