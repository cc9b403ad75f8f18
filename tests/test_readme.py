"""What the README shows runs as written."""

import re
import shlex
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def test_python_runs(tmp_path, monkeypatch):
    (example,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["clf"].score(names["mnist"].X_test, names["mnist"].y_test) > 0.98


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
