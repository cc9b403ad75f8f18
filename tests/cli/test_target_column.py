"""Classes or numbers: what the target column of a table is taken for."""

import numpy as np
import pandas as pd
import pytest

from multilayer._cli.settings import TableFormat
from multilayer._cli.table_files import read_table
from multilayer._cli.target_column import are_classes, read_target
from multilayer._core.errors import DataError

RNG = np.random.default_rng(0)
N = 100
COLUMNS = {
    "text": (RNG.choice(["a", "b"], N), "classification"),
    "truth": (RNG.random(N) > 0.5, "classification"),
    "two numbers": (RNG.integers(0, 2, N), "classification"),
    "few whole numbers": (RNG.integers(0, 10, N), "classification"),
    "whole floats": (RNG.integers(0, 3, N).astype(float), "classification"),
    "codes": (np.array(["01", "02"])[RNG.integers(0, 2, N)], "classification"),
    "many whole numbers": (RNG.integers(0, 60, N), "regression"),
    "fractions": (RNG.normal(size=N), "regression"),
    "few fractions": (RNG.integers(0, 3, N) / 2, "regression"),
}


EITHER = {"two numbers", "few whole numbers", "whole floats", "many whole numbers"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("case", COLUMNS)
def test_the_task_follows_from_the_target(tmp_path, case, kind):
    values, task = COLUMNS[case]
    path, frame = tmp_path / f"d.{kind}", pd.DataFrame({"y": values})
    _ = frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    found = read_target(read_table(path, "y"), "y", None)
    assert found.task == task
    assert found.values.tolist() == values.tolist()
    assert found.either == (case in EITHER)
    if values.dtype.kind in "if":
        assert read_target(read_table(path, "y"), "y", "regression").values.tolist() == list(values)


def test_nullable_and_categorical_types(tmp_path):
    path = tmp_path / "d.parquet"
    y = pd.Series(RNG.integers(0, 60, N))
    frame = pd.DataFrame(
        {
            "whole": y.astype("Int64"),
            "category": (y % 3).astype("category"),
            "truth": (y > 30).astype("boolean"),
        }
    )
    frame.to_parquet(path)
    tasks = {name: read_target(read_table(path), name, None).task for name in frame}
    assert tasks == {
        "whole": "regression",
        "category": "classification",
        "truth": "classification",
    }


@pytest.mark.parametrize(("n_classes", "n_rows", "few"), [(20, 100, True), (21, 200, False)])
def test_few_numbers(n_classes, n_rows, few):
    numbers = np.arange(n_rows, dtype=float) % n_classes
    assert are_classes(numbers) == few
    assert not are_classes(numbers[: 4 * n_classes])  # too few rows of each
    assert are_classes(np.arange(4.0) % 2)  # two are always classes


def test_a_decimal_comma(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("y;x\n" + "".join(f"{i},5;1\n" for i in range(30)))
    found = read_target(read_table(path, "y", TableFormat(";", ",")), "y", None)
    assert (found.task, found.values[3]) == ("regression", 3.5)


@pytest.mark.parametrize(
    ("cells", "task", "words"),
    [
        (["1.5", "2.5", "NA"] * 9, None, "has 9 missing values"),
        (["1.5", "2.5", ""] * 9, None, "has 9 missing values"),
        (["1.5", "1e999", "2"] * 9, None, "infinite values"),
        (["2.5"] * 9, None, "one value only: 2.5"),
        (["a"] * 9, None, "one class only: 'a'"),
        ([f"n{i}" for i in range(30)], None, "30 distinct values in 30 rows: is it a class"),
        (["a", "b"] * 9, "regression", "must have numbers for --task regression, got 'a', 'b'"),
        (["1.5", "2"] * 9, "classification", "continuous"),
    ],
    ids=str,
)
def test_targets_that_cannot_be_learned(tmp_path, cells, task, words):
    path = tmp_path / "d.csv"
    pd.DataFrame({"y": cells, "x": 1}).to_csv(path, index=False)
    with pytest.raises(DataError, match=words):
        read_target(read_table(path, "y"), "y", task)


def test_na_is_a_class_among_few_numbers(tmp_path):
    path = tmp_path / "d.csv"
    pd.DataFrame({"y": ["1", "2", "NA"] * 9, "x": 1}).to_csv(path, index=False)
    with pytest.warns(UserWarning, match="the label 'NA' among numbers"):
        assert read_target(read_table(path, "y"), "y", None).values.tolist()[:3] == ["1", "2", "NA"]
