"""PyTorch's usual eager loop: resident tensors, a permutation per epoch, fused optimizers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from cases import Case
from torch import nn
from torch.nn.functional import cross_entropy

from contenders import Start, Train


def build(sizes: tuple[int, ...]) -> nn.Sequential:
    """A ReLU network that returns logits."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def prepare_with(threads: int, case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    """Train on ``threads`` threads."""
    torch.set_num_threads(threads)
    x, labels = torch.from_numpy(X), torch.from_numpy(y)
    solver = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[case.solver]

    def start(seed: int) -> Train:
        torch.manual_seed(seed)
        network = build(case.sizes)
        optimizer = solver(network.parameters(), lr=case.rate, fused=True)

        def train(epochs: int) -> int:
            for _ in range(epochs):
                for batch in torch.randperm(len(x)).split(case.batch_size):
                    optimizer.zero_grad()
                    logits = network(x.index_select(0, batch))
                    cross_entropy(logits, labels.index_select(0, batch)).backward()
                    optimizer.step()
            return epochs * case.steps

        return train

    return start
