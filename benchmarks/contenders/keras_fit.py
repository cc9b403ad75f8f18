"""Keras 3's ``Model.fit`` on the backend that ``KERAS_BACKEND`` names."""

from __future__ import annotations

import keras
import numpy as np
from cases import Case

from contenders import Start, Train

# Ten steps per call of the compiled function: somewhat faster than the default of one.
STEPS_PER_CALL = 10


def build(case: Case) -> keras.Model:
    """A compiled ReLU network that returns logits."""
    dense = [keras.layers.Dense(size, activation="relu") for size in case.sizes[1:-1]]
    model = keras.Sequential(
        [keras.Input((case.sizes[0],)), *dense, keras.layers.Dense(case.sizes[-1])]
    )
    solver = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[case.solver]
    model.compile(
        solver(case.rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=STEPS_PER_CALL,
    )
    model.optimizer.build(model.trainable_variables)
    return model


def prepare(case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    """One model for all rounds, set back before each: a new one would compile again."""
    model = build(case)
    variables = [*model.variables, *model.optimizer.variables]
    untrained = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]

    def start(seed: int) -> Train:
        keras.utils.set_random_seed(seed)
        for variable, value in zip(variables, untrained, strict=True):
            variable.assign(value)

        def train(epochs: int) -> int:
            model.fit(X, y, batch_size=case.batch_size, epochs=epochs, verbose=0)
            return epochs * case.steps

        return train

    return start
