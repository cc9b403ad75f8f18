"""Keras 3 on JAX."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

from contenders.keras_fit import prepare

__all__ = ["prepare"]
