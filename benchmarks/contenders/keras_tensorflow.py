"""Keras 3 on TensorFlow."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from contenders.keras_fit import prepare

__all__ = ["prepare"]
