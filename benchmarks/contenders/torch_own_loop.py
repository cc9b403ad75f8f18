"""The loop of ``own_loop.py`` in PyTorch: the same batches of NumPy arrays."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from cases import Case
from torch.nn.functional import cross_entropy

from contenders import Start, Train
from contenders.torch_loop import build
from multilayer._data.order import shuffle_batch


def prepare_with(threads: int, case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    """Train on ``threads`` threads."""
    torch.set_num_threads(threads)
    solver = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[case.solver]
    batches = partial(shuffle_batch, X, y, case.batch_size)

    def start(seed: int) -> Train:
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network = build(case.sizes)
        optimizer = solver(network.parameters(), lr=case.rate, fused=True)

        def train(epochs: int) -> int:
            steps = 0
            for _ in range(epochs):
                for X_batch, y_batch in batches(rng):
                    optimizer.zero_grad()
                    logits = network(torch.from_numpy(X_batch))
                    cross_entropy(logits, torch.from_numpy(y_batch)).backward()
                    optimizer.step()
                    steps += 1
            return steps

        return train

    return start
