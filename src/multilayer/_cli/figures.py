"""Figures of predictions: accuracy and what is taken for what. Numbers only, no output."""

from dataclasses import dataclass

import numpy as np

from multilayer._cli.model_inputs import Features, matched_by_name, network_inputs
from multilayer._cli.models import Label, LoadedModel

MOST_CONFUSIONS = 5


@dataclass(frozen=True)
class Confusion:
    """A class that is not always recognised."""

    label: Label
    rows: int
    recall: float
    taken_for: Label  # what its rows are most often mistaken for
    times: int


@dataclass(frozen=True)
class Evaluation:
    """How a model does on labelled rows."""

    rows: int
    accuracy: float
    average_loss: float
    confusions: list[Confusion]  # of the worst classes, worst first


def evaluate(model: LoadedModel, X: Features, y: np.ndarray) -> Evaluation:
    """Predict labelled rows and compare."""
    with matched_by_name():
        inputs = network_inputs(model, X)
        figures = model.network.evaluate(inputs, y)
        predicted = model.network.predict(inputs)
    return Evaluation(
        rows=len(y),
        accuracy=figures["accuracy"],
        average_loss=figures["average_loss"],
        confusions=confusions(y, predicted),
    )


def errors(model: LoadedModel, X: Features, y: np.ndarray) -> dict[str, float]:
    """Predict rows of known numbers and compare."""
    with matched_by_name():
        return model.network.evaluate(network_inputs(model, X), y)


def confusions(y: np.ndarray, predicted: np.ndarray) -> list[Confusion]:
    """Return the classes of lowest recall, those without a mistake left out."""
    found = []
    for label in np.unique(y):
        guesses = predicted[y == label]
        wrong = guesses[guesses != label]
        if len(wrong):
            others, times = np.unique(wrong, return_counts=True)
            most = int(np.argmax(times))
            found.append(
                Confusion(
                    label=label.item(),
                    rows=len(guesses),
                    recall=1 - len(wrong) / len(guesses),
                    taken_for=np.asarray(others)[most : most + 1].tolist()[0],
                    times=int(times[most]),
                )
            )
    return sorted(found, key=lambda confusion: confusion.recall)[:MOST_CONFUSIONS]
