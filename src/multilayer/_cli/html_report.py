"""``multilayer report``: a page that shows how good a saved model is, and on what it depends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from multilayer._cli.console import remarks, results, say, say_json
from multilayer._cli.model_inputs import (
    LoadedModel,
    ModelRows,
    load_model,
    require_method,
    require_one_output,
    rows_for,
)
from multilayer._cli.page import Html
from multilayer._cli.report_facts import Advance, Begin, ReportChoices, ReportFacts, gathered
from multilayer._cli.report_page import written
from multilayer._cli.settings import ColumnChoices, refuse_overwriting_inputs
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._persist.atomic import check_writable, write_atomically
from multilayer.plots._axes import pyplot


def html_report(
    model: Path,
    data: str,
    html: Path,
    columns: ColumnChoices,
    *,
    repeats: int,
    scoring: str | None,
    seed: int,
    json: bool,
) -> None:
    """Measure a saved model on labelled rows, and write a page about it."""
    choices = ReportChoices(repeats, scoring, seed)
    choices.check()
    refuse_overwriting_inputs("--html", html, Path(data), model)
    check_writable(html)
    require_pictures("multilayer report")
    loaded = load_model(model)
    require_method(loaded, "evaluate", "report")
    require_one_output(loaded, "report")
    rows = rows_for(loaded, data, columns, labelled=True)
    target = columns.target or loaded.facts.get("target")
    found = write_page(loaded, data, target, rows, choices, html, silent=json)
    if json:
        say_json(as_json(found, html))
    else:
        say(results(), "report written to ", (str(html), "bold"))


def require_pictures(what: str) -> None:
    """Refuse what draws pictures where nothing can draw them."""
    try:
        pyplot()
    except ImportError as error:
        raise InvalidArgumentError(
            f"{what} draws with matplotlib, which cannot be imported. "
            "Install it: pip install matplotlib."
        ) from error


def write_page(
    model: LoadedModel,
    data: str,
    target: str | None,
    rows: ModelRows,
    choices: ReportChoices,
    html: Path,
    *,
    more: Sequence[Html] = (),
    made_by: str = "multilayer report",
    silent: bool,
) -> ReportFacts:
    """Write the page about a model, with more sections of a command; return what it shows."""
    begin = stages(remarks(), silent=silent)
    found = gathered(model, data, target, rows, choices, begin)
    with begin("drawing", 1) as advance:
        page = written(found, more, made_by)
        advance()
    write_atomically(html, page)
    return found


def as_json(found: ReportFacts, html: Path) -> dict[str, JSON]:
    """Return the figures of a page for programs."""
    figures: dict[str, JSON] = {}
    for figure in found.figures:
        low = high = None
        if figure.interval is not None:
            low, high = figure.interval.low, figure.interval.high
        figures[figure.key] = {"value": figure.value, "low": low, "high": high}
    importances: list[JSON] | None = None
    if found.importances is not None:
        known = found.importances
        importances = [
            {"name": name, "mean": mean, "std": std}
            for name, mean, std in zip(
                known.names, known.mean.tolist(), known.std.tolist(), strict=True
            )
        ]
    return {
        "model": found.model,
        "data": found.data,
        "html": str(html),
        "rows": found.results.figures.rows,
        "trained_on_some_rows": found.seen,
        "figures": figures,
        "importances": importances,
    }


# Progress -----------------------------------------------------------------------------------------


def stages(console: Console, *, silent: bool) -> Begin:
    """Return what begins a stage: a bar on a terminal, a plain line elsewhere, or nothing."""

    @contextmanager
    def bar(title: str, total: int) -> Iterator[Advance]:
        shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        with shown:
            task = shown.add_task(title, total=total)
            yield lambda: shown.advance(task)

    @contextmanager
    def line(title: str, total: int) -> Iterator[Advance]:
        del total
        if not silent:
            say(console, title)
        yield lambda: None

    return bar if console.is_terminal and not silent else line
