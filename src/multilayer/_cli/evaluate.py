"""``multilayer evaluate``: how good a saved model is on labelled rows."""

from pathlib import Path

from multilayer._cli import report
from multilayer._cli.console import results, say, say_json
from multilayer._cli.measures import ClassFigures, in_words
from multilayer._cli.model_inputs import (
    load_model,
    measured,
    require_method,
    require_one_output,
    rows_for,
)
from multilayer._cli.settings import ColumnChoices


def evaluate(model: Path, data: str, columns: ColumnChoices, *, json: bool) -> None:
    """Measure a saved model on labelled rows, and print the figures."""
    loaded = load_model(model)
    require_method(loaded, "evaluate", "evaluate")
    require_one_output(loaded, "evaluate")
    rows = rows_for(loaded, data, columns, labelled=True)
    assert rows.y is not None  # requested
    found = measured(loaded, rows.X, rows.y)
    if json:
        facts = {"model": str(model), "data": data, **found.as_json()}
        facts["trained_on_some_rows"] = rows.seen
        if isinstance(found, ClassFigures):
            facts["confusions"] = report.as_json(found.confusions)
        say_json(facts)
        return
    console = results()
    say(console, (str(model), "bold"), f" on {rows.what}")
    report.print_pairs(console, in_words(found))
    if isinstance(found, ClassFigures):
        report.print_confusions(console, found.confusions)
    if rows.seen:
        remark = "The model was trained on some of these rows: new ones are harder."
        say(console, (remark, "dim"))
