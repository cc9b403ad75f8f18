"""Model files, and rows for them, as the commands read them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from multilayer._cli import archives, labels, tables
from multilayer._core.checks import listed
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._persist.manifest import Facts
from multilayer._sklearn.saving.models import read, write
from multilayer.datasets import load_mnist

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline


# Models on the command line: read from a file, with its facts about their data -------------------


Label: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class LoadedModel:
    """A fitted model with its description."""

    path: Path
    estimator: "BaseEstimator"  # of multilayer, or a pipeline or other composition around one
    facts: Facts  # of the training data, as `multilayer train` wrote them

    @property
    def network(self) -> "BaseEstimator":
        """The last step: an MLPClassifier or MLPRegressor, if `multilayer train` wrote it."""
        return self.estimator[-1] if self.scaler is not None else self.estimator

    @property
    def classes(self) -> list[Label] | None:
        """Its classes, None where it predicts numbers."""
        classes = getattr(self.network, "classes_", None)
        return classes.tolist() if isinstance(classes, np.ndarray) else classes

    @property
    def scaler(self) -> "Pipeline | None":
        """The steps before the network, or None."""
        return self.estimator[:-1] if hasattr(self.estimator, "steps") else None

    @property
    def features(self) -> list[str] | None:
        """Names of its input columns, where they are known."""
        names = self.facts.get("features")
        if names is None:
            names = getattr(self.estimator, "feature_names_in_", None)
        return None if names is None else list(names)

    @property
    def takes_frames(self) -> bool:
        """Whether it finds its columns by name, in tables that may have text in them."""
        parts = ("steps", "regressor_", "encoder_")
        composed = any(hasattr(self.estimator, part) for part in parts)
        named = hasattr(self.estimator, "feature_names_in_")
        return composed and named and self.facts.get("features") is None

    @property
    def n_features(self) -> int:
        """Number of columns it takes."""
        return int(self.estimator.n_features_in_)


def require_method(model: LoadedModel, name: str, command: str) -> None:
    """Refuse a model that cannot do what a command needs."""
    if not hasattr(model.network, name):
        raise InvalidArgumentError(
            f"MODEL must end in an MLPClassifier or MLPRegressor for {command}, got {model.path}, "
            f"which ends in a {type(model.network).__name__}. Use multilayer predict."
        )


def require_one_output(model: LoadedModel, command: str) -> None:
    """Refuse a model with several columns of classes."""
    classes = getattr(model.network, "classes_", None)
    if isinstance(classes, list):
        raise InvalidArgumentError(
            f"MODEL must predict one column for {command}, got {model.path}, which predicts "
            f"{len(classes)}. Measure it in Python."
        )


def load_model(path: Path) -> LoadedModel:
    """Read a model file."""
    loaded = LoadedModel(path, *read(path))
    if not hasattr(loaded.estimator, "predict"):
        kind = type(loaded.estimator).__name__
        raise InvalidArgumentError(
            f"MODEL must be one that predicts, got {path}, which is a {kind}. Save the model that "
            "it is a step of."
        )
    return loaded


def save_model(path: Path, estimator: "BaseEstimator", facts: Facts) -> None:
    """Write a model file."""
    write(estimator, path, facts)


# From DATA to the rows that a model predicts: the columns it was trained on, in their order ------


Features: TypeAlias = "np.ndarray | DataFrame"
"""Rows ``(rows, features)``: an array, or a table where names are looked for."""


class ModelRows(NamedTuple):
    """Rows for a model."""

    X: Features
    y: np.ndarray | None  # (rows,), where labels were requested
    what: str  # for people: "the 10,000 test images of mnist"
    seen: bool  # whether the model was trained on some of them, as far as the names show


def rows_for(
    model: LoadedModel, data: str, *, labelled: bool, target: str | None, drop: list[str]
) -> ModelRows:
    """Read DATA for a model, with labels or without."""
    path = tables.find_source(data)
    if path is None:
        tables.refuse_options("mnist has no columns", target=target, drop=drop)
        rows = _mnist(model)
    elif path.suffix.lower() == ".npz":
        tables.refuse_options("NPZ files have no columns", target=target, drop=drop)
        rows = _from_archive(model, path, labelled=labelled)
    else:
        rows = _from_table(model, path, labelled=labelled, target=target, drop=drop)
    if rows.X.shape[1] != model.n_features:
        raise DataError(
            f"{data} must have the {model.n_features:,} columns that {model.path} was trained on, "
            f"got {rows.X.shape[1]:,}."
        )
    if labelled and rows.y is not None and model.classes is not None:
        labels.require_known(rows.y, model.network.classes_, f"the labels of {data}")
    return rows


def network_inputs(model: LoadedModel, X: Features) -> Features:
    """Return rows as the network takes them, after the steps before it."""
    if model.scaler is None:
        return X
    try:
        return model.scaler.transform(X)
    except (TypeError, ValueError) as error:
        raise DataError(f"{model.path} cannot take these rows: {error}") from error


@contextmanager
def matched_by_name() -> Iterator[None]:
    """Silence scikit-learn about arrays without names: the columns were matched by name here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield


def _mnist(model: LoadedModel) -> ModelRows:
    digits = load_mnist(scale=False)
    X = digits.X_test
    if (
        getattr(model.network, "input_scale", None) is None
    ):  # trained on pixels in [0, 1], as load_mnist() has them
        X = X.astype(np.float32) / np.float32(255)
    return ModelRows(X, digits.y_test, "the 10,000 test images of mnist", seen=False)


def _from_archive(model: LoadedModel, path: Path, *, labelled: bool) -> ModelRows:
    archive = archives.read_archive(path)
    for name, what in (("test", f"the test rows of {path}"), ("all", f"{path}")):
        if name in archive.parts and (archive.parts[name][1] is not None or not labelled):
            X, y = archive.parts[name]
            seen = name == "all" and model.facts.get("source") == path.name
            return ModelRows(X, y, what, seen)
    needed = "X_test and y_test, or X and y" if labelled else "X_test or X"
    raise archive.lacks(needed)


def _from_table(
    model: LoadedModel, path: Path, *, labelled: bool, target: str | None, drop: list[str]
) -> ModelRows:
    known_target = target or model.facts.get("target")
    label = known_target if labelled and model.classes is not None else None
    table = tables.read_table(path, label)
    if labelled:
        known_target = tables.require_target(table, known_target)
    for name in drop:
        tables.require_column(table, name, "--drop")
    ignored = {known_target, *drop, *model.facts.get("dropped", [])}
    there = [name for name in table.columns if name not in ignored]
    names = there if model.features is None else _matched(model, table, there)
    y = None
    if labelled:
        if model.classes is None:
            y = tables.features(table, [str(known_target)])[:, 0]
        else:
            y = labels.table_labels(table, str(known_target), classes=model.network.classes_)
    seen = model.facts.get("source") == path.name
    X = table.frame[names] if model.takes_frames else tables.features(table, names)
    return ModelRows(X, y, str(path), seen)


def _matched(model: LoadedModel, table: tables.Table, there: list[str]) -> list[str]:
    """Return the model's columns, each of which the table must have, and no others."""
    assert model.features is not None
    missing = [name for name in model.features if name not in there]
    extra = [name for name in there if name not in model.features]
    if missing:
        close = get_close_matches(missing[0], extra, n=1)
        hint = f" Is {missing[0]!r} what is called {close[0]!r} here?" if close else ""
        raise DataError(
            f"{table.path} lacks columns that {model.path} was trained on: {listed(missing)}.{hint}"
        )
    if extra:
        raise DataError(
            f"{table.path} has columns that {model.path} was not trained on: {listed(extra)}. "
            f"Leave them out: {tables.drops(extra)}"
        )
    return model.features


# Figures of predictions: accuracy and what is taken for what. Numbers only, no output ------------


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
