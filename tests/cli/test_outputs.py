"""What reaches a terminal, a pipe or a full disk: nothing raw, no traceback, an exit code."""

import csv
import io
import os
import subprocess
import sys
import unicodedata

import numpy as np
import pandas as pd
import pytest

from multilayer import MLPClassifier, save
from multilayer._cli import console, main, predict
from multilayer._cli.console import ESCAPED, plain

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")},
    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
}
COMMAND = [sys.executable, "-m", "multilayer"]
NETWORK = ("--target", "kind", "--recipe", "table")
HOSTILE = {
    "escape sequence": "\x1b[31mred",
    "window title": "\x1b]0;owned\x07",
    "one-byte sequence": "\x9b31mred",
    "carriage return": "good\rbad",
    "line feed": "one\ntwo",
    "right to left": "\u202egpj.exe",
    "isolate": "\u2066hidden\u2069",
    "zero width": "pay\u200bpal",
    "line separator": "one\u2028two",
    "private": "\ue000",
    "tag": "\U000e0041",
    "markup": "[red]x[/red] :smile:",
}
HONEST = ["café", "질병", "بله", "हिन्दी", "漢字\u3000かな", "a\u00a0b", "🙂"]


def assert_harmless(text):
    bad = [c for c in text if c != "\n" and unicodedata.category(c) in ESCAPED]
    assert not bad


@pytest.mark.parametrize("text", HONEST)
def test_letters_of_every_script_stay(text):
    assert plain(text) == text


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_control_or_format_character_stays(kind):
    shown = plain(HOSTILE[kind])
    assert_harmless(shown)
    assert "\n" not in shown
    assert (shown == HOSTILE[kind]) == (kind == "markup")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A model and its table, whose labels, column names and file names are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    names = list(HOSTILE.values())
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20 * len(names), len(names))), columns=names)
    y = np.array(names * 20, object)
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1, random_state=0).fit(X, y)
    save(clf, folder / "\u202em.safetensors")
    how = {"index": False, "quoting": csv.QUOTE_NONNUMERIC}
    X.assign(kind=y).to_csv(folder / "\u202ed.csv", **how)
    X.assign(kind=y, more="\x1b[31m").to_csv(folder / "more.csv", **how)
    return folder


OWN = ("\u202em.safetensors", "\u202ed.csv")
COMMANDS = {
    "evaluate": ("evaluate", *OWN, "--target", "kind"),
    "evaluate, JSON": ("evaluate", *OWN, "--target", "kind", "--json"),
    "predict": ("predict", *OWN, "--drop", "kind"),
    "predict shares": ("predict", *OWN, "--drop", "kind", "--proba"),
    "predict, JSON": ("predict", *OWN, "--drop", "kind", "--json"),
    "predict to a file": ("predict", *OWN, "--drop", "kind", "-o", "\x1b[31mp.csv"),
    "info": ("info", OWN[0]),
    "info, JSON": ("info", OWN[0], "--json"),
    "export": ("export", OWN[0], "--onnx", "\u202em.onnx"),
    "train": ("train", OWN[1], *NETWORK, "--hidden", "2", "--epochs", "1", "-m", "m\x07"),
}
REFUSED = {
    "other columns": ("predict", OWN[0], "more.csv", "--drop", "kind"),
    "text in a column": ("train", "more.csv", *NETWORK),
    "no such column": ("train", OWN[1], "--target", "\x1b[31m"),
    "no such file": ("train", "\x1b[31m.csv"),
    "no such option": ("train", OWN[1], "--\x1b[31m"),
    "no such command": ("\x1b[31m",),
}


@pytest.mark.parametrize("name", COMMANDS | REFUSED)
def test_nothing_reaches_a_terminal_raw(run, hostile, monkeypatch, name):
    monkeypatch.chdir(hostile)
    monkeypatch.setattr(predict, "to_terminal", lambda: True)
    ran = run(*(COMMANDS | REFUSED)[name])
    assert ran.code == (2 if name in REFUSED else 0), ran.err
    shown = ran.out + ran.err
    assert_harmless(shown)
    spelt = ("x1b[31m", "u001b[31m", "u202e", "x07")
    assert any(text in shown for text in spelt)
    assert "[red]" not in shown or "[red]x[/red] :smile:" in shown


def test_data_in_a_pipe_are_as_they_are(run, hostile, monkeypatch):
    monkeypatch.chdir(hostile)
    ran = run(*COMMANDS["predict"])
    out = ran.out
    assert ran.err == ""
    found = pd.read_csv(io.StringIO(out), keep_default_na=False)["prediction"]
    assert set(found) <= set(HOSTILE.values())
    assert any(c in out for c in "\x1b\u202e\u200b\ue000\x9b\U000e0041\u2066\u2028")


# Formulas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("\tx", "'\tx"),
        ("-1.5", "-1.5"),
        ("red", "red"),
        (-1.5, -1.5),
        (-3, -3),
        (True, True),
    ],
    ids=repr,
)
def test_cells_without_formulas(label, cell):
    assert predict._cell(label, formulas=True, terminal=False) == cell
    assert predict._cell(label, formulas=False, terminal=False) == label


def test_formulas_are_escaped_on_request(run, frame, tmp_path):
    y = np.where(frame["size"] > 0, "=1+1", "-2+3")
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1, random_state=0)
    save(clf.fit(frame[["size"]], y), tmp_path / "m")
    frame[["size"]].to_csv(tmp_path / "d.csv", index=False)
    assert set(run("predict", "m", "d.csv").out.split()[1:]) <= {"=1+1", "-2+3"}
    assert set(run("predict", "m", "d.csv", "--escape-formulas").out.split()[1:]) <= {
        "'=1+1",
        "'-2+3",
    }
    run("predict", "m", "d.csv", "--escape-formulas", "-o", "p.csv")
    assert set((tmp_path / "p.csv").read_text().split()[1:]) <= {"'=1+1", "'-2+3"}


# Pipes, disks, encodings ----------------------------------------------------------------------


def call(*args, cwd, **more):
    return subprocess.run(
        [*COMMAND, *args],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": cwd, "env": ENVIRONMENT}
        | more,
        check=False,
    )


def test_an_encoding_that_lacks_a_label(tmp_path):
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1)
    save(clf.fit([[0.0], [1.0]] * 9, ["café", "thé"] * 9), tmp_path / "m")
    done = call("info", "m", cwd=tmp_path, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"'caf\xe9'" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux's")
@pytest.mark.parametrize("args", [("info", "{}"), ("info", "{}", "--json"), ("--help",)], ids=str)
def test_a_full_disk(model, tmp_path, args):
    with open("/dev/full", "w") as full:
        done = call(*(arg.format(model) for arg in args), cwd=tmp_path, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.endswith(b"No space left on device.\n")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="pipes are another matter on Windows")
@pytest.mark.parametrize("args", [("info", "{}"), ("info", "{}", "--json"), ("--help",)], ids=str)
def test_a_pipe_that_nobody_reads(model, tmp_path, args):
    reader, writer = os.pipe()
    os.close(reader)
    done = call(*(arg.format(model) for arg in args), cwd=tmp_path, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (main.NO_READER, b"")


def test_no_standard_output(run, model, monkeypatch):
    monkeypatch.setattr(console.sys, "stdout", None)
    assert main.main(["info", model]) == 2
    assert main.main(["info", model, "--json"]) == 2


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), OSError("odd")], ids=str)
def test_any_failure_of_the_system_is_one_line(run, table, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("multilayer._cli.tabular_training.find_source", fail)
    assert str(error.strerror or error) in run("train", table, "--target", "kind").error


@pytest.mark.skipif(os.name == "nt", reason="a pipe with a name is POSIX")
def test_a_pipe_is_no_data(run, tmp_path):
    os.mkfifo(tmp_path / "d.csv")
    assert "not a regular file" in run("train", "d.csv", "--target", "kind").error


def test_a_name_with_a_nul(run):
    assert "null" in run("train", "a\0b.csv", "-m", "m").error


# Hints ----------------------------------------------------------------------------------------


def test_hints_can_be_copied(run, frame, tmp_path):
    spaced = frame.rename(columns={"size": "the size"}).assign(**{"a name": "x"})
    spaced.to_csv(tmp_path / "the data.csv", index=False)
    args = ("train", "the data.csv", *NETWORK)
    assert "leave them out: --drop 'a name'" in run(*args).error
    ran = run(*args, "--drop", "a name", "--hidden", "2", "--epochs", "1")
    assert "next: multilayer predict 'the data.safetensors' NEW_ROWS.csv" in ran.out
    frame.assign(**{"a name": 1}).to_csv(tmp_path / "new.csv", index=False)
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1).fit(
        frame[["size"]], frame["kind"]
    )
    save(clf, tmp_path / "m")
    assert "--drop 'a name'" in run("predict", "m", "new.csv").error


@pytest.mark.parametrize(
    ("args", "end"),
    [
        (("trian",), "Did you mean 'train'? See: multilayer --help"),
        (("train",), "'DATA'. See: multilayer train --help"),
    ],
)
def test_one_sign_at_the_end(run, args, end):
    assert run(*args).error.endswith(end)
