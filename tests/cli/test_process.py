"""The command as a process: exit codes, what it loads, what it writes where, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")},
    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
}
COMMAND = [sys.executable, "-m", "multilayer"]


def call(*args, cwd):
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=False
    )


def loaded(*commands, cwd):
    """Run command lines in one process; return the code of each and the heavy packages loaded."""
    code = (
        "import json, sys; from multilayer._cli.main import main\n"
        "heavy = ('jax', 'sklearn', 'scipy', 'pandas', 'numpy')\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    code = main(command)\n"
        "    print(code, *[name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, json.dumps(commands)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=True
    )
    return done.stderr.splitlines()[-len(commands) :]


def test_help_loads_nothing_heavy_and_info_neither_jax_nor_scikit_learn(model, tmp_path):
    helps = [
        ["--help"],
        ["train", "--help"],
        ["export", "--help"],
        ["report", "--help"],
        ["tune", "--help"],
    ]
    light = [*helps, ["--version"], []]
    found = loaded(*light, ["info", model], cwd=tmp_path)
    assert found == ["0"] * len(light) + ["0 numpy"]


def test_every_command_explains_itself(run):
    for command in ("train", "tune", "evaluate", "predict", "report", "info", "export"):
        done = run(command, "--help")
        assert done.code == 0
        assert done.err == ""
        assert f"multilayer {command}" in done.out


def words(line):
    """The environment in which a shell requests what may follow a command line."""
    numbers = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    return {**numbers, "_MULTILAYER_COMPLETE": "complete_bash"}


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("multilayer train x.csv --rec", ["--recipe"]),
        ("multilayer train x.csv --recipe ta", ["tabular", "table"]),
        ("multilayer train x.csv --task r", ["regression"]),
        ("multilayer train x.csv --class-weight b", ["balanced"]),
        ("multilayer train x.csv --solver ada", ["adam", "adamw", "adagrad"]),
        ("multilayer tune x.csv --refit 1", ["1se"]),
        ("multilayer predict m x.csv --pr", ["--proba"]),
    ],
)
def test_shells_complete(run, monkeypatch, line, proposed):
    for name, value in words(line).items():
        monkeypatch.setenv(name, value)
    done = run()
    assert (done.code, done.err) == (0, "")
    assert sorted(done.out.split()) == sorted(proposed)


def test_a_shell_completes_by_a_process(tmp_path):
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**ENVIRONMENT, **words("multilayer ev")},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["evaluate"]


def test_the_script_of_a_shell(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--show-completion", "bash"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**ENVIRONMENT, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        check=False,
    )
    assert done.returncode == 0
    assert "_MULTILAYER_COMPLETE=complete_bash" in done.stdout


def test_completion_is_installed(tmp_path):
    home = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [*COMMAND, "--install-completion", "bash"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**ENVIRONMENT, **home},
        check=False,
    )
    assert done.returncode == 0
    assert "multilayer" in (tmp_path / ".bash_completions" / "multilayer.sh").read_text()


def test_refusal(tmp_path):
    done = call("train", "none.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: file not found")
    assert done.stderr.count("\n") == 1


def test_unexpected_failures_keep_their_traceback(tmp_path):
    code = (
        "from multilayer._cli import main\n"
        "from multilayer.datasets import _mnist\n"
        "def fail(): raise RuntimeError('broken')\n"
        "_mnist._read = fail\n"
        "main.main(['train', 'mnist'])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("RuntimeError: broken\n")


def test_reader_that_leaves_early(model, table, tmp_path):
    with subprocess.Popen(
        [*COMMAND, "predict", model, table],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141  # as a shell reports the end by SIGPIPE


# A shell's background job hands an ignored SIGINT down to everything it starts, CI among it.
INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from multilayer._cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter on Windows")
def test_interrupt_keeps_the_network(tmp_path, run):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_000, 20)).astype(np.float32)
    np.savez(tmp_path / "data.npz", X=X, y=(X[:, 0] > 0).astype(int))
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            INTERRUPTIBLE,
            "train",
            "data.npz",
            *["--epochs", "5000", "--hidden", "32"],
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=ENVIRONMENT,
    ) as process:
        while not (line := process.stderr.readline()).startswith("epoch "):
            assert line, "training ended by itself"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Interrupted after" in out
    assert run("evaluate", "data.safetensors", "data.npz", "--json").json["accuracy"] > 0.8


def test_digits_are_learnt_without_scikit_learn(tmp_path):
    """Importing it takes longer than training on them."""
    quick = ("--hidden", "8", "--epochs", "1", "--batch-size", "500")
    assert loaded(["train", "mnist", "--quiet", *quick], cwd=tmp_path) == ["0 numpy"]
