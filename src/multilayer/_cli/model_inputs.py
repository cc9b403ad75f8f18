"""From DATA to the rows that a model predicts: the columns it was trained on, in their order."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from multilayer._cli import archives, labels, sources, tables
from multilayer._cli.models import LoadedModel
from multilayer._core.errors import DataError
from multilayer._core.wording import listed
from multilayer.datasets import load_mnist

if TYPE_CHECKING:
    from pandas import DataFrame

Features: TypeAlias = "np.ndarray | DataFrame"
"""Rows ``(rows, features)``: an array, or a table where names are looked for."""


class ModelRows(NamedTuple):
    """Rows for a model."""

    X: Features
    y: np.ndarray | None  # (rows,), where labels were asked for
    what: str  # for people: "the 10,000 test images of mnist"
    seen: bool  # whether the model was trained on some of them, as far as the names show


def rows_for(
    model: LoadedModel, data: str, *, labelled: bool, target: str | None, drop: list[str]
) -> ModelRows:
    """Read DATA for a model, with labels or without."""
    path = sources.find_source(data)
    if path is None:
        sources.refuse_options("mnist has no columns", target=target, drop=drop)
        rows = _mnist(model)
    elif path.suffix.lower() == ".npz":
        sources.refuse_options("NPZ files have no columns", target=target, drop=drop)
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
