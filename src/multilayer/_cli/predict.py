"""``multilayer predict``: the classes of rows, or numbers, as CSV."""

import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multilayer._cli import options as o
from multilayer._cli.console import count, remarks, say, say_json
from multilayer._cli.outputs import keep_inputs
from multilayer._core.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy as np

    from multilayer._cli.models import Model


def predict(
    model: o.MODEL,
    data: o.DATA,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file to write.", show_default=False)
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of each class.")
    ] = False,
    quantiles: Annotated[
        str | None,
        typer.Option(
            metavar="LEVELS",
            help="Add quantiles of a predicted number, such as 0.05,0.95.",
            show_default=False,
        ),
    ] = None,
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
    levels = None if quantiles is None else _levels(quantiles, loaded)
    if proba:
        require_method(loaded, "predict_proba", "--proba")
    rows = rows_for(loaded, data, labelled=False, target=None, drop=drop or [])
    with matched_by_name():
        inputs = network_inputs(loaded, rows.X)
        predicted = loaded.network.predict(inputs)
        shares = loaded.network.predict_proba(inputs) if proba else None
        if levels is not None:
            shares = loaded.network.predict(inputs, quantiles=levels)
    beside = [f"quantile_{level:g}" for level in levels or ()]
    beside = beside or [f"probability_{label}" for label in classes or ()]
    if output is not None:
        write_atomically(output, _csv(predicted, shares, beside).encode())
    if json:
        facts = {"classes": classes} if levels is None else {"classes": None, "quantiles": levels}
        say_json(_as_json(model, data, output, predicted, shares, facts))
    elif output is None:
        sys.stdout.write(_csv(predicted, shares, beside))
    else:
        say(remarks(), f"{count(len(predicted), 'prediction')} written to {output}")


def _levels(text: str, model: "Model") -> list[float]:
    """Read levels such as 0.05,0.95, for a model that may have such quantiles."""
    from multilayer.estimators.regressor import MLPRegressor

    if model.classes is not None:
        raise InvalidArgumentError(
            f"--quantiles is for numbers, and {model.path} predicts classes."
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


def _csv(predicted: "np.ndarray", shares: "np.ndarray | None", beside: list[str]) -> str:
    """Return predictions as CSV, with a header line; ``beside`` names the columns of shares."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    lines: Iterable[list[Any]]
    header = ["prediction"]
    if shares is None:
        lines = ([label] for label in predicted.tolist())
    else:
        header += beside
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
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Return predictions for programs; those in a file are not repeated."""
    found = {
        "model": str(model),
        "data": data,
        "rows": len(predicted),
        **facts,
        "output": None if output is None else str(output),
    }
    if output is None:
        found["predictions"] = predicted.tolist()
        if shares is not None:
            name = "quantile_values" if "quantiles" in facts else "probabilities"
            found[name] = shares.tolist()
    return found
