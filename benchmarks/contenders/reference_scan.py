"""The hand-written JAX loop of ``reference_scan.py``, with orders made on the host."""

from __future__ import annotations

import jax
import numpy as np
import reference_scan
from cases import Case

from contenders import Start, Train


def prepare(case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    x, labels = jax.device_put(X), jax.device_put(y.astype(np.int32))

    def start(seed: int) -> Train:
        rng = np.random.default_rng(seed)
        params = reference_scan.init_params(list(case.sizes), seed)
        state = (params, reference_scan.init_moments(case.solver, params))
        jax.block_until_ready(state)

        def train(epochs: int) -> int:
            nonlocal state
            for _ in range(epochs):
                order = rng.permutation(len(X)).astype(np.int32).reshape(-1, case.batch_size)
                state = reference_scan.epoch(
                    *state, x, labels, order, solver=case.solver, rate=case.rate
                )
            jax.block_until_ready(state)
            return epochs * case.steps

        return train

    return start
