"""What the README and the guides show runs as written, and prints what they say."""

import contextlib
import doctest
import io
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from sklearn.datasets import load_iris

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDES = (
    "docs/estimators.md",
    "docs/scikit-learn.md",
    "docs/security.md",
    "docs/backpropagation.md",
    "docs/build-it-yourself.md",
    "docs/checkpoints.md",
    "docs/datasets.md",
    "docs/inspection.md",
    "docs/model-file.md",
    "docs/neurons.md",
    "docs/perceptron.md",
    "docs/onnx.md",
    "docs/plots.md",
    "docs/portable.md",
    "docs/realmlp-tabm.md",
    "docs/search.md",
    "docs/tabular-encoder.md",
    "docs/tabular.md",
    "docs/tensorboard.md",
    "docs/tf-estimator.md",
    "docs/uncertainty.md",
)
OPTIONAL = {
    "equinox": "equinox is not installed: nothing but an example needs it",
    "flax": "flax is not installed: nothing but an example needs it",
    "onnxruntime": "onnxruntime is not installed: nothing but an example needs it",
    "polars": "polars is not installed: nothing but an example needs it",
    "sklearn.callback": "callbacks came with scikit-learn 1.9",
}
"""Modules that an example may import and a machine may lack."""


# The README -------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_python_runs(tmp_path, monkeypatch):
    table, digits, numbers = blocks("python")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(table, "README.md", "exec"), names)
    assert names["probabilities"].shape == (1285, 13)
    exec(compile(digits, "README.md", "exec"), names)
    assert names["clf"].score(names["mnist"].X_test, names["mnist"].y_test) > 0.98
    exec(compile(numbers, "README.md", "exec"), names)
    assert (names["low"] < names["high"]).all()


def commands() -> list[list[str]]:
    """The lines that use the command line on a table."""
    lines = [line for line in README.read_text().splitlines() if line.startswith("multilayer ")]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[1:] for line in words if "mnist" not in line]


def test_commands_run(tmp_path, monkeypatch):
    typer_testing = pytest.importorskip("typer.testing")
    from multilayer._cli.main import app

    monkeypatch.chdir(tmp_path)
    flowers = load_iris(as_frame=True).frame.rename(columns={"target": "species"})
    flowers.to_csv("flowers.csv", index=False)
    flowers.to_csv("new.csv", index=False)
    assert len(commands()) >= 4
    for command in commands():
        result = typer_testing.CliRunner().invoke(app, command)
        assert result.exit_code == 0, (command, result.output)
    assert Path("predictions.csv").exists()


# The guides -------------------------------------------------------------------------------------


class Example(NamedTuple):
    """A block of Python, and what the block of text right after it says that it prints."""

    page: str
    line: int  # of the block's first line in its page
    code: str
    prints: str


EXAMPLE = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?", re.DOTALL | re.MULTILINE
)


def sections(page: str) -> dict[str, list[Example]]:
    """Examples under each heading of the second level; under "" those before the first one."""
    text = (ROOT / page).read_text()
    headings = [(0, ""), *((m.start(), m[1]) for m in re.finditer(r"^## (.*)$", text, re.M))]
    found: dict[str, list[Example]] = {title: [] for _, title in headings}
    for match in EXAMPLE.finditer(text):
        title = next(name for start, name in reversed(headings) if start <= match.start())
        line = text.count("\n", 0, match.start("code"))
        found[title].append(Example(page, line, match["code"], match["text"] or ""))
    return found


def run(example: Example, names: dict) -> None:
    """Execute an example, errors bearing the page's line numbers, and look at what it prints."""
    printed = io.StringIO()
    code = compile("\n" * example.line + example.code, ROOT / example.page, "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    same = doctest.OutputChecker().check_output(
        example.prints, printed.getvalue(), doctest.ELLIPSIS
    )
    assert same, f"{example.page}:{example.line}\n{printed.getvalue()}\nis not\n{example.prints}"


SLOW = {("docs/tabular.md", "In three lines")}
"""Sections that train for half a minute; the README's own example of them runs always."""

CASES = [
    pytest.param(
        page,
        title,
        id=f"{page}: {title or 'before all'}",
        marks=[pytest.mark.slow] if (page, title) in SLOW else [],
    )
    for page in GUIDES
    for title, examples in sections(page).items()
    if examples
]


@pytest.fixture
def no_figure_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.usefixtures("no_figure_stays_open")
@pytest.mark.parametrize(("page", "title"), CASES)
def test_sections_of_the_guides_run(page, title, tmp_path, monkeypatch):
    """Each by itself, after the examples at the top of its page."""
    monkeypatch.chdir(tmp_path)
    found = sections(page)
    examples = [*found[""], *found[title]] if title else found[""]
    for module, reason in OPTIONAL.items():
        if any(f"from {module} " in e.code or f"import {module}\n" in e.code for e in examples):
            pytest.importorskip(module, reason=reason)
    names = {"__name__": "guide"}
    for example in examples:
        run(example, names)


@pytest.mark.parametrize("page", GUIDES)
def test_no_example_is_overlooked(page):
    fences = re.findall(r"^```python$", (ROOT / page).read_text(), re.MULTILINE)
    assert len(fences) == sum(map(len, sections(page).values())) > 0
