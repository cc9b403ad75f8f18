"""Whatever is wrong with a command, its data or its files becomes one clear line."""

import builtins
import sys

import numpy as np
import pytest

TARGET = ("--target", "kind")
NETWORK = ("--target", "kind", "--recipe", "table")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train"], "Missing argument 'DATA'"),
        (["trian"], "No such command"),
        (["train", "mnist", "--bogus"], "No such option"),
        (["train", "mnist", "--epochs", "0"], "--epochs"),
        (["train", "mnist", "--batch-size", "1"], "--batch-size must be at least 2"),
        (["train", "mnist", "--epochs", "x"], "--epochs"),
        (["train", "mnist", "--solver", "lbfgs"], "--solver must be one of"),
        (["train", "mnist", "--activation", "swish"], "--activation must be one of"),
        (["train", "mnist", "--recipe", "slow"], "--recipe must be one of"),
        (["train", "mnist", "--hidden", "3,x"], "--hidden must be"),
        (["train", "mnist", "--hidden", "0"], "--hidden must be"),
        (["train", "mnist", "--learning-rate", "0"], "--learning-rate must be"),
        (["train", "mnist", "--learning-rate", "nan"], "--learning-rate must be"),
        (["train", "mnist", "--dropout", "1"], "--dropout must be"),
        (["train", "mnist", "--seed", "-1"], "--seed must be"),
        (["train", "mnist", "--seed", "4294967296"], "--seed must be"),
        (["train", "mnist", "--target", "x"], "--target must be left out"),
        (["train", "mnist", "--drop", "x"], "--drop must be left out"),
        (["train", "mnist", "--test-fraction", "0.1"], "--test-fraction must be left out"),
        (["train", "mnits"], "Did you mean mnist?"),
        (["train", "none.csv"], "file not found: none.csv"),
        (["train", "."], "got the folder"),
        (["evaluate", "none.safetensors", "mnist"], "model file not found"),
        (["predict", "none.safetensors", "mnist"], "model file not found"),
        (["info", "none.safetensors"], "model file not found"),
        (["info", "."], "folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_command_lines(run, args, words):
    assert words in run(*args).error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "The columns of things.csv: 'size', 'width', 'flag', 'kind'"),
        (["--target", "knd"], "Did you mean 'kind'?"),
        (["--target", "size", "--recipe", "table"], "continuous (200 distinct values in 200 rows)"),
        ([*TARGET, "--drop", "none"], "--drop must be a column"),
        ([*TARGET, "--drop", "size", "--drop", "width", "--drop", "flag"], "no column left"),
        ([*NETWORK, "--weight-decay", "0.1", "--solver", "sgd"], "unless the solver is adamw"),
        ([*NETWORK, "--validation-fraction", "0.5", "--test-fraction", "0.5"], "must leave rows"),
        ([*NETWORK, "--validation-fraction", "0.001"], "would have 0 rows for 2 classes"),
        ([*TARGET, "-m", "no/model"], "does not exist"),
        ([*TARGET, "-m", "."], "is a folder"),
        ([*TARGET, "-m", "things.csv"], "would be replaced"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_for_a_table(run, table, options, words, tmp_path):
    assert words in run("train", table, *options).error
    assert [path.name for path in tmp_path.iterdir()] == ["things.csv"]


def change(frame, column, rows, value):
    frame = frame.copy()
    frame[column] = frame[column].astype(object) if column == "kind" else frame[column]
    frame.loc[rows, column] = value
    return frame


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda f: f.assign(city="Paris", town="x"), "--drop city --drop town"),
        (lambda f: f.assign(day=np.datetime64("2020-01-01")), "not numbers: 'day'"),
        (lambda f: change(f, "size", [3, 4], np.nan), "missing values: 'size' (2)"),
        (lambda f: change(f, "size", [3], np.inf), "infinite values: 'size' (1)"),
        (lambda f: change(f, "kind", [3, 4], None), "2 missing values"),
        (lambda f: change(f, "kind", [3], "rare"), "fewer than 2 rows: 'rare'"),
        (lambda f: f.assign(kind="same"), "one class only: 'same'"),
        (lambda f: f.assign(kind=np.arange(200)), "200 distinct values: is it a class?"),
        (lambda f: f.iloc[:0], "no rows"),
        (lambda f: f.iloc[:9].assign(kind=[1, 1, 2, 2, 3, 3, 4, 4, 4]), "1 row for 4 classes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contents_of_a_table(run, frame, tmp_path, alter, words):
    alter(frame).to_csv(tmp_path / "data.csv", index=False)
    assert words in run("train", "data.csv", *NETWORK).error


def test_headers(run, frame, tmp_path):
    frame.to_csv(tmp_path / "wide.csv", index=False, sep=";")
    assert "another sign" in run("train", "wide.csv", *TARGET).error
    frame[["size", "width"]].to_csv(tmp_path / "bare.csv", index=False, header=False)
    assert "lack its header" in run("train", "bare.csv", *TARGET).error


@pytest.mark.parametrize("name", ["data.csv", "data.tsv", "data.parquet", "data.npz"])
@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 8], ids=["empty", "noise"])
def test_unreadable_files(run, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert name in run("train", name, *(() if name.endswith("npz") else TARGET)).error


@pytest.mark.parametrize("kind", ["parquet", "npz"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_files(run, frame, tmp_path, kind, share):
    path = tmp_path / f"data.{kind}"
    if kind == "npz":
        np.savez(path, X=np.ones((50, 2)), y=np.arange(50) % 2)
    else:
        frame.to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert (
        f"cannot read data.{kind}" in run("train", path.name, *TARGET[: 2 * (kind != "npz")]).error
    )


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": 1, "labels": 2}, "got the arrays 'images', 'labels'"),
        ({"X": np.ones((4, 2))}, "got the arrays 'X'"),
        ({"X": np.ones((4, 2)), "y": np.arange(3)}, "4 rows, but y has 3 labels"),
        ({"X": np.ones((4, 2, 2)), "y": np.arange(4)}, "(4, 2, 2)"),
        ({"X": np.full((4, 2), np.nan), "y": np.arange(4)}, "8 missing"),
        ({"X": np.array([["a"]]), "y": np.arange(1)}, "must contain numbers"),
        ({"X": np.ones((4, 2)), "y": np.array([1, "a", 2, 3], object)}, "Python objects"),
        ({"X": np.ones((4, 2)), "y": np.linspace(0, 1, 4)}, "continuous"),
        ({"X": np.ones((4, 2)), "y": np.ones((4, 2))}, "one label per row"),
        (
            {
                "X_train": np.ones((8, 2)),
                "y_train": np.arange(8) % 2,
                "X_valid": np.ones((4, 3)),
                "y_valid": np.arange(4) % 2,
            },
            "must have 2 columns",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contents_of_an_archive(run, tmp_path, arrays, words):
    np.savez(tmp_path / "data.npz", **arrays)
    assert words in run("train", "data.npz").error


def test_missing_extra(run, table, monkeypatch):
    original = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pandas"]:
        monkeypatch.delitem(sys.modules, name)
    assert "pip install pandas" in run("train", table, *TARGET).error


# Models and data that do not fit ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda f: f.rename(columns={"width": "widht"}), "Is 'width' what is called 'widht' here?"),
        (lambda f: f.assign(extra=1), "--drop extra"),
        (lambda f: f.drop(columns="flag"), "was trained on: 'flag'"),
        (lambda f: change(f, "kind", [0, 1], "new"), "does not know: 'new'"),
        (lambda f: f.assign(kind=np.arange(200) % 2), "does not know: '0', '1'"),
    ],
    ids=["renamed", "extra", "lacking", "new label", "numbers"],
)
def test_evaluate_other_columns(run, model, frame, tmp_path, alter, words):
    alter(frame).to_csv(tmp_path / "new.csv", index=False)
    assert words in run("evaluate", model, "new.csv").error


def test_other_number_of_columns(run, model, tmp_path):
    np.savez(tmp_path / "data.npz", X=np.ones((4, 2)))
    assert "must have the 3 columns" in run("predict", model, "data.npz").error
    assert "must have the 3 columns" in run("predict", model, "mnist").error


def test_model_of_another_kind(run, table, model):
    assert "not a model file" in run("evaluate", table, table).error
    assert "not a model file" in run("info", table).error


def test_output_of_predictions(run, table, model):
    assert "does not exist" in run("predict", model, table, "-o", "no/p.csv").error
    assert "would replace" in run("predict", model, table, "-o", table).error
    assert "would replace" in run("predict", model, table, "-o", model).error
