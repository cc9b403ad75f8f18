"""Odd X in predict, after training on an ordinary one, and calls out of order."""

import numpy as np
from scipy import sparse

from .harness import COUNTS, TARGETS, X, classify, regress
from .rows import OursRefuses, Refused, Row, Same
from .x_frames import frame, pandas, polars


def same(new, make=lambda: X):
    return Same(lambda: classify(make(), new=new()))


def refused(new, text, make=lambda: X):
    return Refused(lambda: classify(make(), new=new()), text)


COLUMNS = "2 features, but MLPClassifier is expecting 4"
NAMES_DIFFER = "The feature names should match those that were passed during fit"

ARRAYS: dict[str, Row] = {
    "predict too few columns": refused(lambda: X[:, :2], COLUMNS),
    "predict too many columns": refused(
        lambda: np.tile(X, (1, 2)), "8 features, but MLPClassifier is expecting 4"
    ),
    "predict one dimension": refused(lambda: X[0], "Reshape your data"),
    "predict three dimensions": refused(lambda: X[None], "dim 3"),
    "predict no rows": refused(lambda: X[:0], r"0 sample\(s\)"),
    "predict an empty list": refused(list, "Expected 2D array"),
    "predict None": refused(lambda: None, "Expected 2D array|None"),
    "predict infinity": refused(lambda: np.where(X > 1, np.inf, X), "X contains infinity"),
    "predict complex": refused(lambda: X + 1j, "[Cc]omplex"),
    "predict dates": refused(lambda: COUNTS.astype("datetime64[D]"), "got dates"),
    "predict text": refused(lambda: [["a"] * 4], "got text, for example 'a'"),
    "predict one row": same(lambda: X[:1]),
    "predict one row as a list": same(lambda: [X[0].tolist()]),
    "predict 3,000 rows": same(lambda: np.tile(X, (100, 1))),
    "predict float16": same(lambda: X.astype("float16")),
    "predict big-endian float32": same(lambda: X.astype(">f4")),
    "predict integers after floats": same(lambda: COUNTS),
    "predict uint8 after floats": same(lambda: COUNTS.astype("uint8")),
    "predict floats after uint8": same(lambda: X, lambda: COUNTS.astype("uint8")),
    "predict float64 after float16": same(lambda: X, lambda: X.astype("float16")),
    "predict bool after floats": same(lambda: X > 0),
    "predict sparse after lists": same(lambda: sparse.csr_array(X), X.tolist),
    "predict negative strides": same(lambda: X[::-1, ::-1]),
    "predict 1e30": same(lambda: X * 1e30),
    "predict what overflows float32 inside": OursRefuses(
        lambda: classify(new=np.sign(X) * 3e38),
        "X .*too large",
        "everything is computed in float32",
    ),
    "predict what overflows float32 inside a regression": OursRefuses(
        lambda: regress(new=np.sign(X) * 3e38), "X .*too large", "everything is computed in float32"
    ),
    "predict big-endian int16": same(lambda: COUNTS.astype(">i2")),
    "predict too few columns of a regression": Refused(
        lambda: regress(new=X[:, :2]), "2 features, but MLPRegressor is expecting 4"
    ),
    "predict float16 of a regression": Same(lambda: regress(new=X.astype("float16"))),
    "predict one row of a regression": Same(lambda: regress(new=X[:1])),
    "predict one row of several targets": Same(lambda: regress(y=TARGETS, new=X[:1])),
}

FRAMES: dict[str, Row] = {
    "predict columns in another order": refused(lambda: frame()[list("dcba")], NAMES_DIFFER, frame),
    "predict columns of other names": refused(
        lambda: frame(columns=list("wxyz")), NAMES_DIFFER, frame
    ),
    "predict a missing column": refused(lambda: frame()[list("abc")], NAMES_DIFFER, frame),
    "predict a further column": refused(lambda: frame().assign(e=1.0), NAMES_DIFFER, frame),
    "predict an array after a frame": same(lambda: X, frame),
    "predict a frame after an array": same(frame),
    "predict a frame of another type": same(lambda: frame(COUNTS).astype("Int64"), frame),
    "predict a frame of one row": same(lambda: frame()[:1], frame),
    "predict a frame with a missing value": refused(
        lambda: (
            frame(COUNTS).astype("Int64").where(pandas().DataFrame(X, columns=list("abcd")) < 1)
        ),
        "X contains NaN",
        frame,
    ),
    "predict a polars frame after a pandas one": same(
        lambda: polars().DataFrame(X, schema=list("abcd")), frame
    ),
    "predict polars columns in another order": refused(
        lambda: polars().DataFrame(X, schema=list("dcba")),
        NAMES_DIFFER,
        lambda: polars().DataFrame(X, schema=list("abcd")),
    ),
}

ORDER: dict[str, Row] = {
    "predict before fit": Refused(
        lambda: classify(steps=("predict",)), "not fitted yet. Call 'fit'"
    ),
    "predict of a regression before fit": Refused(
        lambda: regress(steps=("predict",)), "not fitted yet. Call 'fit'"
    ),
    "fit twice": Same(lambda: classify(steps=("fit", "fit", "predict"))),
    "partial_fit after fit": Same(lambda: classify(steps=("fit", "partial_fit", "predict"))),
    "partial_fit after fit of a regression": Same(
        lambda: regress(steps=("fit", "partial_fit", "predict"))
    ),
    "fit with warm_start twice": Same(
        lambda: classify(
            params={"warm_start": True, "solver": "lbfgs", "max_iter": 2},
            steps=("fit", "fit", "predict"),
        ),
        1e-2,
    ),
}

ROWS = ARRAYS | FRAMES | ORDER
