"""From DATA to the rows that a network trains on, is validated on and is tested on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilayer._cli import archives, labels, tables
from multilayer._cli.settings import MNIST, Choices
from multilayer._cli.table_files import find_source, read_table
from multilayer._cli.tables import refuse_index, warn_of_index
from multilayer._core.checks import count, listed, refuse
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._persist.manifest import Facts
from multilayer.datasets._mnist import read_digits

if TYPE_CHECKING:  # what starts scikit-learn
    from multilayer._cli.model_inputs import Features

VALIDATION_FRACTION = 0.15
RESERVED = "has its own validation and test images"


class Part(NamedTuple):
    """Rows with their labels."""

    X: "Features"
    y: np.ndarray  # (rows,)


@dataclass(frozen=True)
class TrainingData:
    """Everything a training run needs to know of its data."""

    source: str
    train: Part
    valid: Part | None
    test: Part | None
    input_scale: float | None = None
    facts: Facts = field(default_factory=Facts)  # for the model file

    @property
    def is_mnist(self) -> bool:
        """Whether these are the embedded digits."""
        return self.source == MNIST


def training_data(choices: Choices) -> TrainingData:
    """Read DATA and set rows aside."""
    path = find_source(choices.data)
    if path is None:
        return _mnist(choices)
    if path.suffix.lower() == ".npz":
        return _from_archive(path, choices)
    return _from_table(path, choices)


def _mnist(choices: Choices) -> TrainingData:
    _refuse_columns("mnist has no columns", choices)
    tables.refuse_options(
        f"mnist {RESERVED}",
        validation_fraction=choices.validation_fraction,
        test_fraction=choices.test_fraction,
    )
    digits = read_digits(scale=False, flatten=True)
    return TrainingData(
        source=MNIST,
        train=Part(digits.X_train, digits.y_train),
        valid=Part(digits.X_valid, digits.y_valid),
        test=Part(digits.X_test, digits.y_test),
        input_scale=tables.MNIST_SCALE,
        facts={"source": MNIST},
    )


def _refuse_columns(why: str, choices: Choices) -> None:
    named = {"target": choices.target, "drop": choices.drop, "keep": choices.keep}
    named["id"] = choices.ids
    tables.refuse_options(why, **named)


def _from_archive(path: Path, choices: Choices) -> TrainingData:
    _refuse_columns("NPZ files have no columns", choices)
    archive = archives.read_archive(path)
    parts = {name: Part(X, y) for name, (X, y) in archive.parts.items() if y is not None}
    if "all" not in parts and "train" not in parts:
        raise archive.lacks("X and y, or X_train and y_train")
    if "train" not in parts and len(parts) > 1:
        raise archive.lacks("X_train and y_train beside its other parts")
    if "valid" in parts:
        tables.refuse_options("it has X_valid", validation_fraction=choices.validation_fraction)
    if "test" in parts:
        tables.refuse_options("it has X_test", test_fraction=choices.test_fraction)
    rows = parts.get("train", parts.get("all"))
    assert rows is not None  # one of the two is there
    warn_of_index(rows.X, f"{path}")
    train, valid, test = _set_aside(rows, choices, str(path), parts.get("valid"), parts.get("test"))
    for name, part in parts.items():
        if part.X.shape[1] != train.X.shape[1]:
            raise DataError(
                f"X_{name} in {path} must have {train.X.shape[1]} columns as the training rows "
                f"have, got {part.X.shape[1]}."
            )
    return TrainingData(path.name, train, valid, test, facts={"source": path.name})


def _from_table(path: Path, choices: Choices) -> TrainingData:
    table = read_table(path, choices.target, choices.form)
    target = tables.require_target(table, choices.target)
    for option, named in (("--drop", choices.drop), ("--id", choices.ids)):
        for name in named:
            tables.require_column(table, name, option)
    y = labels.table_labels(table, target)
    apart = {target, *choices.drop, *choices.ids}
    names = [name for name in table.columns if name not in apart]
    for name in choices.keep:
        tables.require_column(table, name, "--keep")
        if name not in names:
            refuse("--keep", "a column that is not the target, nor dropped", name)
    refuse_index(table, names, choices.keep)
    X = tables.features(table, names)
    rows = Part(table.frame_of(X, names), y)
    train, valid, test = _set_aside(rows, choices, f"column {target!r} of {path}", None, None)
    facts = Facts(source=path.name, target=target, features=names, dropped=choices.drop)
    if choices.ids:
        facts["ids"] = choices.ids
    return TrainingData(path.name, train, valid, test, facts=facts)


def _set_aside(
    rows: Part, choices: Choices, where: str, valid: Part | None, test: Part | None
) -> tuple[Part, Part | None, Part | None]:
    """Split off rows for validation and test, stratified by class."""
    shares = {"test": choices.test_fraction or 0.0}
    if choices.validation_fraction is None and valid is None:
        shares["validation"] = VALIDATION_FRACTION
    else:
        shares["validation"] = choices.validation_fraction or 0.0
    if sum(shares.values()) >= 1:
        raise InvalidArgumentError(
            "--validation-fraction and --test-fraction must leave rows to train on, got "
            f"{shares['validation']:g} and {shares['test']:g}."
        )
    sizes = {name: round(share * len(rows.y)) for name, share in shares.items() if share}
    check_classes(rows.y, sizes, where)
    if "test" in sizes:
        rows, test = _split(rows, sizes["test"], choices.seed)
    if "validation" in sizes:
        rows, valid = _split(rows, sizes["validation"], choices.seed)
    return rows, valid, test


def check_classes(y: np.ndarray, sizes: dict[str, int], where: str) -> None:
    """Refuse labels that no classifier can learn, or that cannot be split stratified."""
    classes, numbers = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise DataError(f"{where} has one class only: {labels.show(classes)}. Give rows of others.")
    needed = 1 + len(sizes)
    rare = classes[numbers < needed]
    if sizes and len(rare):
        many = f" It has {len(classes):,} distinct values: is it a class?" if len(rare) > 8 else ""
        raise DataError(
            f"{where} has classes with fewer than {needed} rows: {listed(rare.tolist())}. "
            f"Setting rows aside takes {needed} of each; merge or delete these classes.{many}"
        )
    left = len(y) - sum(sizes.values())
    for name, size in {**sizes, "training": left}.items():
        if size < len(classes):
            remedy = "Give more rows" if name == "training" else f"Raise --{name}-fraction"
            raise DataError(
                f"the {name} part would have {count(size, 'row')} for {len(classes)} classes. "
                f"{remedy}."
            )


def _split(rows: Part, size: int, seed: int) -> tuple[Part, Part]:
    # Late: the digits have rows set aside, and are trained on without scikit-learn.
    from sklearn.model_selection import train_test_split

    X, X_aside, y, y_aside = train_test_split(
        rows.X, rows.y, test_size=size, stratify=rows.y, random_state=seed
    )
    return Part(X, y), Part(X_aside, y_aside)
