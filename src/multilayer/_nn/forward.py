"""Dense layers forward: products, normalisation, disturbances."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._core.activation_functions import function_of
from multilayer._core.types import Array
from multilayer._nn.model import (
    EPSILON,
    Disturbance,
    Moments,
    Parameters,
    is_constant,
    is_fixed,
)

if TYPE_CHECKING:
    from multilayer._nn.network import Dense, Layers, Network


# Matrix products in the requested precision ------------------------------------------------------


@jax.custom_vjp
def bfloat16_product(x: Array, kernel: Array) -> Array:
    """Return ``x @ kernel`` from operands rounded to bfloat16, summed in float32.

    The gradient's two products round their operands in the same way; left to JAX, they would mix
    bfloat16 with float32 operands and gain nothing.
    """
    return _forward(x, kernel)[0]


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    x, kernel = x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
    return lax.dot(x, kernel, preferred_element_type=jnp.float32), (x, kernel)


def _backward(operands: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = operands  # (rows, fan_in), (fan_in, fan_out)
    gradient = gradient.astype(jnp.bfloat16)  # (rows, fan_out)

    def product(a: Array, b: Array, axis: int) -> Array:
        contract = (((axis,), (axis,)), ((), ()))
        return lax.dot_general(a, b, contract, preferred_element_type=jnp.float32)

    return product(gradient, kernel, 1), product(x, gradient, 0)


bfloat16_product.defvjp(_forward, _backward)


def product(x: Array, kernel: Array, precision: str) -> Array:
    """Return ``x @ kernel``; "bfloat16" is the only precision that is not the operands' own."""
    return bfloat16_product(x, kernel) if precision == "bfloat16" else x @ kernel


# Normalisation of a layer's sums before its activation -------------------------------------------


MOMENTUM = 0.9  # share of the old running moments after a step


def weighted_moments(z: Array, weight: Array) -> Moments:
    """Moments over the rows of a batch, ``(rows, units)``, each row counted by its weight.

    So a padded row or one without weight changes nothing, and a row of weight 2 is two rows.
    """
    total = jnp.sum(weight)
    share = (weight / jnp.where(total > 0, total, 1.0))[:, None]
    mean = jnp.sum(share * z, axis=0)
    return Moments(mean, jnp.sum(share * jnp.square(z - mean[None, :]), axis=0))


def normalize(z: Array, moments: Moments, scale: Array, shift: Array) -> Array:
    """Batch normalisation (Ioffe and Szegedy, 2015): by the moments of each unit over rows."""
    factor = scale * lax.rsqrt(moments.variance + EPSILON)
    return (z - moments.mean[None, :]) * factor[None, :] + shift[None, :]


def layer_normalize(z: Array, scale: Array, shift: Array) -> Array:
    """Layer normalisation (Ba et al., 2016): by the moments of each row over its units."""
    mean = jnp.mean(z, axis=1, keepdims=True)
    variance = jnp.mean(jnp.square(z - mean), axis=1, keepdims=True)
    return (z - mean) * lax.rsqrt(variance + EPSILON) * scale[None, :] + shift[None, :]


def follow(running: Moments, batch: Moments, present: Array) -> Moments:
    """Running moments after a batch; a batch without weight (``present`` false) changes nothing."""
    keep = jnp.where(present, MOMENTUM, 1.0).astype(running.mean.dtype)
    return Moments(
        *(keep * old + (1.0 - keep) * new for old, new in zip(running, batch, strict=True))
    )


def keep_fixed(new: Parameters, old: Parameters) -> Parameters:
    """Return parameters with the running moments of others, and what else is no weight.

    With their gradient of 0 an update rule may still change them (decay).
    """
    return jax.tree.map(lambda n, o: o if is_fixed(o) else n, new, old, is_leaf=is_fixed)


def with_fixed(learnt: Parameters, params: Parameters) -> Parameters:
    """Return what :func:`without_fixed` left of a tree, with the rest of another."""
    return jax.tree.map(
        lambda old, new: old if is_constant(old) else new, params, learnt, is_leaf=is_constant
    )


# The forward pass of a network of dense layers, in training and at prediction --------------------


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
