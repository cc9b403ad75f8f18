"""What a report says of a model, its training, and the columns of the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._cli import info, report
from multilayer._cli.model_inputs import LoadedModel, ModelRows
from multilayer._sklearn.ensemble_members import WeightedEnsemble
from multilayer._sklearn.saving.parser import read_parsed
from multilayer._sklearn.tabular.ensemble import ReferenceReport, TabularReport
from multilayer._sklearn.tabular.tabular_base import BaseTabular

if TYPE_CHECKING:
    from pandas import Series

MOST_COLUMNS = 60  # described one by one
MOST_LEVELS = 3  # of a column of categories, shown


# Columns -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ColumnFacts:
    """A column of the rows."""

    name: str
    role: str  # "" where the model knows none
    missing: int
    content: str


@dataclass(frozen=True)
class DataFacts:
    """The rows, without their target."""

    n_rows: int
    n_columns: int
    n_missing: int  # cells
    columns: list[ColumnFacts]  # the first ones of many


def data_facts(model: LoadedModel, rows: ModelRows) -> DataFacts:
    """Return what the columns contain."""
    X: Any = rows.X
    encoder = model.encoder
    roles = {} if encoder is None else {str(k): role for k, role in encoder.feature_roles_.items()}
    dropped = {} if encoder is None else {str(k): why for k, why in encoder.dropped_.items()}
    found = []
    for place, name in enumerate(names_of(model, X)[:MOST_COLUMNS]):
        values = X.iloc[:, place] if hasattr(X, "iloc") else X[:, place]
        missing, content = content_of(values)
        role = f"dropped: {dropped[name]}" if name in dropped else roles.get(name, "")
        found.append(ColumnFacts(name, role, missing, content))
    gaps = X.isna().to_numpy() if hasattr(X, "isna") else np.isnan(X)
    return DataFacts(len(X), X.shape[1], int(gaps.sum()), found)


def names_of(model: LoadedModel, X: Any) -> list[str]:
    """Return the names of the columns."""
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    return model.features or [f"x{place}" for place in range(X.shape[1])]


def content_of(values: "Series | np.ndarray") -> tuple[int, str]:
    """Return how many values are missing, and what the others are."""
    if isinstance(values, np.ndarray):
        gaps = np.isnan(values)
        known: Any = values[~gaps]
    else:
        gaps = values.isna().to_numpy()
        known = values[~gaps]
    missing = int(gaps.sum())
    if not len(known):
        return missing, "nothing"
    if known.dtype.kind in "iuf":
        numbers = np.asarray(known, float)
        low, middle, high = (report.number(value) for value in np.quantile(numbers, [0, 0.5, 1]))
        return missing, f"{low} to {high}, median {middle}" if low != high else f"always {low}"
    if known.dtype.kind in "Mm":
        return missing, f"{known.min()} to {known.max()}"
    counts = known.astype(str).value_counts()  # pandas: an array has numbers alone
    shown = ", ".join(f"{name} ({number:,})" for name, number in counts[:MOST_LEVELS].items())
    more = ", ..." if len(counts) > MOST_LEVELS else ""
    return missing, f"{len(counts):,} different: {shown}{more}"


# Training ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainingFacts:
    """The curves of training."""

    history: Mapping[str, np.ndarray]  # without a row, or a column, where the model has none
    chosen: Sequence[int]  # epochs, from 0
    out_of_fold: bool  # whether validation is that of folds

    @property
    def n_epochs(self) -> int:
        """Number of epochs."""
        return len(self.history.get("loss", ()))


def training_facts(model: LoadedModel) -> TrainingFacts:
    """Return the curves of a model; the members of a weighted ensemble have their own."""
    network: Any = model.network
    if isinstance(network, WeightedEnsemble):
        return TrainingFacts({}, [], False)
    folds = isinstance(getattr(network, "report_", None), TabularReport)
    return TrainingFacts(network.history_, network._chosen_epochs, folds)


# The model ---------------------------------------------------------------------------------------


def about_model(model: LoadedModel) -> dict[str, str]:
    """Return what is known of a model, in words."""
    known = info.facts_in_words(info.described(read_parsed(model.path)))
    for name in ("features", "roles", "target"):
        known.pop(name, None)
    network: Any = model.network
    if isinstance(network, BaseTabular):
        known |= _about_ensemble(network.report_, classes=model.classes is not None)
    if not isinstance(network, WeightedEnsemble):
        known["stop reason"] = network.stop_reason_
    return known


def _about_ensemble(found: TabularReport | ReferenceReport, *, classes: bool) -> dict[str, str]:
    """Return what the fit of an ensemble did, in words."""
    known = {"rows in training": f"{found.n_rows:,}"}
    if isinstance(found, ReferenceReport):
        networks = f"{found.n_members} networks" if found.n_members > 1 else "one network"
        return known | {"ensemble": networks, "rows set aside": f"{found.n_validation_rows:,}"}
    views = zip(found.views, found.view_weights, found.best_epochs, strict=True)
    known["ensemble"] = f"{found.n_members} networks over {found.n_folds} folds"
    known["views"] = "; ".join(
        f"{view}: weight {weight:.2f}, networks of epoch {epoch + 1}"
        for view, weight, epoch in views
    )
    if classes:
        known["temperature"] = f"{found.temperature:.3f}"
    return known
