"""``multilayer predict``: the classes of rows, or numbers, as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from multilayer._cli.console import plain, remarks, say, say_json, to_terminal, write
from multilayer._cli.model_inputs import (
    LoadedModel,
    has_intervals,
    load_model,
    matched_by_name,
    network_inputs,
    require_intervals,
    require_method,
    require_one_output,
    rows_for,
)
from multilayer._cli.settings import ColumnChoices, refuse_overwriting_inputs
from multilayer._cli.table_files import parquet_of
from multilayer._core.checks import check_real, count
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._persist.atomic import check_writable, write_atomically
from multilayer._sklearn.regressor import MLPRegressor

if TYPE_CHECKING:
    from pandas import DataFrame

Cell: TypeAlias = str | int | float | bool

PREDICTION = "prediction"  # the name of their column
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def predict(
    model: Path,
    data: str,
    *,
    output: Path | None,
    proba: bool,
    quantiles: str | None,
    interval: float | None,
    escape_formulas: bool,
    columns: ColumnChoices,
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
    if interval is not None:
        check_real("--interval", interval, "(0, 1)")
        require_intervals(loaded)
    if proba:
        require_method(loaded, "predict_proba", "--proba")
        require_one_output(loaded, "--proba")
    found = _predictions(loaded, data, columns, proba=proba, levels=levels, coverage=interval)

    def as_csv(*, terminal: bool = False) -> str:
        return _csv(found, partial(_cell, formulas=escape_formulas, terminal=terminal))

    if output is not None:
        to_parquet = output.suffix.lower() == ".parquet"
        write_atomically(output, _parquet(found) if to_parquet else as_csv().encode())
    if json:
        facts: dict[str, JSON] = {"classes": classes}
        if levels is not None:
            facts["quantiles"] = levels
        if interval is not None:
            facts["coverage"] = interval
        say_json(_as_json(model, data, output, found, facts))
    elif output is None:
        write(as_csv(terminal=to_terminal()))
    else:
        say(remarks(), f"{count(len(found.predicted), 'prediction')} written to {output}")


class Beside(NamedTuple):
    """Further columns: probabilities of the classes, quantiles, or ends of intervals."""

    kind: str  # their name for programs
    names: list[str]  # of the columns
    values: np.ndarray  # (rows, columns)


class Predictions(NamedTuple):
    """Predictions of rows."""

    predicted: np.ndarray  # (rows,) or (rows, outputs)
    beside: list[Beside]
    ids: "DataFrame | None"  # columns that name the rows


def _predictions(
    model: LoadedModel,
    data: str,
    columns: ColumnChoices,
    *,
    proba: bool,
    levels: list[float] | None,
    coverage: float | None,
) -> Predictions:
    """Return the predictions for DATA, with what else is requested."""
    rows = rows_for(model, data, columns, labelled=False)
    beside = []
    with matched_by_name():
        inputs = network_inputs(model, rows.X)
        if proba:
            names = [f"probability_{label}" for label in model.classes or ()]
            beside.append(Beside("probabilities", names, model.network.predict_proba(inputs)))
        if levels is not None:
            names = [f"quantile_{level:g}" for level in levels]
            values = model.network.predict(inputs, quantiles=levels)
            beside.append(Beside("quantile_values", names, values))
        if coverage is not None:
            beside.append(_ends(model.network.predict_interval(inputs, coverage)))
        return Predictions(model.network.predict(inputs), beside, rows.ids)


def _ends(intervals: np.ndarray) -> Beside:
    """Return both ends of intervals as columns, with the number of the target where it has more."""
    several = intervals.ndim == 3
    ends = [f"_{i}" for i in range(intervals.shape[1])] if several else [""]
    names = [f"{side}{end}" for end in ends for side in ("lower", "upper")]
    return Beside("intervals", names, intervals.reshape(len(intervals), -1))


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
            + (" It has intervals: --interval 0.9." if has_intervals(model) else "")
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


def _csv(found: Predictions, cell: Callable[[Cell], Cell]) -> str:
    """Return predictions as CSV, with a header line."""
    lines = [[cell(label)] for label in found.predicted.tolist()]
    header: list[Cell] = [PREDICTION]
    if found.ids is not None:
        header = [*map(cell, found.ids.columns), *header]
        named = found.ids.astype(object).where(found.ids.notna(), "").to_numpy().tolist()
        lines = [[*map(cell, ids), *row] for ids, row in zip(named, lines, strict=True)]
    for beside in found.beside:
        header += [cell(name) for name in beside.names]
        # Nine digits distinguish any two float32 numbers; those of a float64 model are rounded.
        lines = [
            [*row, *(f"{value:.9g}" for value in values)]
            for row, values in zip(lines, beside.values.tolist(), strict=True)
        ]
    return "".join(_lines([header, *lines]))


def _parquet(found: Predictions) -> bytes:
    """Return predictions as a Parquet file."""
    columns: dict[str, object] = {PREDICTION: found.predicted.tolist()}
    for beside in found.beside:
        columns |= dict(zip(beside.names, beside.values.T, strict=True))
    return parquet_of(found.ids, columns)


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
    predictions: Predictions,
    facts: dict[str, JSON],
) -> dict[str, JSON]:
    """Return predictions for programs; those in a file are not repeated."""
    found: dict[str, JSON] = {
        "model": str(model),
        "data": data,
        "rows": len(predictions.predicted),
        **facts,
        "output": None if output is None else str(output),
    }
    if output is None:
        if predictions.ids is not None:
            found["ids"] = predictions.ids.astype(str).to_dict("list")
        found["predictions"] = predictions.predicted.tolist()
        found |= {beside.kind: beside.values.tolist() for beside in predictions.beside}
    return found
