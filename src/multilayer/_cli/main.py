"""The command ``multilayer``: its commands, and how every failure becomes one line."""

import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from multilayer._cli.console import one_line_warnings, remarks, results, say, say_error
from multilayer._cli.evaluate import evaluate
from multilayer._cli.export import export
from multilayer._cli.info import info
from multilayer._cli.predict import predict
from multilayer._cli.train import train
from multilayer._core.errors import MultilayerError
from multilayer._core.version import version

REFUSED = 2
INTERRUPTED = 130

# What Typer raises for a command line that it cannot read; no release names it in public.
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="multilayer",
    help="Train feed-forward neural networks, and use them.",
    no_args_is_help=False,
    add_completion=False,
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


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command whose known failures end as one line and an exit code."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            with one_line_warnings():
                function(*args, **kwargs)
        except MultilayerError as error:
            say_error(error)
            raise typer.Exit(REFUSED) from error
        except KeyboardInterrupt as error:
            say(remarks(), "Interrupted.")
            raise typer.Exit(INTERRUPTED) from error

    return app.command(no_args_is_help=False)(guarded)


for _function in (train, evaluate, predict, info, export):
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
        Exit code: 0, 2 for what was refused, 130 after Ctrl-C.
    """
    try:
        code = app(args, prog_name="multilayer", standalone_mode=False)
    except UsageError as error:
        say_error(f"{error.format_message().rstrip('.')}. See: {_help_command(error)}")
        return REFUSED
    return code if isinstance(code, int) else 0


def _help_command(error: Any) -> str:
    path = error.ctx.command_path if error.ctx else "multilayer"
    return f"{path} --help"
