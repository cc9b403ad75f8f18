"""What a table's header and cells mean: names, labels, missing values, row numbers."""

import warnings

import numpy as np
import pandas as pd
import pytest

from multilayer import MLPClassifier, load, save
from multilayer._cli.labels import text_labels
from multilayer._cli.table_files import Table
from multilayer._cli.tables import refuse_index, warn_of_index
from multilayer._core.errors import DataError

TARGET = ("--target", "kind")
NETWORK = ("--target", "kind", "--recipe", "table")
QUICK = ("--recipe", "table", "--hidden", "4", "--epochs", "2", "--quiet")


def write(frame, tmp_path, name, **more):
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, **{"index": False, "sep": "\t" if name.endswith("tsv") else ",", **more})
    return name


# Labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["0", "1", "10", "-3"], [0, 1, 10, -3]),
        (["00", "01"], ["00", "01"]),
        (["1", "NA"], ["1", "NA"]),
        (["NA", "EU"], ["NA", "EU"]),
        (["nan", "null", "None"], ["nan", "null", "None"]),
        (["True", "False"], [True, False]),
        (["true", "false"], ["true", "false"]),
        (["1.0", "2.0"], [1.0, 2.0]),
        (["1.00", "2.00"], ["1.00", "2.00"]),
        (["+1", "-1"], ["+1", "-1"]),
        (["1e3", "2e3"], ["1e3", "2e3"]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["-0", "1"], ["-0", "1"]),
        ([" a", "a"], [" a", "a"]),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:y has the label")
def test_labels_can_be_written_back_as_they_stand(texts, labels):
    found = text_labels(texts, "y")
    assert found.tolist() == labels
    assert [str(label) for label in found.tolist()] == texts


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1", "1.0"], "'1' and '1.0', which are the same number|'1.0' and '1'"),
        (["1", "01", "b"], "same number"),
        (["1.5", "2"], "continuous"),
        (["1e400", "1"], "infinite"),
    ],
    ids=str,
)
def test_labels_that_could_be_read_in_two_ways(texts, words):
    with pytest.raises(DataError, match=words):
        text_labels(texts, "y")


def test_a_name_for_missing_among_numbers_is_remarked_on():
    with pytest.warns(UserWarning, match="y has the label 'NA' among numbers"):
        text_labels(["1", "2", "NA"], "y")
    with warnings.catch_warnings(action="error"):
        text_labels(["one", "NA"], "y")


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_labels_are_written_back_as_in_the_file(run, frame, tmp_path, kind):
    codes = frame.assign(kind=np.where(frame["size"] > 0, "00", "NA"))
    data = write(codes, tmp_path, f"data.{kind}")
    assert run("train", data, *TARGET, *QUICK).code == 0
    assert load("data.safetensors")[-1].classes_.tolist() == ["00", "NA"]
    _, *lines = run("predict", "data.safetensors", data).out.splitlines()
    assert set(lines) <= {"00", "NA"}
    assert run("evaluate", "data.safetensors", data, "--json").json["rows"] == 200


@pytest.mark.parametrize("alone", ["10", "NA", "True"])
def test_a_file_of_some_classes_is_read_as_the_model_was(run, frame, tmp_path, alone):
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1, random_state=0)
    save(clf.fit(frame[["size"]], np.where(frame["size"] > 0, "00", alone)), tmp_path / "own")
    data = write(frame[["size"]].assign(kind=alone), tmp_path, "some.csv")
    found = run("evaluate", "own", data, *TARGET, "--json").json
    assert found["accuracy"] == load("own").score(frame[["size"]], np.full(200, alone))


def test_an_empty_cell_is_no_label(run, frame, tmp_path):
    some = frame.assign(kind=np.where(frame["size"] > 0, "NA", "EU").astype(object))
    some.loc[[3, 4], "kind"] = None
    assert "2 missing values" in run("train", write(some, tmp_path, "d.csv"), *TARGET).error


def test_a_feature_called_na_is_missing(run, frame, tmp_path):
    data = write(
        frame.assign(size=frame["size"].where(frame["size"] > 0)), tmp_path, "d.csv", na_rep="NA"
    )
    assert "missing values: 'size' (" in run("train", data, *NETWORK).error


def test_several_columns_of_classes_are_not_measured(run, frame, tmp_path):
    clf = MLPClassifier((2,), learning_rate="cosine", max_iter=1)
    y = np.column_stack([frame["size"] > 0, frame["width"] > 0]).astype(str)
    save(clf.fit(frame[["size"]].to_numpy(), y), tmp_path / "own")
    data = write(frame, tmp_path, "d.csv")
    assert "must predict one column" in run("evaluate", "own", data, *TARGET).error
    frame[["size"]].to_csv(tmp_path / "new.csv", index=False)
    assert "must predict one column" in run("predict", "own", "new.csv", "--proba").error
    assert run("predict", "own", "new.csv").code == 0


# Header ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_name_twice_in_the_header(run, frame, tmp_path, kind):
    twice = pd.concat([frame, frame[["size"]]], axis=1)
    data = write(twice, tmp_path, f"data.{kind}")
    assert "more than one column named 'size'" in run("train", data, *TARGET).error


def test_more_values_than_names(run, tmp_path):
    (tmp_path / "d.csv").write_text("size,kind\n" + "1.5,2.5,a\n0.5,1.5,b\n" * 20)
    assert "rows of more values than its header" in run("train", "d.csv", *TARGET).error


# Row numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_an_index_that_pandas_wrote(run, frame, tmp_path, kind):
    data = write(frame, tmp_path, f"data.{kind}", index=True)
    message = run("train", data, *NETWORK).error
    assert "without a name, 'Unnamed: 0'" in message
    assert "(--drop 'Unnamed: 0')" in message
    assert "(--keep 'Unnamed: 0')" in message
    assert run("train", data, *TARGET, "--drop", "Unnamed: 0", *QUICK).code == 0
    assert "Unnamed: 0" not in load("data.safetensors").feature_names_in_
    assert run("train", data, *TARGET, "--keep", "Unnamed: 0", *QUICK).code == 0
    assert "Unnamed: 0" in load("data.safetensors").feature_names_in_


def test_an_index_in_new_rows(run, model, frame, tmp_path):
    data = write(frame, tmp_path, "new.csv", index=True)
    assert "Leave them out: --drop 'Unnamed: 0'" in run("predict", model, data).error


N = 40
REFUSED = {
    "from 0": np.arange(N),
    "from 1": np.arange(1, N + 1),
    "floats": np.arange(N, dtype=float),
    "small": np.arange(N, dtype="int8"),
}
REMARKED = {
    "years": np.arange(1980, 1980 + N),
    "gaps": np.arange(N) ** 2 + 3,
    "shuffled": np.random.default_rng(0).permutation(N),
}
FINE = {
    "few rows": np.arange(9),
    "repeated": np.arange(N) // 2,
    "falling and rising": np.abs(np.arange(N) - 7),
    "fractions": np.arange(N) / 4,
    "text": np.arange(N).astype(str).astype(object),
    "truth": np.arange(N) > 3,
    "missing": np.where(np.arange(N) > 3, np.arange(N), np.nan),
}


def one_column(values):
    return Table(path="t.parquet", frame=pd.DataFrame({"row id": values}), unnamed=[])


@pytest.mark.parametrize("case", REFUSED)
def test_columns_that_count_the_rows(case):
    table = one_column(REFUSED[case])
    with pytest.raises(DataError, match=r"\(--drop 'row id'\), or .*\(--keep 'row id'\)"):
        refuse_index(table, ["row id"], [])
    with warnings.catch_warnings(action="error"):
        refuse_index(table, ["row id"], ["row id"])


@pytest.mark.parametrize("case", REMARKED)
def test_columns_that_may_number_the_rows(case):
    with pytest.warns(UserWarning, match="seem to number its rows: 'row id'.*--drop 'row id'"):
        refuse_index(one_column(REMARKED[case]), ["row id"], [])
    with warnings.catch_warnings(action="error"):
        refuse_index(one_column(REMARKED[case]), ["row id"], ["row id"])


@pytest.mark.parametrize("case", FINE)
def test_columns_that_number_nothing(case):
    with warnings.catch_warnings(action="error"):
        refuse_index(one_column(FINE[case]), ["row id"], [])


def test_columns_of_arrays_that_number_the_rows():
    X = np.random.default_rng(0).normal(size=(N, 3))
    with warnings.catch_warnings(action="error"):
        warn_of_index(X, "X")
        warn_of_index(np.sort(X, axis=0), "X")
    X[:, 1] = np.arange(N)
    with pytest.warns(UserWarning, match="X has columns of whole numbers.*: columns 1"):
        warn_of_index(X, "X")


def test_a_remark_is_one_line(run, frame, tmp_path):
    data = write(frame.assign(year=np.arange(1800, 2000)), tmp_path, "d.csv")
    ran = run("train", data, *TARGET, *QUICK)
    assert ran.code == 0
    (line,) = ran.err.splitlines()
    assert line.startswith("warning: d.csv has columns of whole numbers")
    assert run("train", data, *TARGET, "--keep", "year", *QUICK).err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--keep", "knd"), "--keep must be a column"),
        (("--keep", "kind"), "not the target, nor dropped"),
        (("--keep", "size", "--drop", "size"), "not the target, nor dropped"),
    ],
    ids=str,
)
def test_columns_that_cannot_be_kept(run, table, options, words):
    assert words in run("train", table, *TARGET, *options).error


def test_arrays_have_no_columns_to_keep(run):
    assert "--keep must be left out" in run("train", "mnist", "--keep", "x").error
