"""Tables in files of every kind: what is read is what was written."""

import gzip
import importlib.util
import io
import sys

import numpy as np
import pandas as pd
import pytest

from multilayer._cli.settings import TableFormat, table_format
from multilayer._cli.table_files import KINDS, ending_of, find_source, read_table
from multilayer._core.errors import DataError, InvalidArgumentError

FRAME = pd.DataFrame(
    {
        "zip": ["01234", "94110", "00501"],
        "price": [1.5, np.nan, 3.25],
        "rooms": [3, 4, 5],
        "town": ["Málaga", None, "Köln"],
        "label": ["01", "NA", "1"],
    }
)
HAS_EXCEL = importlib.util.find_spec("openpyxl") is not None


def write(path, frame=FRAME):
    name = path.name
    if name.endswith(".jsonl"):
        frame.to_json(path, orient="records", lines=True)
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".feather"):
        frame.to_feather(path)
    elif name.endswith(".xlsx"):
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return path


def same(read, written):
    """Whether two columns have the same values, None and NaN alike."""
    return [None if value != value else value for value in read] == [
        None if value != value else value for value in written
    ]


ENDINGS = [ending for ending in KINDS if ending not in (".xlsx", ".jsonl.gz")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_gives_the_same_columns(tmp_path, ending):
    table = read_table(write(tmp_path / f"d{ending}"), "label")
    assert table.columns == list(FRAME)
    for name in FRAME:
        assert same(table.frame[name], FRAME[name]), (name, table.frame[name].tolist())
    assert table.typed == (ending in (".jsonl", ".parquet", ".feather"))


@pytest.mark.parametrize("name", ["D.CSV", "d.Csv.GZ"])
def test_the_end_of_a_name_in_capitals(tmp_path, name):
    text = FRAME.to_csv(index=False).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("GZ") else text)
    assert len(read_table(find_source(str(tmp_path / name)))) == 3
    assert ending_of(tmp_path / name) == name[1:].lower()


def test_signs_and_encoding(tmp_path):
    path = tmp_path / "d.csv"
    FRAME.to_csv(path, index=False, sep=";", decimal=",", encoding="latin-1")
    form = table_format(";", ",", "latin-1")
    table = read_table(path, "label", form)
    for name in FRAME:
        assert same(table.frame[name], FRAME[name]), name
    with pytest.raises(DataError, match=r"no text in utf-8. Give its encoding, such as --encoding"):
        read_table(path, "label", table_format(";", None, None))


def test_standard_input(monkeypatch):
    content = io.BytesIO(FRAME.to_csv(index=False).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    table = read_table(find_source("-"), "label")
    assert same(table.frame["label"], FRAME["label"])
    assert same(table.frame["zip"], FRAME["zip"])
    assert str(table.path) == "standard input"
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="there is no standard input"):
        read_table(find_source("-"))


def test_columns_that_are_text_to_a_model_stay_text(tmp_path):
    path = write(tmp_path / "d.csv", pd.DataFrame({"code": [1, 2], "n": [1, 2]}))
    assert read_table(path, as_text=["code"]).frame["code"].tolist() == ["1", "2"]
    assert read_table(path, as_text=["code", "absent"]).frame["n"].tolist() == [1, 2]


def test_codes_beyond_the_sample_are_numbers(tmp_path):
    """Leading zeros are looked for in the first rows alone: the rest is read once."""
    path = tmp_path / "d.csv"
    path.write_text("a,b\n" + "1,01\n" * 2000 + "02,1\n")
    frame = read_table(path).frame
    assert frame["a"].iloc[-1] == 2
    assert frame["b"].iloc[0] == "01"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("ab", None, None), "--sep must be one sign"),
        ((None, ".,", None), "--decimal must be one sign"),
        ((None, None, "latin-99"), "--encoding must be an encoding that Python knows"),
    ],
    ids=str,
)
def test_formats_that_are_none(options, words):
    with pytest.raises(InvalidArgumentError, match=words):
        table_format(*options)


def test_a_format_that_has_no_meaning(tmp_path):
    assert table_format("tab", None, None) == TableFormat("\t")
    with pytest.raises(InvalidArgumentError, match="--sep must be left out unless"):
        read_table(write(tmp_path / "d.parquet"), form=TableFormat(sep=";"))
    with pytest.raises(InvalidArgumentError, match="--decimal must be another sign"):
        read_table(write(tmp_path / "d.csv"), form=TableFormat(decimal=","))
    assert len(read_table(write(tmp_path / "d.jsonl"), form=TableFormat(encoding="utf-8"))) == 3


@pytest.mark.skipif(not HAS_EXCEL, reason="needs openpyxl")
def test_excel(tmp_path):
    table = read_table(write(tmp_path / "d.xlsx"), "label")
    for name in FRAME:
        assert same(table.frame[name], FRAME[name].replace("NA", None)), name
    twice = pd.concat([FRAME, FRAME[["rooms"]]], axis=1)
    with pytest.raises(DataError, match="more than one column named 'rooms'"):
        read_table(write(tmp_path / "d.xlsx", twice))


def test_excel_without_openpyxl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"\.xlsx files needs .*: pip install pandas openpyxl\."):
        read_table(tmp_path / "d.xlsx")


@pytest.mark.parametrize("ending", [e for e in KINDS if e != ".xlsx" or HAS_EXCEL])
@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 8], ids=["empty", "noise"])
def test_files_of_nothing(tmp_path, ending, content):
    path = tmp_path / f"d{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"d{ending}"):
        read_table(path)


def test_the_sign_between_values_is_proposed(run, tmp_path):
    FRAME.to_csv(tmp_path / "d.csv", index=False, sep=";")
    assert "Add --sep ';'." in run("train", "d.csv", "--target", "label").error
    FRAME.to_csv(tmp_path / "d.csv", index=False, sep="\t")
    assert "Add --sep tab." in run("train", "d.csv", "--target", "label").error


def test_a_compressed_file_without_its_ending(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(DataError, match=r"compressed by gzip: add \.gz to its name"):
        read_table(path)
