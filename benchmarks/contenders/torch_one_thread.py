"""PyTorch on one thread."""

from __future__ import annotations

from functools import partial

from contenders.torch_loop import prepare_with

prepare = partial(prepare_with, 1)
