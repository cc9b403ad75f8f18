"""Targets of regressions."""

import datetime
import decimal

import numpy as np

from .harness import COUNTS, LABELS, TARGET, TARGETS, N, X, regress
from .rows import OursAccepts, OursRefuses, Refused, Row, Same, slow

POISSON = {"loss": "poisson", "learning_rate_init": 0.01}
NUMBERS = "y must .*number|y .*(astype|[Cc]onvert)"
FLOAT32 = "everything is computed in float32"
SCALED = 2 * LABELS - 1


def same(make, tolerance=1e-3, **more):
    return Same(lambda: regress(y=make(), **more), tolerance)


def refused(make, text, **more):
    return Refused(lambda: regress(y=make(), **more), text)


def with_value(value, dtype=float):
    y = TARGET.astype(dtype)
    y[3] = value
    return y


TYPES: dict[str, Row] = {
    **{
        f"targets of {dtype}": same(lambda dtype=dtype: SCALED.astype(dtype))
        for dtype in ("int8", "int64", "float16", "float32", "longdouble", ">f4", "object")
    },
    "targets of uint64": same(lambda: LABELS.astype("uint64")),
    "targets of bool": same(lambda: LABELS > 0),
    "targets as a list": same(TARGET.tolist),
    "targets as a range": same(lambda: range(N), params={"learning_rate_init": 1e-3}),
    "targets read-only with negative strides": same(
        lambda: np.broadcast_to(TARGET, (2, N))[1, ::-1]
    ),
    "targets as a list of Decimal": same(lambda: list(map(decimal.Decimal, TARGET.tolist()))),
    "targets as objects that are text of numbers": same(lambda: TARGET.astype(str).astype(object)),
    "targets of text": refused(lambda: ["high"] * N, NUMBERS),
    "targets of text of numbers": refused(lambda: TARGET.astype(str), NUMBERS),
    "targets of objects that are text": refused(
        lambda: np.array(["high"] * N, object), "could not convert string to float: 'high'"
    ),
    "targets complex": refused(lambda: TARGET + 1j, "[Cc]omplex"),
    "targets of dates": refused(lambda: LABELS.astype("datetime64[D]"), NUMBERS),
    "targets of objects that are dates": refused(lambda: [datetime.date(2020, 1, 1)] * N, "date"),
    "targets of a structured type": refused(
        lambda: np.array([(v,) for v in TARGET], [("y", "f8")]), NUMBERS
    ),
}

VALUES: dict[str, Row] = {
    "targets with NaN": refused(lambda: with_value(np.nan), "y contains NaN"),
    "targets with infinity": refused(lambda: with_value(np.inf), "y contains infinity"),
    "targets with None": refused(lambda: with_value(None, object), "contains NaN"),
    "targets of several columns with NaN": refused(
        lambda: np.column_stack([TARGET, with_value(np.nan)]), "y contains NaN"
    ),
    "targets beyond float32": OursRefuses(
        lambda: regress(y=with_value(1e39), params={"learning_rate_init": 1e-45}),
        "y .*too large",
        FLOAT32,
    ),
    "targets so large that training fails": refused(
        lambda: TARGET * 1e30, "non-finite.*weights", params={"max_iter": 100}
    ),
    "targets below the normal numbers of float32": same(lambda: TARGET * 1e-40),
    "targets constant at 5000": same(
        lambda: np.full(N, 5000.0), params={"learning_rate_init": 1e-6}
    ),
    "targets constant at 5000 in float32": same(
        lambda: np.full(N, 5000, "float32"), params={"learning_rate_init": 1e-6}
    ),
    "targets constant at 5000 under early stopping": Same(
        lambda: regress(
            y=np.full(N, 5000.0),
            params={"learning_rate_init": 1e-6, "early_stopping": True, "validation_fraction": 0.2},
        ),
        None,
        "each library sets its own rows aside",
    ),
    "targets all zero": same(lambda: np.zeros(N)),
    "targets of two rows": Same(lambda: regress(X[:2], TARGET[:2])),
    "targets of one row": Same(lambda: regress(X[:1], TARGET[:1])),
    "targets of one row under early stopping": Refused(
        lambda: regress(X[:1], TARGET[:1], params={"early_stopping": True}),
        "validation_fraction|train set will be empty",
    ),
}

SHAPES: dict[str, Row] = {
    "targets as a column": same(lambda: TARGET[:, None]),
    "targets as a list of lists of one": same(TARGET[:, None].tolist),
    "targets of three columns": same(lambda: TARGETS),
    "targets of three columns in Fortran order": same(lambda: np.asfortranarray(TARGETS)),
    "targets of three columns of integers": same(lambda: COUNTS[:, :3]),
    "targets of three columns with weights": same(lambda: TARGETS, weight=LABELS + 1.0),
    "targets as a row": refused(
        lambda: TARGET[None], r"inconsistent numbers of samples: \[30, 1\]"
    ),
    "targets of three dimensions": refused(lambda: TARGETS[:, :, None], "dim 3"),
    "targets a matrix": refused(lambda: np.asmatrix(TARGET).T, "np.matrix is not supported"),
    "targets too few": refused(lambda: TARGET[:-1], r"samples: \[30, 29\]"),
    "targets without columns": refused(lambda: np.empty((N, 0)), r"0 feature\(s\)"),
    "targets empty": refused(list, r"0 sample\(s\)"),
    "targets a number": refused(lambda: 3.0, "at least 1 dimension"),
    "targets None": refused(lambda: None, "requires y to be passed"),
}

LOSSES: dict[str, Row] = {
    "Poisson targets": same(lambda: COUNTS[:, 0], params=POISSON),
    "Poisson targets all zero": OursRefuses(
        lambda: regress(y=np.zeros(N), params=POISSON),
        "y must .*not 0 everywhere, with loss='poisson'",
        "the best answer is exp(-infinity); scikit-learn's other Poisson losses refuse it too",
    ),
    "Poisson targets of integers as objects": same(
        lambda: COUNTS[:, 0].astype(object), params=POISSON
    ),
    "Poisson targets of fractions": same(lambda: np.abs(TARGET), params=POISSON),
    "Poisson targets of several columns": slow(same(lambda: COUNTS[:, :3], params=POISSON)),
    "Poisson targets with weights": same(lambda: COUNTS[:, 0], params=POISSON, weight=LABELS + 1.0),
    "Poisson targets with a negative one": OursRefuses(
        lambda: regress(y=np.where(np.arange(N) == 3, -1, COUNTS[:, 0]), params=POISSON),
        "y must .*loss='poisson'",
        "scikit-learn says that the loss needs y >= 0 and does not look",
    ),
    "unknown loss": refused(
        lambda: TARGET, "^loss must be one of|loss", params={"loss": "squared_loss"}
    ),
    "loss None": refused(lambda: TARGET, "loss", params={"loss": None}),
}

PARTIAL_FIT: dict[str, Row] = {
    "targets of partial_fit": same(lambda: TARGET, steps=("partial_fit", "predict")),
    "targets of three columns of partial_fit": same(
        lambda: TARGETS, steps=("partial_fit", "predict")
    ),
    "targets of partial_fit under early stopping": OursAccepts(
        lambda: regress(params={"early_stopping": True}, steps=("partial_fit", "predict")),
        "one epoch on the rows given stops nothing early",
        lambda: regress(steps=("partial_fit", "predict")),
    ),
}

ROWS = TYPES | VALUES | SHAPES | LOSSES | PARTIAL_FIT
