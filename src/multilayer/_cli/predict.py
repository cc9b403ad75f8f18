"""``multilayer predict``: the classes of rows, or numbers, as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from multilayer._cli.console import plain, remarks, say, say_json, to_terminal, write
from multilayer._cli.model_inputs import (
    LoadedModel,
    load_model,
    matched_by_name,
    network_inputs,
    require_method,
    require_one_output,
    rows_for,
)
from multilayer._cli.settings import refuse_overwriting_inputs
from multilayer._core.checks import count
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._persist.atomic import check_writable, write_atomically
from multilayer._sklearn.regressor import MLPRegressor

Cell: TypeAlias = str | int | float | bool

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def predict(
    model: Path,
    data: str,
    *,
    output: Path | None,
    proba: bool,
    quantiles: str | None,
    escape_formulas: bool,
    drop: list[str],
    json: bool,
) -> None:
    """Predict rows, and write or print the predictions."""
    if output is not None:
        refuse_overwriting_inputs("--output", output, Path(data), model)
        check_writable(output)
    loaded = load_model(model)
    classes = loaded.classes
    if proba and classes is None:
        raise InvalidArgumentError(f"--proba is for classes, and {model} predicts numbers.")
    levels = None if quantiles is None else _levels(quantiles, loaded)
    if proba:
        require_method(loaded, "predict_proba", "--proba")
        require_one_output(loaded, "--proba")
    predicted, beside = _predictions(loaded, data, drop, proba=proba, levels=levels)

    def as_csv(*, terminal: bool = False) -> str:
        cell = partial(_cell, formulas=escape_formulas, terminal=terminal)
        return _csv(predicted, beside, cell)

    if output is not None:
        write_atomically(output, as_csv().encode())
    if json:
        facts: dict[str, JSON] = {"classes": classes}
        if levels is not None:
            facts["quantiles"] = levels
        say_json(_as_json(model, data, output, predicted, beside, facts))
    elif output is None:
        write(as_csv(terminal=to_terminal()))
    else:
        say(remarks(), f"{count(len(predicted), 'prediction')} written to {output}")


class Beside(NamedTuple):
    """Further columns: probabilities of the classes, or quantiles."""

    kind: str  # their name for programs
    names: list[str]  # of the columns
    values: np.ndarray  # (rows, columns)


def _predictions(
    model: LoadedModel, data: str, drop: list[str], *, proba: bool, levels: list[float] | None
) -> tuple[np.ndarray, Beside | None]:
    """Return the predictions for DATA, with probabilities or quantiles if requested."""
    rows = rows_for(model, data, labelled=False, target=None, drop=drop)
    beside = None
    with matched_by_name():
        inputs = network_inputs(model, rows.X)
        if proba:
            names = [f"probability_{label}" for label in model.classes or ()]
            beside = Beside("probabilities", names, model.network.predict_proba(inputs))
        if levels is not None:
            names = [f"quantile_{level:g}" for level in levels]
            values = model.network.predict(inputs, quantiles=levels)
            beside = Beside("quantile_values", names, values)
        return model.network.predict(inputs), beside


def _levels(text: str, model: LoadedModel) -> list[float]:
    """Read levels such as 0.05,0.95, for a model that may have such quantiles."""
    if model.classes is not None:
        raise InvalidArgumentError(
            f"--quantiles is for numbers, and {model.path} predicts classes. Use --proba."
        )
    if not isinstance(model.network, MLPRegressor):
        raise InvalidArgumentError(
            f"MODEL must end in an MLPRegressor for --quantiles, got {model.path}, which ends in a "
            f"{type(model.network).__name__}."
        )
    if not model.network._one_target:
        raise InvalidArgumentError(f"--quantiles is for one target, and {model.path} has several.")
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidArgumentError(
            f"--quantiles must be numbers in (0, 1) with commas between, such as 0.05,0.95, got "
            f"{text!r}."
        ) from None


def _cell(value: Cell, *, formulas: bool, terminal: bool) -> Cell:
    """Return a label as it is written: numbers as they are, text made harmless if requested."""
    if not isinstance(value, str):
        return value
    if formulas and value.startswith(FORMULA_SIGNS) and not _is_number(value):
        value = f"'{value}"
    return plain(value) if terminal else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv(
    predicted: np.ndarray,
    beside: Beside | None,
    cell: Callable[[Cell], Cell],
) -> str:
    """Return predictions as CSV, with a header line."""
    labels = [[cell(label)] for label in predicted.tolist()]
    header: list[Cell] = ["prediction"]
    lines: Iterable[list[Cell]] = labels
    if beside is not None:
        header += [cell(name) for name in beside.names]
        # Nine digits distinguish any two float32 numbers, and that is how they were computed.
        lines = (
            [*row, *(f"{value:.9g}" for value in values)]
            for row, values in zip(labels, beside.values.tolist(), strict=True)
        )
    return "".join(_lines([header, *lines]))


def _lines(rows: Iterable[list[Cell]]) -> Iterator[str]:
    """Yield rows as lines of CSV; a carriage return within a cell is quoted like a line feed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # what stands in it is quoted in cells
    for row in rows:
        writer.writerow(row)
        yield f"{text.getvalue()[:-2]}\n"
        text.seek(0)
        text.truncate()


def _as_json(
    model: Path,
    data: str,
    output: Path | None,
    predicted: np.ndarray,
    beside: Beside | None,
    facts: dict[str, JSON],
) -> dict[str, JSON]:
    """Return predictions for programs; those in a file are not repeated."""
    found: dict[str, JSON] = {
        "model": str(model),
        "data": data,
        "rows": len(predicted),
        **facts,
        "output": None if output is None else str(output),
    }
    if output is None:
        found["predictions"] = predicted.tolist()
        if beside is not None:
            found[beside.kind] = beside.values.tolist()
    return found
