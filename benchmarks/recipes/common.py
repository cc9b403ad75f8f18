"""What the recipes share: the target, the arguments, the loop over epochs, the one-cycle rate."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

TARGET = 0.9828
SIZES = (784, 300, 100, 10)
BATCH_SIZE = 256
# The one-cycle recipe: AdamW, the weight decay on matrices only.
EPOCHS = 4
SMOOTHING = 0.05
PEAK_RATE = 6e-3
BETA_2 = 0.99
WEIGHT_DECAY = 0.1


def arguments() -> tuple[Path, int]:
    """The data folder and the seed."""
    return Path(sys.argv[1]), int(sys.argv[2])


def train(epoch: Callable[[int], None], accuracy: Callable[[], float], n_epochs: int) -> None:
    """Train epoch by epoch, stop as soon as the target is reached, print the result."""
    reached = 0.0
    for done in range(n_epochs):
        epoch(done)
        reached = accuracy()
        if reached >= TARGET:
            break
    print(json.dumps({"epochs": done + 1, "test_accuracy": reached}))


def one_cycle(step: int, n_steps: int) -> float:
    """Learning rate: cosine from peak/10 up to the peak at 20 %, then down to peak/1000."""
    top = 0.2 * n_steps
    if step < top:
        start, part = 0.1, step / top
    else:
        start, part = 0.001, 1 - (step - top) / (n_steps - top)
    return PEAK_RATE * (start + (1 - start) * (1 - math.cos(math.pi * part)) / 2)
