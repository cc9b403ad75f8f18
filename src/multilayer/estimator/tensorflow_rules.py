"""Update rules of TensorFlow 1 that are neither the engine's nor Optax's; importing starts JAX."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from multilayer._core.types import Array


def rmsprop(learning_rate: Array) -> optax.GradientTransformation:
    """RMSProp whose mean square starts at 1 (Hinton's lecture 6e leaves the start open)."""
    return optax.chain(
        optax.scale_by_rms(decay=0.9, eps=1e-10, initial_scale=1.0),
        optax.scale_by_learning_rate(learning_rate),
    )


class FtrlState(NamedTuple):
    """Sums over the steps."""

    squares: optax.Updates  # of squared gradients, from 0.1
    linear: optax.Updates  # z of the paper


def ftrl(learning_rate: Array) -> optax.GradientTransformation:
    """FTRL-Proximal without penalties (McMahan et al., 2013, algorithm 1 with beta 0).

    The weights are a function of the sums: what remains of the first weights is what the first
    gradient leaves of them.
    """

    def init(params: optax.Params) -> FtrlState:
        return FtrlState(
            jax.tree.map(lambda w: jnp.full_like(w, 0.1), params),
            jax.tree.map(jnp.zeros_like, params),
        )

    def update(
        gradient: optax.Updates, state: FtrlState, params: optax.Params
    ) -> tuple[optax.Updates, FtrlState]:
        squares = jax.tree.map(lambda n, g: n + jnp.square(g), state.squares, gradient)
        linear = jax.tree.map(
            lambda z, g, n, m, w: z + g - (jnp.sqrt(m) - jnp.sqrt(n)) / learning_rate * w,
            state.linear,
            gradient,
            state.squares,
            squares,
            params,
        )
        steps = jax.tree.map(
            lambda z, m, w: -z * learning_rate / jnp.sqrt(m) - w, linear, squares, params
        )
        return steps, FtrlState(squares, linear)

    return optax.GradientTransformation(init, update)
