"""What the commands print at the end: figures and tables."""

from collections.abc import Sequence
from itertools import pairwise

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from multilayer._cli.confusions import Confusion
from multilayer._cli.console import plain, say
from multilayer._core.checks import count
from multilayer._core.types import JSON

# Results for people, on standard output ----------------------------------------------------------


def print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one pair per line, the values aligned."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, plain(value))
    console.print(table)


def print_confusions(console: Console, confusions: Sequence[Confusion]) -> None:
    """Print the classes that are least often recognised."""
    if not confusions:
        say(console, "No row was taken for another class.")
        return
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("class", overflow="ellipsis", no_wrap=True, max_width=30)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("recall", justify="right", no_wrap=True)
    table.add_column("most often taken for", overflow="ellipsis", no_wrap=True, max_width=44)
    for item in confusions:
        taken = f"{item.taken_for} ({'once' if item.times == 1 else f'{item.times:,} times'})"
        table.add_row(plain(str(item.label)), f"{item.rows:,}", percent(item.recall), plain(taken))
    console.print(table)


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{share:.2%}"


def accuracy(share: float, rows: int) -> str:
    """Return an accuracy with the number of rows behind it."""
    return f"{percent(share)} of {count(rows, 'row')}"


def number(value: float) -> str:
    """Return a number in four digits, or all those before the decimal point."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def seconds(duration: float) -> str:
    """Return a duration."""
    if duration < 60:
        return f"{duration:.1f} s"
    return f"{int(duration) // 60} min {duration % 60:.0f} s"


def size(n_bytes: int) -> str:
    """Return the size of a file."""
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    return f"{n_bytes / 1e3:,.1f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:,.1f} MB"


def network(layer_sizes: Sequence[int], n_parameters: int) -> str:
    """Return the layers of a network."""
    return f"{'-'.join(map(str, layer_sizes))}, {count(n_parameters, 'parameter')}"


def n_parameters(layer_sizes: Sequence[int], *, normalised: bool) -> int:
    """Return the number of weights and biases, and of scales and shifts of normalised layers."""
    dense = sum((n + 1) * m for n, m in pairwise(layer_sizes))
    return dense + (2 * sum(layer_sizes[1:-1]) if normalised else 0)


def as_json(confusions: Sequence[Confusion]) -> list[dict[str, JSON]]:
    """Return confusions as JSON."""
    return [
        {
            "class": item.label,
            "rows": item.rows,
            "recall": item.recall,
            "most_often_taken_for": item.taken_for,
            "times": item.times,
        }
        for item in confusions
    ]
