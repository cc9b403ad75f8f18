"""``multilayer evaluate``: how good a saved model is on labelled rows."""

from pathlib import Path

from multilayer._cli import model_inputs, report
from multilayer._cli.console import results, say, say_json
from multilayer._cli.model_inputs import (
    ModelRows,
    load_model,
    require_method,
    require_one_output,
    rows_for,
)
from multilayer._sklearn.targets.metric_table import METRICS


def evaluate(model: Path, data: str, *, target: str | None, drop: list[str], json: bool) -> None:
    """Measure a saved model on labelled rows, and print the figures."""
    loaded = load_model(model)
    require_method(loaded, "evaluate", "evaluate")
    require_one_output(loaded, "evaluate")
    rows = rows_for(loaded, data, labelled=True, target=target, drop=drop)
    assert rows.y is not None  # asked for
    if loaded.classes is None:
        _say_errors(model, data, rows, model_inputs.errors(loaded, rows.X, rows.y), json=json)
        return
    found = model_inputs.evaluate(loaded, rows.X, rows.y)
    if json:
        say_json(
            {
                "model": str(model),
                "data": data,
                "rows": found.rows,
                "accuracy": found.accuracy,
                "average_loss": found.average_loss,
                "trained_on_some_rows": rows.seen,
                "confusions": report.as_json(found.confusions),
            }
        )
        return
    console = results()
    say(console, (str(model), "bold"), f" on {rows.what}")
    report.print_pairs(
        console,
        [
            ("accuracy", report.accuracy(found.accuracy, found.rows)),
            ("average loss", f"{found.average_loss:.4f}"),
        ],
    )
    report.print_confusions(console, found.confusions)
    _say_seen(rows)


def _say_errors(
    model: Path, data: str, rows: ModelRows, errors: dict[str, float], *, json: bool
) -> None:
    """Say how far the numbers are off that a model predicts."""
    if json:
        facts = {"model": str(model), "data": data, "rows": len(rows.X), **errors}
        say_json({**facts, "trained_on_some_rows": rows.seen})
        return
    console = results()
    say(console, (str(model), "bold"), f" on {rows.what}")
    pairs = [(METRICS[name].title or name, f"{value:.4g}") for name, value in errors.items()]
    report.print_pairs(console, pairs)
    _say_seen(rows)


def _say_seen(rows: ModelRows) -> None:
    if rows.seen:
        remark = "The model was trained on some of these rows: new ones are harder."
        say(results(), (remark, "dim"))
