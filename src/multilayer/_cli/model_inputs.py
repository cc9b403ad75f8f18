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
from multilayer._cli.confusions import Label
from multilayer._cli.measures import (
    COVERAGE,
    ClassFigures,
    NumberFigures,
    class_figures,
    number_figures,
)
from multilayer._cli.settings import ColumnChoices
from multilayer._cli.table_files import Table, find_source, read_table
from multilayer._core.checks import listed
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._data.column_encodings import CategoricalEncoding
from multilayer._persist.manifest import Facts
from multilayer._sklearn.ensemble_members import WeightedEnsemble, network_of
from multilayer._sklearn.regressor import MLPRegressor
from multilayer._sklearn.saving.models import read, write
from multilayer._sklearn.tabular.encoder import TabularEncoder
from multilayer._sklearn.tabular.tabular_base import BaseTabular
from multilayer._sklearn.tabular.tabular_estimators import TabularRegressor
from multilayer._sklearn.targets.uncertainty import IntervalCalibration
from multilayer._sklearn.weighted_ensembles import targets_of
from multilayer.datasets import load_mnist

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline


# Models on the command line: read from a file, with its facts about their data -------------------


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
    def encoder(self) -> TabularEncoder | None:
        """What encodes the columns of raw tables, in a model of such."""
        reads = first_member(self.estimator)
        if isinstance(reads, BaseTabular):
            return reads.encoder_
        first = reads[0] if hasattr(reads, "steps") else None
        return first if isinstance(first, TabularEncoder) else None

    @property
    def unused(self) -> set[str]:
        """Columns that rows may have, and that make no difference."""
        return set() if self.encoder is None else set(map(str, self.encoder.dropped_))

    @property
    def text_columns(self) -> set[str]:
        """Columns of categories that are text, also where they look like numbers."""
        columns = () if self.encoder is None else self.encoder.columns_
        return {
            str(column.name)
            for column in columns
            if isinstance(column, CategoricalEncoding)
            and any(isinstance(level, str) for level in column.levels)
        }

    @property
    def takes_frames(self) -> bool:
        """Whether it finds its columns by name, in tables that may have text in them."""
        if self.encoder is not None:
            return True
        reads = first_member(self.estimator)
        composed = hasattr(reads, "steps") or hasattr(reads, "regressor_")
        named = hasattr(self.estimator, "feature_names_in_")
        return composed and named and self.facts.get("features") is None

    @property
    def n_features(self) -> int:
        """Number of columns it takes."""
        return int(self.estimator.n_features_in_)


def first_member(estimator: "BaseEstimator") -> "BaseEstimator":
    """Return the first model of a weighted ensemble, which reads the columns as all do."""
    return estimator.estimators_[0] if isinstance(estimator, WeightedEnsemble) else estimator


def require_method(model: LoadedModel, name: str, command: str) -> None:
    """Refuse a model that cannot do what a command needs."""
    averages = isinstance(model.network, WeightedEnsemble)
    if not hasattr(model.network, name) and model.encoder is None and not averages:
        raise InvalidArgumentError(
            f"MODEL must end in an MLPClassifier or MLPRegressor for {command}, got {model.path}, "
            f"which ends in a {type(model.network).__name__}. Use multilayer predict."
        )


def require_one_output(model: LoadedModel, command: str) -> None:
    """Refuse a model with several columns of classes or of numbers."""
    network = first_member(model.network)
    if isinstance(network_of(network), MLPRegressor | TabularRegressor):
        n_columns, _ = targets_of(network)
    else:
        classes = getattr(network, "classes_", None)
        n_columns = len(classes) if isinstance(classes, list) else 1
    if n_columns > 1:
        raise InvalidArgumentError(
            f"MODEL must predict one column for {command}, got {model.path}, which predicts "
            f"{n_columns}. Measure it in Python."
        )


def require_intervals(model: LoadedModel) -> None:
    """Refuse a model that has no intervals of numbers."""
    if model.classes is not None:
        raise InvalidArgumentError(
            f"--interval is for numbers, and {model.path} predicts classes. Use --proba."
        )
    if not has_intervals(model):
        raise InvalidArgumentError(
            f"MODEL must end in a TabularRegressor or MLPRegressor for --interval, got "
            f"{model.path}, which ends in a {type(model.network).__name__}."
        )
    if _n_interval_rows(model.network) == 0:
        raise InvalidArgumentError(
            f"MODEL must be calibrated for --interval, got {model.path}, which is not. In Python, "
            "fit it with calibration_fraction=0.1, or load it and call calibrate(X, y) with rows "
            "that it was not trained on; then save it."
        )


def has_intervals(model: LoadedModel) -> bool:
    """Whether it has intervals of numbers, at least once it is calibrated."""
    return hasattr(model.network, "predict_interval")


def _n_interval_rows(network: "BaseEstimator") -> float:
    """Return how many rows the intervals of a regressor rest on, 0 where it has none."""
    match network:
        case TabularRegressor(_errors=errors):
            return len(errors)
        case MLPRegressor(_calibration=IntervalCalibration() as calibration):
            return calibration.n_alike
    return 0


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
    ids: "DataFrame | None" = None  # columns that name the rows


def rows_for(model: LoadedModel, data: str, columns: ColumnChoices, *, labelled: bool) -> ModelRows:
    """Read DATA for a model, with labels or without."""
    path = find_source(data)
    named = {"target": columns.target, "drop": columns.drop, "id": columns.ids}
    if path is None:
        tables.refuse_options("mnist has no columns", **named)
        rows = _mnist(model)
    elif path.suffix.lower() == ".npz":
        tables.refuse_options("NPZ files have no columns", **named)
        rows = _from_archive(model, path, labelled=labelled)
    else:
        rows = _from_table(model, path, columns, labelled=labelled)
    if model.encoder is None and rows.X.shape[1] != model.n_features:
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
    model: LoadedModel, path: Path, columns: ColumnChoices, *, labelled: bool
) -> ModelRows:
    target = columns.target or model.facts.get("target")
    label = target if labelled and model.classes is not None else None
    table = read_table(path, label, columns.form, model.text_columns)
    if labelled:
        target = tables.require_target(table, target)
    for option, names in (("--drop", columns.drop), ("--id", columns.ids)):
        for name in names:
            tables.require_column(table, name, option)
    known_ids = model.facts.get("ids", [])
    ignored = {target, *columns.drop, *columns.ids, *known_ids, *model.facts.get("dropped", [])}
    there = [name for name in table.columns if name not in ignored]
    names = there if model.features is None else _matched(model, table, there)
    y = None
    if labelled:
        if model.classes is None:
            y = tables.features(table, [str(target)])[:, 0]
        else:
            y = labels.table_labels(table, str(target), classes=model.network.classes_)
    seen = model.facts.get("source") == path.name
    X = table.frame[names] if model.takes_frames else tables.features(table, names)
    ids = None if labelled else _ids(table, columns.ids, known_ids)
    return ModelRows(X, y, str(path), seen, ids)


def _ids(table: Table, given: list[str], known: list[str]) -> "DataFrame | None":
    """Return the columns that name the rows: those of an option, or of training."""
    names = given or [name for name in known if name in table.columns]
    missing = [name for name in known if name not in table.columns]
    if missing and not given:
        warnings.warn(
            f"{table.path} lacks {listed(missing)}, which named the rows in training: predictions "
            "are in the order of the rows.",
            UserWarning,
            stacklevel=2,
        )
    return table.frame[names] if names else None


def _matched(model: LoadedModel, table: Table, there: list[str]) -> list[str]:
    """Return the model's columns, each of which the table must have, and no others."""
    assert model.features is not None
    missing = [name for name in model.features if name not in {*there, *model.unused}]
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
    return [name for name in model.features if name in there]


# Predictions, and their figures ------------------------------------------------------------------


def predictions(model: LoadedModel, X: Features) -> np.ndarray:
    """Return what a model predicts for rows."""
    with matched_by_name():
        return model.network.predict(network_inputs(model, X))


def probabilities(model: LoadedModel, X: Features) -> np.ndarray | None:
    """Return the probabilities of the classes ``(rows, classes)``, None where there are none."""
    if not hasattr(model.network, "predict_proba"):
        return None
    with matched_by_name():
        return model.network.predict_proba(network_inputs(model, X))


def intervals(model: LoadedModel, X: Features, coverage: float) -> np.ndarray | None:
    """Return the intervals of numbers ``(rows, 2)``, None where the model has no such ones."""
    n_rows = _n_interval_rows(model.network)
    if (n_rows + 1) * coverage > n_rows:
        return None
    with matched_by_name():
        return model.network.predict_interval(network_inputs(model, X), coverage)


def measured(model: LoadedModel, X: Features, y: np.ndarray) -> ClassFigures | NumberFigures:
    """Predict labelled rows and compare."""
    predicted = predictions(model, X)
    if model.classes is None:
        return number_figures(y, predicted, intervals(model, X, COVERAGE))
    return class_figures(y, predicted, model.classes, probabilities(model, X))
