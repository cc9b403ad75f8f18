"""A small table whose classes can be told apart, and a way to run commands in this process."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from multilayer._cli.main import main

QUICK = ["--recipe", "table", "--hidden", "8", "--epochs", "5", "--learning-rate", "0.05"]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The one line of a refusal."""
        assert self.code == 2
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line.removeprefix("error: ")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*args):
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def make_frame():
    rng = np.random.default_rng(0)
    size, width = rng.normal(size=(2, 200))
    frame = pd.DataFrame({"size": size, "width": 100 * width, "flag": rng.random(200) > 0.5})
    frame["kind"] = np.where(size + width > 0, "long [bold]kind", "other")
    return frame


@pytest.fixture
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def written():
    """Return the bytes of the table as a CSV file."""
    return make_frame().to_csv(index=False).encode()


@pytest.fixture
def table(frame, tmp_path):
    """Write the table as a CSV file."""
    frame.to_csv(tmp_path / "things.csv", index=False)
    return "things.csv"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return the bytes of a model trained on the table."""
    folder = tmp_path_factory.mktemp("trained")
    make_frame().to_csv(folder / "things.csv", index=False)
    model = folder / "things.safetensors"
    data = str(folder / "things.csv")
    code = main(["train", data, "--target", "kind", "-m", str(model), "--quiet", *QUICK])
    assert code == 0
    return model.read_bytes()


@pytest.fixture
def model(trained, tmp_path):
    (tmp_path / "things.safetensors").write_bytes(trained)
    return "things.safetensors"
