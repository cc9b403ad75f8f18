"""X of odd values: missing, infinite, huge, tiny, constant, repeated."""

import numpy as np

from .harness import INDICATOR, LABELS, TARGET, N, X, classify, regress
from .rows import OursRefuses, Refused, Row, Same


def with_value(value, place=(3, 1), dtype=float):
    array = X.astype(dtype)
    array[place] = value
    return array


NOT_FINITE: dict[str, Row] = {
    "X with NaN": Refused(lambda: classify(with_value(np.nan)), "X contains NaN"),
    "X with infinity": Refused(lambda: classify(with_value(np.inf)), "X contains infinity"),
    "X with minus infinity": Refused(lambda: classify(with_value(-np.inf)), "X contains infinity"),
    "X with float16 infinity": Refused(
        lambda: classify(with_value(np.inf, dtype="float16")), "X contains infinity"
    ),
    "X with None": Refused(lambda: classify(with_value(None, dtype=object)), "X contains NaN"),
    "X all NaN": Refused(lambda: classify(np.full_like(X, np.nan)), "X contains NaN"),
    "X with NaN in a regression": Refused(lambda: regress(with_value(np.nan)), "X contains NaN"),
    "X with NaN in predict": Refused(lambda: classify(new=with_value(np.nan)), "X contains NaN"),
}

LARGE: dict[str, Row] = {
    "X beyond float32": OursRefuses(
        lambda: classify(with_value(1e39), params={"learning_rate_init": 1e-45}),
        "X contains a value too large.*Scale the columns",
        "everything is computed in float32",
    ),
    "X beyond float32 in predict": OursRefuses(
        lambda: classify(new=with_value(1e39)),
        "X contains a value too large.*Scale the columns",
        "everything is computed in float32",
    ),
    "X so large that training fails": Refused(
        lambda: classify(X * 1e30, params={"max_iter": 20}), "non-finite.*weights"
    ),
    "X so large that a regression fails": Refused(
        lambda: regress(X * 1e30, params={"max_iter": 20}), "non-finite.*weights"
    ),
    "X of integers that float32 rounds": Same(
        lambda: classify(np.round(X * 2**40).astype("int64"), params={"learning_rate_init": 1e-30})
    ),
    "X beyond float32 as integers of Python": Refused(
        lambda: classify([[10**39, 1]] * N, params={"learning_rate_init": 1e-45}),
        "X contains a value too large.*Scale the columns",
        sooner=True,
    ),
}

TINY_AND_CONSTANT: dict[str, Row] = {
    "X below the normal numbers of float32": Same(lambda: classify(X * 1e-40)),
    "X below the normal numbers of float64": Same(lambda: classify(X * 1e-310)),
    "X with a constant column": Same(lambda: classify(with_value(5.0, (slice(None), 2)))),
    "X all zero": Same(lambda: classify(np.zeros_like(X))),
    "X all zero in a regression": Same(lambda: regress(np.zeros_like(X))),
    "X with minus zero": Same(lambda: classify(with_value(-0.0))),
    "X of equal rows": Same(lambda: classify(np.repeat(X[:1], N, axis=0))),
    "X of equal columns": Same(lambda: classify(np.repeat(X[:, :1], 4, axis=1))),
    "X of equal columns in float16": Same(
        lambda: classify(np.repeat(X[:, :1], 4, axis=1).astype("float16"))
    ),
    "X with every row twice": Same(
        lambda: classify(np.repeat(X[:15], 2, axis=0), np.repeat(LABELS[:15], 2))
    ),
    "X with one outlier": Same(
        lambda: classify(with_value(1e4), params={"learning_rate_init": 1e-9})
    ),
    "X of equal rows, several labels": Same(
        lambda: classify(np.repeat(X[:1], N, axis=0), INDICATOR)
    ),
    "X of equal rows in a regression": Same(lambda: regress(np.repeat(X[:1], N, axis=0), TARGET)),
}

ROWS = NOT_FINITE | LARGE | TINY_AND_CONSTANT
