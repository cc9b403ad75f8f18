"""Strict JAX for every test: a broadcast between ranks must be written out."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
