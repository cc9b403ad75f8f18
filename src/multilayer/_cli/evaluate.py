"""``multilayer evaluate``: how good a saved model is on labelled rows."""

from pathlib import Path
from typing import TYPE_CHECKING

from multilayer._cli import options as o
from multilayer._cli.console import results, say, say_json

if TYPE_CHECKING:
    from multilayer._cli.model_inputs import Rows


def evaluate(
    model: o.MODEL,
    data: o.DATA,
    target: o.TARGET = None,
    drop: o.DROP = None,
    json: o.JSON = False,
) -> None:
    """Measure a saved model on labelled rows (mnist: its test images)."""
    from multilayer._cli import figures, report
    from multilayer._cli.model_inputs import rows_for
    from multilayer._cli.models import load_model, require_method, require_one_output

    loaded = load_model(model)
    require_method(loaded, "evaluate", "evaluate")
    require_one_output(loaded, "evaluate")
    rows = rows_for(loaded, data, labelled=True, target=target, drop=drop or [])
    assert rows.y is not None  # asked for
    if loaded.classes is None:
        _say_errors(model, data, rows, figures.errors(loaded, rows.X, rows.y), json=json)
        return
    found = figures.evaluate(loaded, rows.X, rows.y)
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
    model: Path, data: str, rows: "Rows", errors: dict[str, float], *, json: bool
) -> None:
    """Say how far the numbers are off that a model predicts."""
    from multilayer._cli import report
    from multilayer._sklearn.targets.metric_table import METRICS

    if json:
        facts = {"model": str(model), "data": data, "rows": len(rows.X), **errors}
        say_json({**facts, "trained_on_some_rows": rows.seen})
        return
    console = results()
    say(console, (str(model), "bold"), f" on {rows.what}")
    pairs = [(METRICS[name].title or name, f"{value:.4g}") for name, value in errors.items()]
    report.print_pairs(console, pairs)
    _say_seen(rows)


def _say_seen(rows: "Rows") -> None:
    if rows.seen:
        remark = "The model was trained on some of these rows: new ones are harder."
        say(results(), (remark, "dim"))
