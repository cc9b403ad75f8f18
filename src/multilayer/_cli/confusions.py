"""Which classes are recognised, and what the others are taken for. NumPy alone."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Label: TypeAlias = str | int | float | bool

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
class Recognition:
    """How many labelled rows were recognised."""

    rows: int
    accuracy: float
    confusions: list[Confusion]  # of the worst classes, worst first


def recognition(y: np.ndarray, predicted: np.ndarray) -> Recognition:
    """Compare labels with predictions ``(rows,)``."""
    return Recognition(len(y), float(np.mean(predicted == y)), confusions(y, predicted))


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
