"""The forward pass of a network of dense layers, in training and at prediction."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._core.activation_functions import function_of
from multilayer._core.types import Array
from multilayer._nn.model import Disturbance
from multilayer._nn.normalization import follow, layer_normalize, normalize, weighted_moments
from multilayer._nn.products import product

if TYPE_CHECKING:  # a network imports this module when it is applied, never the other way round
    from multilayer._nn.network import Dense, Layers, Network

# (number of the hidden layer, its parameters, z)
Normalise: TypeAlias = "Callable[[int, Dense, Array], Array]"
Disturb: TypeAlias = Callable[[int, Array], Array]  # (number of the hidden layer, its activations)


def apply(network: "Network", params: "Layers", x: Array) -> Array:
    """Return the outputs before the output activation (logits), shape ``(rows, outputs)``."""
    return affine(network, params[-1], apply_hidden(network, params, x)[-1])


def apply_in_training(
    network: "Network",
    params: "Layers",
    x: Array,
    weight: Array,
    disturbance: Disturbance,
    key: Array,
) -> "tuple[Array, Layers]":
    """Forward pass of a batch in training, and the parameters with running moments moved.

    ``weight`` are the rows' weights, shape ``(rows,)``; ``key`` is the source of what is
    random, None where nothing is. Frozen layers are normalised as at prediction.
    """
    present = jnp.sum(weight) > 0
    layers = list(params)

    def normalise(i: int, layer: "Dense", z: Array) -> Array:
        if layer.moments is None or i < network.n_frozen:
            return normalise_at_prediction(network, layer, z)
        met = weighted_moments(z, weight)
        layers[i] = layer._replace(moments=follow(layer.moments, met, present))
        return normalize(z, met, layer.scale, layer.shift)

    def disturb(i: int, a: Array) -> Array:
        a = drop(key, i, a, disturbance.dropout[i]) if network.dropout else a
        return lax.stop_gradient(a) if i < network.n_frozen else a

    x = disturb_inputs(network, x, disturbance, key)
    raw = affine(network, params[-1], hidden(network, params, x, normalise, disturb)[-1])
    return raw, tuple(layers)


def hidden(
    network: "Network", params: "Layers", x: Array, normalise: Normalise, disturb: Disturb
) -> list[Array]:
    """Return the activations of each hidden layer, the inputs in front: ``(rows, units)``."""
    values = [x]
    for i, layer in enumerate(params[:-1]):
        z = normalise(i, layer, affine(network, layer, values[-1]))
        a = disturb(i, function_of(network.activations[i])(z))
        values.append(values[-1] + a if network.skips(i) else a)
    return values


def affine(network: "Network", layer: "Dense", x: Array) -> Array:
    """Return ``x @ kernel + bias``."""
    return product(x, layer.kernel, network.precision) + layer.bias[None, :]


def apply_hidden(network: "Network", params: "Layers", x: Array) -> list[Array]:
    """Activations of each layer at prediction, the inputs in front."""

    def normalise(i: int, layer: "Dense", z: Array) -> Array:
        return normalise_at_prediction(network, layer, z)

    return hidden(network, params, x, normalise, lambda i, a: a)


def normalise_at_prediction(network: "Network", layer: "Dense", z: Array) -> Array:
    """Normalise a layer's sums by its running moments, or each row by itself, or not at all."""
    if layer.moments is not None:  # batch normalisation alone has some
        return normalize(z, layer.moments, layer.scale, layer.shift)
    return layer_normalize(z, layer.scale, layer.shift) if network.norm == "layer" else z


def disturb_inputs(network: "Network", x: Array, disturbance: Disturbance, key: Array) -> Array:
    """Drop inputs and add noise to them, where the network says so."""
    if network.input_dropout:
        x = drop(key, network.n_hidden, x, disturbance.input_dropout)
    if network.input_noise:
        noise = jax.random.normal(jax.random.fold_in(key, network.n_hidden + 1), x.shape, x.dtype)
        x = x + disturbance.input_noise * noise
    return x


def drop(key: Array, number: int, a: Array, rate: Array) -> Array:
    """Inverted dropout (Srivastava et al., 2014): each value is 0 with chance ``rate``.

    The other values are divided by ``1 - rate``, so that nothing is rescaled at prediction.
    """
    keep = 1.0 - rate
    kept = jax.random.uniform(jax.random.fold_in(key, number), a.shape, jnp.float32) < keep
    return jnp.where(kept, a / keep, 0.0)
