"""Keras 3: AdamW under a one-cycle rate with label smoothing, the recipe of `common.py`."""

from __future__ import annotations

import keras
import numpy as np
from cases import read_data
from keras import ops

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


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """The one-cycle rate, read from a table of all steps."""

    def __init__(self, n_steps: int) -> None:
        self.rates = np.array([one_cycle(i, n_steps) for i in range(n_steps)], np.float32)

    def __call__(self, step):
        index = ops.minimum(ops.cast(step, "int32"), len(self.rates) - 1)
        return ops.take(ops.convert_to_tensor(self.rates), index)


def build(n_steps: int) -> keras.Model:
    """Make and compile the network."""
    dense = [keras.layers.Dense(size, activation="relu") for size in SIZES[1:-1]]
    model = keras.Sequential([keras.Input((SIZES[0],)), *dense, keras.layers.Dense(SIZES[-1])])
    rate = OneCycle(n_steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, beta_2=BETA_2)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTHING)
    model.compile(optimizer, loss, steps_per_execution=10)
    return model


def main() -> None:
    folder, seed = arguments()
    keras.utils.set_random_seed(seed)
    X, y = read_data(folder, "mnist")
    X_test, y_test = read_data(folder, "mnist_test")
    targets = np.eye(10, dtype=np.float32)[y]
    model = build(EPOCHS * -(-len(X) // BATCH_SIZE))

    def epoch(done: int) -> None:
        model.fit(X, targets, BATCH_SIZE, initial_epoch=done, epochs=done + 1, verbose=0)

    def accuracy() -> float:
        logits = model.predict(X_test, batch_size=10_000, verbose=0)
        return float((logits.argmax(1) == y_test).mean())

    train(epoch, accuracy, EPOCHS)


if __name__ == "__main__":
    main()
