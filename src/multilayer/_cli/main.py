"""The command line: its commands, their parameters and help."""

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from multilayer._cli import settings as o
from multilayer._cli.console import (
    escaped_output,
    flush,
    give_up_output,
    one_line_warnings,
    remarks,
    results,
    say,
    say_error,
)
from multilayer._cli.train import train
from multilayer._cli.tune import tune
from multilayer._core.environment import version
from multilayer._core.errors import MultilayerError

# The parameters and the help of the smaller commands; ``train`` has a module of its own ----------
#
# What a command does is in the module of its name, imported when it runs: help does not wait for
# NumPy, JAX and scikit-learn.


class Inputs(StrEnum):
    """Types of numbers that an ONNX graph may take."""

    float = "float"
    double = "double"


PREDICTIONS = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write: .parquet, or CSV.", show_default=False),
]
PROBA = Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")]
QUANTILES = Annotated[
    str | None,
    typer.Option(
        metavar="LEVELS",
        help="Add quantiles of a predicted number, such as 0.05,0.95.",
        show_default=False,
    ),
]
INTERVAL = Annotated[
    float | None,
    typer.Option(
        metavar="COVERAGE",
        help="Add the ends of intervals that hold a number with this probability, such as 0.9.",
        show_default=False,
    ),
]
ESCAPE_FORMULAS = Annotated[
    bool,
    typer.Option(
        "--escape-formulas", help="Put ' before text that a spreadsheet would take for a formula."
    ),
]
ONNX = Annotated[
    Path, typer.Option("--onnx", metavar="FILE", help="ONNX file to write.", show_default=False)
]
HTML = Annotated[
    Path, typer.Option("--html", metavar="FILE", help="Page to write.", show_default=False)
]
REPEATS = Annotated[
    int, typer.Option(help="How often each column is shuffled for its importance; 0 for none.")
]
IMPORTANCE_SCORING = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Score whose fall is the importance: one of scikit-learn's, such as roc_auc.",
        show_default="accuracy, or R2",
    ),
]
REPORT_SEED = Annotated[int, typer.Option(help="Seed of the resamples and of the shuffling.")]
INPUTS = Annotated[
    Inputs | None, typer.Option(help="Type of the input: float32 (the default) or float64.")
]


def evaluate(
    model: o.MODEL,
    data: o.DATA,
    target: o.TARGET = None,
    drop: o.DROP = None,
    sep: o.SEP = None,
    decimal: o.DECIMAL = None,
    encoding: o.ENCODING = None,
    json: o.JSON = False,
) -> None:
    """Measure a saved model on labelled rows (mnist: its test images)."""
    columns = o.ColumnChoices(target, drop or [], [], o.table_format(sep, decimal, encoding))
    from multilayer._cli.evaluate import evaluate as run

    run(model, data, columns, json=json)


def predict(
    model: o.MODEL,
    data: o.DATA,
    output: PREDICTIONS = None,
    proba: PROBA = False,
    quantiles: QUANTILES = None,
    interval: INTERVAL = None,
    escape_formulas: ESCAPE_FORMULAS = False,
    ids: o.ID = None,
    drop: o.DROP = None,
    sep: o.SEP = None,
    decimal: o.DECIMAL = None,
    encoding: o.ENCODING = None,
    json: o.JSON = False,
) -> None:
    """Predict the class or number of each row, as CSV (mnist: its test images)."""
    form = o.table_format(sep, decimal, encoding)
    columns = o.ColumnChoices(None, drop or [], ids or [], form)
    from multilayer._cli.predict import predict as run

    run(
        model,
        data,
        output=output,
        proba=proba,
        quantiles=quantiles,
        interval=interval,
        escape_formulas=escape_formulas,
        columns=columns,
        json=json,
    )


def info(model: o.MODEL, json: o.JSON = False) -> None:
    """Show the content of a model file."""
    from multilayer._cli.info import info as run

    run(model, json=json)


def export(model: o.MODEL, onnx: ONNX, inputs: INPUTS = None, json: o.JSON = False) -> None:
    """Convert a model to ONNX, for runtimes in any language."""
    from multilayer._cli.export import export as run

    run(model, onnx, inputs=None if inputs is None else inputs.value, json=json)


def report(
    model: o.MODEL,
    data: o.DATA,
    html: HTML,
    target: o.TARGET = None,
    drop: o.DROP = None,
    repeats: REPEATS = 5,
    scoring: IMPORTANCE_SCORING = None,
    seed: REPORT_SEED = 0,
    sep: o.SEP = None,
    decimal: o.DECIMAL = None,
    encoding: o.ENCODING = None,
    json: o.JSON = False,
) -> None:
    """Write a page about a saved model on labelled rows, for a browser."""
    columns = o.ColumnChoices(target, drop or [], [], o.table_format(sep, decimal, encoding))
    from multilayer._cli.html_report import html_report as run

    run(model, data, html, columns, repeats=repeats, scoring=scoring, seed=seed, json=json)


# The command ``multilayer``: its commands, and how every failure becomes one line ----------------


P = ParamSpec("P")
REFUSED = 2
INTERRUPTED = 130
NO_READER = 141  # of a process that ends because nobody reads its output, as a shell reports it

# What Typer raises for a command line that it cannot read; no release names it in public.
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="multilayer",
    help="Train feed-forward neural networks, and use them.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        say(results(), f"multilayer {version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _command(function: Callable[P, None]) -> Callable[P, None]:
    """Register a command whose known failures end as one line and an exit code."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with one_line_warnings():
                function(*args, **kwargs)
        except MultilayerError as error:
            say_error(error)
            raise typer.Exit(REFUSED) from error
        except OSError as error:
            raise typer.Exit(_report(error)) from error
        except KeyboardInterrupt as error:
            say(remarks(), "Interrupted.")
            raise typer.Exit(INTERRUPTED) from error

    return app.command(no_args_is_help=False)(guarded)


for _function in (train, tune, evaluate, predict, report, info, export):
    _command(_function)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str or None, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        Exit code: 0, 2 for errors, 130 after Ctrl-C, 141 where the output pipe is closed.
    """
    with escaped_output():
        try:
            code = app(args, prog_name="multilayer", standalone_mode=False)
            flush()
        except UsageError as error:
            say_error(f"{_sentence(error.format_message())} See: {_help_command(error)}")
            return REFUSED
        except OSError as error:
            return _report(error)
        except SystemExit as leaving:
            if leaving.code in (0, None):  # how Typer ends when it has completed a command line
                flush()
                return 0
            give_up_output()  # how Rich and Typer leave where nobody reads what they write
            return NO_READER
    return code if isinstance(code, int) else 0


def _report(error: OSError) -> int:
    """Say in one line what the system refused; return the exit code."""
    if isinstance(error, BrokenPipeError):
        give_up_output()
        return NO_READER
    where = f"{error.filename}: " if error.filename is not None else "cannot read or write: "
    with suppress(OSError):  # where no error can be written, the exit code has to do
        say_error(f"{where}{error.strerror or error}.")
    give_up_output()
    return REFUSED


def _sentence(text: str) -> str:
    """Return a text with one sign at its end."""
    return text if text.endswith(("?", "!")) else f"{text.rstrip('.')}."


def _help_command(error: Any) -> str:
    path = error.ctx.command_path if error.ctx else "multilayer"
    return f"{path} --help"
