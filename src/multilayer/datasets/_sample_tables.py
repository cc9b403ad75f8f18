"""Two small tables as they come: text, categories, dates, missing cells.

Each is a gzipped CSV file beside this module, with its licence in a file of its own. pandas reads
the files as it reads any other; without pandas the columns become NumPy arrays.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from multilayer._core.checks import check_bool, check_choice
from multilayer.datasets._loading import bunch, pandas_for

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch

XY: TypeAlias = "tuple[pd.DataFrame | np.ndarray, pd.Series | np.ndarray]"


@dataclass(frozen=True)
class SampleColumn:
    """A column of a table: what pandas reads it as, and what it means."""

    name: str
    kind: type[int] | type[float] | type[str]  # float where cells are missing
    note: str


@dataclass(frozen=True)
class SampleTable:
    """A table of this package; its last column is the target."""

    name: str
    text: str  # what the rows are, who collected them, under which licence
    columns: tuple[SampleColumn, ...]

    @property
    def path(self) -> Path:
        """The file beside this module."""
        return Path(__file__).with_name(f"{self.name}.csv.gz")

    @property
    def names(self) -> list[str]:
        """The names of the columns, the target last."""
        return [column.name for column in self.columns]

    def description(self) -> str:
        """Return the text with a line about each column."""
        width = max(map(len, self.names))
        lines = [f"{column.name:<{width}}  {column.note}" for column in self.columns]
        return "\n".join([self.text, "Columns, the target last:", "", *lines, ""])

    def read_arrays(self) -> list[np.ndarray]:
        """Return the columns as arrays of integers, floats, or text where NaN is a missing cell."""
        with gzip.open(self.path, "rt", encoding="utf-8", newline="") as file:
            _, *rows = csv.reader(file)
        cells = zip(*rows, strict=True)
        return [
            _as_array(column, values) for column, values in zip(self.columns, cells, strict=True)
        ]


RODENTS = SampleTable(
    "rodents",
    """\
Rodents: which species is in the trap?

4,785 rodents of 13 species, caught from 1977 to 2002 in live traps on 24 plots of the Chihuahuan
desert near Portal, Arizona. Some plots are fenced to keep kangaroo rats or all rodents out, a
long-running experiment. A classification task with dates, text and missing cells: a tenth of the
animals lack a measurement, and those of one species nearly always do.

From the Portal Project Teaching Database by S. K. M. Ernest, J. H. Brown, T. J. Valone and E. P.
White, dedicated to the public domain (CC0 1.0); every seventh row of the common species. The same
animal may be caught again, so that rows are not independent. See RODENTS_LICENSE.md beside this
module.
""",
    (
        SampleColumn("date", str, "day of the capture, as 1977-07-16"),
        SampleColumn("plot", int, "number of the plot, 1 to 24; a category, not a quantity"),
        SampleColumn("plot_type", str, "which rodents the plot's fence keeps out, 5 kinds"),
        SampleColumn("sex", str, "F or M; missing cells"),
        SampleColumn("hindfoot_length", float, "in millimetres; missing cells"),
        SampleColumn("weight", float, "in grams; missing cells"),
        SampleColumn("species", str, "scientific name, 13 species"),
    ),
)

FUEL_ECONOMY = SampleTable(
    "fuel_economy",
    """\
Fuel economy: how far does a car go on a gallon?

1,108 cars and light trucks with combustion engines (hybrids included) sold in the United States
as models of 2021, with the fuel economy of their window stickers. A regression task with many
categories, one of them with hundreds of values, and a date; no cell is missing.

From the Fuel Economy Guide of the U.S. Environmental Protection Agency and the U.S. Department of
Energy, a work of the United States government and in the public domain there. See
FUEL_ECONOMY_LICENSE.md beside this module.
""",
    (
        SampleColumn("brand", str, "division of the manufacturer, 41 names"),
        SampleColumn("model", str, "name of the model, 788 names"),
        SampleColumn("vehicle_class", str, "Compact Cars, Small SUV 4WD, ..., 22 classes"),
        SampleColumn("engine_displacement", float, "in litres"),
        SampleColumn("cylinders", int, "number of cylinders"),
        SampleColumn("aspiration", str, "Naturally Aspirated, Turbocharged, ..., 5 kinds"),
        SampleColumn("transmission", str, "Automatic, Manual, ..., 7 kinds"),
        SampleColumn("gears", int, "number of gears; 1 for some continuously variable ones"),
        SampleColumn("lockup", str, "Y or N: does the torque converter lock up?"),
        SampleColumn("drive", str, "driven wheels, 5 kinds"),
        SampleColumn("fuel", str, "what the manufacturer says to fill in, 6 kinds"),
        SampleColumn("release_date", str, "day of the public release, as 2021-02-01"),
        SampleColumn("combined_mpg", int, "miles per gallon, 55 % city and 45 % highway"),
    ),
)

TABLES = {table.name: table for table in (RODENTS, FUEL_ECONOMY)}


def load_rodents(*, as_frame: bool = True, return_X_y: bool = False) -> Bunch | XY:
    """Load the rodents: 4,785 animals of 13 species, for classification.

    Which species was caught, from the date, the plot, the sex, the length of the hind foot and
    the weight: dates and categories are text, and a tenth of the animals lack a measurement. The
    file is part of the package; nothing is downloaded.

    Parameters
    ----------
    as_frame : bool, default=True
        True gives pandas objects with the types that ``pandas.read_csv`` finds: int64, float64
        and text. False gives NumPy arrays, and does without pandas: X has dtype object, where
        NaN is a missing cell.
    return_X_y : bool, default=False
        True gives ``(X, y)`` alone.

    Returns
    -------
    sklearn.utils.Bunch
        A dictionary whose keys are also attributes:

        X : DataFrame or ndarray of shape (4785, 6)
            The columns ``feature_names``, in chronological order of the rows.
        y : Series or ndarray of shape (4785,), text
            The scientific name of the species.
        frame : DataFrame of shape (4785, 7), or None with ``as_frame=False``
            X and y in one.
        feature_names : list of str
            The columns of X.
        target_name : str
            The column of y, ``"species"``.
        filename : str
            The CSV file, the same as ``path("rodents")``.
        DESCR : str
            What the rows and columns are, who collected them and under which licence.

    Raises
    ------
    InvalidArgumentError
        When `as_frame` or `return_X_y` is not a boolean. It is a `ValueError`.
    ImportError
        When pandas is missing and ``as_frame=True``.

    See Also
    --------
    load_fuel_economy : A table for regression.
    path : The file, for the command line and other programs.

    Examples
    --------
    >>> from multilayer.datasets import load_rodents
    >>> rodents = load_rodents()
    >>> rodents.X.shape, rodents.y.nunique()
    ((4785, 6), 13)
    >>> rodents.frame.loc[9, ["date", "sex", "species"]].tolist()
    ['1977-08-19', 'F', 'Dipodomys merriami']
    >>> int(rodents.X["weight"].isna().sum())
    234
    """
    return _load(RODENTS, "load_rodents", as_frame, return_X_y)


def load_fuel_economy(*, as_frame: bool = True, return_X_y: bool = False) -> Bunch | XY:
    """Load the cars of 2021 and their fuel economy: 1,108 rows, for regression.

    How many miles a car goes on a gallon, from its brand, class, engine, transmission and fuel.
    The file is part of the package; nothing is downloaded.

    Parameters
    ----------
    as_frame : bool, default=True
        True gives pandas objects with the types that ``pandas.read_csv`` finds: int64, float64
        and text. False gives NumPy arrays, and does without pandas: X has dtype object.
    return_X_y : bool, default=False
        True gives ``(X, y)`` alone.

    Returns
    -------
    sklearn.utils.Bunch
        A dictionary whose keys are also attributes:

        X : DataFrame or ndarray of shape (1108, 12)
            The columns ``feature_names``, one row per variant of a model.
        y : Series or ndarray of shape (1108,), int64
            Miles per gallon, city and highway combined: 10 to 59.
        frame : DataFrame of shape (1108, 13), or None with ``as_frame=False``
            X and y in one.
        feature_names : list of str
            The columns of X.
        target_name : str
            The column of y, ``"combined_mpg"``.
        filename : str
            The CSV file, the same as ``path("fuel_economy")``.
        DESCR : str
            What the rows and columns are, where they come from and under which licence.

    Raises
    ------
    InvalidArgumentError
        When `as_frame` or `return_X_y` is not a boolean. It is a `ValueError`.
    ImportError
        When pandas is missing and ``as_frame=True``.

    See Also
    --------
    load_rodents : A table for classification, with missing cells.
    path : The file, for the command line and other programs.

    Examples
    --------
    >>> from multilayer.datasets import load_fuel_economy
    >>> X, y = load_fuel_economy(return_X_y=True)
    >>> X.shape, y.name
    ((1108, 12), 'combined_mpg')
    >>> X["drive"].value_counts().index[0], int(y.max())
    ('All Wheel Drive', 59)
    """
    return _load(FUEL_ECONOMY, "load_fuel_economy", as_frame, return_X_y)


def path(name: str) -> Path:
    """Return the CSV file of a table, for the command line and for other programs.

    Parameters
    ----------
    name : {"fuel_economy", "rodents"}
        The table.

    Returns
    -------
    pathlib.Path
        A gzipped CSV file (UTF-8, a line of names first), which ``pandas.read_csv`` reads as it
        is. It belongs to the package: copy it before changing it.

    Raises
    ------
    InvalidArgumentError
        When there is no such table. It is a `ValueError`.

    Examples
    --------
    >>> from multilayer import datasets
    >>> datasets.path("rodents").name
    'rodents.csv.gz'
    """
    check_choice("name", name, TABLES)
    return TABLES[name].path


def _load(table: SampleTable, loader: str, as_frame: bool, return_X_y: bool) -> Bunch | XY:
    """Read a table as `load_rodents` and `load_fuel_economy` return it."""
    check_bool("as_frame", as_frame)
    check_bool("return_X_y", return_X_y)
    *features, target = table.names
    frame: pd.DataFrame | None = None
    if as_frame:
        frame = pandas_for(loader).read_csv(table.path)
        X, y = frame[features].copy(), frame[target].copy()  # the caller's to change
    else:
        *columns, y = table.read_arrays()
        X = np.empty((len(y), len(columns)), dtype=object)
        for j, column in enumerate(columns):
            X[:, j] = column
    if return_X_y:
        return X, y
    return bunch(
        X=X,
        y=y,
        frame=frame,
        feature_names=features,
        target_name=target,
        filename=str(table.path),
        DESCR=table.description(),
    )


def _as_array(column: SampleColumn, values: tuple[str, ...]) -> np.ndarray:
    """Convert the cells of a column, which are text in the file; an empty one is missing."""
    if column.kind is int:
        return np.array(values, dtype=np.int64)
    if column.kind is float:
        return np.array([value or "nan" for value in values], dtype=np.float64)
    return np.array([value or np.nan for value in values], dtype=object)
