"""PyTorch eager: AdamW under a one-cycle rate with label smoothing, the recipe of `common.py`."""

from __future__ import annotations

import torch
from cases import read_data
from contenders.torch_loop import build
from torch.nn.functional import cross_entropy

from recipes.common import (
    BATCH_SIZE,
    BETA_2,
    EPOCHS,
    SIZES,
    SMOOTHING,
    WEIGHT_DECAY,
    arguments,
    one_cycle,
    train,
)


def main() -> None:
    folder, seed = arguments()
    torch.manual_seed(seed)
    x, y = (torch.from_numpy(part) for part in read_data(folder, "mnist"))
    x_test, y_test = (torch.from_numpy(part) for part in read_data(folder, "mnist_test"))
    network = build(SIZES)
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in network.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, BETA_2), fused=True)
    steps = len(x) // BATCH_SIZE

    def epoch(done: int) -> None:
        order = torch.randperm(len(x))[: steps * BATCH_SIZE]
        for i, batch in enumerate(order.split(BATCH_SIZE)):
            for group in optimizer.param_groups:
                group["lr"] = one_cycle(done * steps + i, EPOCHS * steps)
            optimizer.zero_grad()
            logits = network(x.index_select(0, batch))
            target = y.index_select(0, batch)
            cross_entropy(logits, target, label_smoothing=SMOOTHING).backward()
            optimizer.step()

    @torch.inference_mode()
    def accuracy() -> float:
        return (network(x_test).argmax(1) == y_test).float().mean().item()

    train(epoch, accuracy, EPOCHS)


if __name__ == "__main__":
    main()
