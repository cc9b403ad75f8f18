"""``multilayer predict``: the classes of rows, or numbers, as CSV."""

import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multilayer._cli import options as o
from multilayer._cli.console import remarks, say, say_json
from multilayer._cli.outputs import keep_inputs
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.wording import count

if TYPE_CHECKING:
    import numpy as np


def predict(
    model: o.MODEL,
    data: o.DATA,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file to write.", show_default=False)
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    drop: o.DROP = None,
    json: o.JSON = False,
) -> None:
    """Predict the class or number of each row, as CSV (mnist: its test images)."""
    from multilayer._cli.model_inputs import matched_by_name, network_inputs, rows_for
    from multilayer._cli.models import load_model, require_method
    from multilayer._persist.atomic import check_writable, write_atomically

    if output is not None:
        keep_inputs("--output", output, Path(data), model)
        check_writable(output)
    loaded = load_model(model)
    classes = loaded.classes
    if proba and classes is None:
        raise InvalidArgumentError(f"--proba is for classes, and {model} predicts numbers.")
    if proba:
        require_method(loaded, "predict_proba", "--proba")
    rows = rows_for(loaded, data, labelled=False, target=None, drop=drop or [])
    with matched_by_name():
        inputs = network_inputs(loaded, rows.X)
        predicted = loaded.network.predict(inputs)
        shares = loaded.network.predict_proba(inputs) if proba else None
    if output is not None:
        write_atomically(output, _csv(predicted, shares, classes).encode())
    if json:
        say_json(_as_json(model, data, output, predicted, shares, classes))
    elif output is None:
        sys.stdout.write(_csv(predicted, shares, classes))
    else:
        say(remarks(), f"{count(len(predicted), 'prediction')} written to {output}")


def _csv(predicted: "np.ndarray", shares: "np.ndarray | None", classes: list[Any] | None) -> str:
    """Return predictions as CSV, with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lines: Iterable[list[Any]]
    header = ["prediction"]
    if shares is None:
        lines = ([label] for label in predicted.tolist())
    else:
        header += [f"probability_{label}" for label in classes or ()]
        # Nine digits tell any two float32 numbers apart, and that is how they were computed.
        lines = (
            [label, *(f"{share:.9g}" for share in row)]
            for label, row in zip(predicted.tolist(), shares.tolist(), strict=True)
        )
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def _as_json(
    model: Path,
    data: str,
    output: Path | None,
    predicted: "np.ndarray",
    shares: "np.ndarray | None",
    classes: list[Any] | None,
) -> dict[str, Any]:
    """Return predictions for programs; those in a file are not repeated."""
    found = {
        "model": str(model),
        "data": data,
        "rows": len(predicted),
        "classes": classes,
        "output": None if output is None else str(output),
    }
    if output is None:
        found["predictions"] = predicted.tolist()
        if shares is not None:
            found["probabilities"] = shares.tolist()
    return found
