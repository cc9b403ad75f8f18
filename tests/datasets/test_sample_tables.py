"""The tables in the package are the documented ones, and read as any CSV file is."""

import gzip
import hashlib
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilayer
from multilayer import datasets
from multilayer.datasets import load_fuel_economy, load_rodents, path
from multilayer.datasets._sample_tables import TABLES

ROOT = Path(__file__).parents[2]
LOADERS = {"rodents": load_rodents, "fuel_economy": load_fuel_economy}
SHAPES = {"rodents": (4785, 6), "fuel_economy": (1108, 12)}
MISSING = {"sex": 113, "hindfoot_length": 336, "weight": 234}

every_table = pytest.mark.parametrize("name", LOADERS)


@every_table
def test_file_is_the_one_that_its_licence_names(name):
    licence = path(name).with_name(f"{name.upper()}_LICENSE.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(gzip.decompress(path(name).read_bytes())).hexdigest()
    assert re.findall(rf"\| the text in `{name}.csv.gz`, decompressed \| `(\w+)` \|", licence) == [
        digest
    ]


def test_every_table_has_a_loader():
    assert TABLES.keys() == LOADERS.keys()
    assert {f"load_{name}" for name in TABLES} | {"load_mnist", "path"} == set(datasets.__all__)


@every_table
def test_frames_are_what_pandas_reads(name):
    bunch = LOADERS[name]()
    read = pd.read_csv(bunch.filename)
    pd.testing.assert_frame_equal(bunch.frame, read)
    pd.testing.assert_frame_equal(bunch.X, read.drop(columns=bunch.target_name))
    pd.testing.assert_series_equal(bunch.y, read[bunch.target_name])
    assert bunch.X.shape == SHAPES[name]
    assert list(bunch.X.columns) == bunch.feature_names
    assert bunch.filename == str(path(name))


@every_table
def test_columns_have_the_types_in_the_list(name):
    frame = LOADERS[name]().frame
    assert list(frame.columns) == TABLES[name].names
    for column in TABLES[name].columns:
        values = frame[column.name]
        if column.kind is str:
            assert pd.api.types.infer_dtype(values, skipna=True) == "string"
        else:
            assert values.dtype == np.dtype({int: np.int64, float: np.float64}[column.kind])


def test_missing_cells():
    rodents = load_rodents()
    assert rodents.y.isna().sum() == 0
    missing = rodents.X.isna().sum()
    assert missing[missing > 0].to_dict() == MISSING
    assert load_fuel_economy().frame.isna().sum().sum() == 0


def test_dates_are_dates():
    days = pd.to_datetime(load_rodents().X["date"], format="%Y-%m-%d")
    assert days.is_monotonic_increasing
    assert (days.dt.year.min(), days.dt.year.max()) == (1977, 2002)
    released = pd.to_datetime(load_fuel_economy().X["release_date"], format="%Y-%m-%d")
    assert released.max() < pd.Timestamp("2021-04-10")


def test_targets():
    species = load_rodents().y.value_counts()
    assert len(species) == 13
    assert species.min() >= 50
    mpg = load_fuel_economy().y
    assert (mpg.min(), mpg.max()) == (10, 59)


@every_table
def test_arrays_have_the_values_of_the_frames(name):
    frames, arrays = LOADERS[name](), LOADERS[name](as_frame=False)
    assert arrays.frame is None
    assert arrays.feature_names == frames.feature_names
    assert (arrays.X.shape, arrays.X.dtype) == (SHAPES[name], object)
    again = pd.DataFrame(arrays.X, columns=arrays.feature_names).infer_objects()
    pd.testing.assert_frame_equal(again, frames.X, check_dtype=False)
    np.testing.assert_array_equal(arrays.y, frames.y.to_numpy())
    assert {type(value) for value in arrays.X[:, 1]} <= {int, str}


@every_table
def test_features_and_target_alone(name):
    for as_frame in (True, False):
        X, y = LOADERS[name](as_frame=as_frame, return_X_y=True)
        bunch = LOADERS[name](as_frame=as_frame)
        assert pd.DataFrame(X).equals(pd.DataFrame(bunch.X))
        assert pd.Series(y).equals(pd.Series(bunch.y))


@every_table
def test_parts_and_calls_share_no_memory(name):
    first = LOADERS[name]()
    first.X.iloc[0, 0] = "changed"
    first.y.iloc[0] = first.y.iloc[-1]
    again = LOADERS[name]()
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert again.X.iloc[0, 0] != "changed"


@every_table
def test_without_pandas(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=rf"load_{name} .*pip install pandas.*as_frame=False"):
        LOADERS[name]()
    assert LOADERS[name](as_frame=False).X.shape == SHAPES[name]


@pytest.mark.parametrize("argument", ["as_frame", "return_X_y"])
@every_table
def test_flags_must_be_booleans(name, argument):
    with pytest.raises(ValueError, match=rf"^{argument} must be True or False, got {argument}=1\."):
        LOADERS[name](**{argument: 1})


@pytest.mark.parametrize("name", ["rodent", None, "mnist"])
def test_unknown_tables_have_no_path(name):
    with pytest.raises(multilayer.InvalidArgumentError, match=r"^name must be one of \['fuel_econ"):
        path(name)
    with pytest.raises(multilayer.InvalidArgumentError, match="Did you mean 'rodents'"):
        path("rodent")


@every_table
def test_descriptions_and_guide_name_all_columns(name):
    description = LOADERS[name](as_frame=False).DESCR
    guide = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    for column in TABLES[name].columns:
        assert f"\n{column.name} " in description
        assert f"`{column.name}`" in guide
    assert f"{name.upper()}_LICENSE.md" in description
    assert f"{name.upper()}_LICENSE.md" in guide


def test_guide_counts_the_species():
    guide = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z][a-z]+ [a-z]+) \| ([\d,]+) \|", guide, re.MULTILINE)
    counted = {species: int(number.replace(",", "")) for species, number in rows}
    assert counted == load_rodents().y.value_counts().to_dict()


@every_table
def test_package_lists_the_licences(name):
    licence = f"src/multilayer/datasets/{name.upper()}_LICENSE.md"
    listed = re.search(r"license-files = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    patterns = re.findall(r'"([^"]+)"', listed[1])
    assert any((ROOT / licence) in ROOT.glob(pattern) for pattern in patterns)
