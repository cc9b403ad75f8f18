"""A loop written by hand with ``multilayer.nn``, one Python call per batch."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import optax
from cases import Case

from contenders import Start, Train
from multilayer import nn


def prepare(case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    *hidden, n_classes = case.sizes[1:]
    layers = [layer for units in hidden for layer in (nn.dense(units), nn.relu)]
    network = nn.sequential(*layers, nn.dense(n_classes))
    solver = {"sgd": optax.sgd, "adam": optax.adam}[case.solver]
    step = nn.train_step(network, nn.sparse_softmax_cross_entropy, solver(case.rate))
    batches = partial(nn.shuffle_batch, X, y, case.batch_size)

    def start(seed: int) -> Train:
        rng = np.random.default_rng(seed)
        state = step.init(network.init(nn.key(seed), case.sizes[0]))

        def train(epochs: int) -> int:
            nonlocal state
            for _ in range(epochs):
                for X_batch, y_batch in batches(rng):
                    state, _ = step(state, X_batch, y_batch)
            jax.block_until_ready(state)
            return int(state.step)

        return train

    return start
