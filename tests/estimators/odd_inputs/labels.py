"""Class labels of odd types and shapes."""

import datetime
import enum
import fractions

import numpy as np

from .harness import LABELS, N, X, classify
from .rows import OursAccepts, OursRefuses, Refused, Row, Same

NAMES = np.array(["red", "blue", "green"])
BINARY = LABELS > 0
MISSING = "contains (NaN|missing)"
MAYBE_A_REGRESSION = "scikit-learn's other classifiers say that this may be a regression, as we do"
CONVERT = "y .*(astype|[Cc]onvert)"  # the remedy


class Colour(enum.IntEnum):
    """Numbers with names."""

    RED = 0
    BLUE = 1
    GREEN = 2


def same(make, **more):
    return Same(lambda: classify(y=make(), **more))


def refused(make, text, **more):
    return Refused(lambda: classify(y=make(), **more), text)


def objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


TYPES: dict[str, Row] = {
    **{
        f"y of {dtype}": same(lambda dtype=dtype: LABELS.astype(dtype))
        for dtype in ("int8", "uint8", "uint64", "float16", "float64", "longdouble", ">i4")
    },
    "y of bool": same(lambda: BINARY),
    "y negative": same(lambda: LABELS - 7),
    "y of -1 and 1": same(lambda: np.where(BINARY, 1, -1)),
    "y beyond int64": same(lambda: LABELS.astype("uint64") + np.uint64(2**63)),
    "y that float32 cannot tell apart": same(lambda: LABELS + 2**40),
    "y of minus zero and zero and one": same(lambda: np.where(BINARY, 1.0, -0.0)),
    "y of text": same(lambda: NAMES[LABELS]),
    "y of text as objects": same(lambda: NAMES[LABELS].astype(object)),
    "y of text as StringDType": OursAccepts(
        lambda: classify(y=NAMES[LABELS].astype(np.dtypes.StringDType())),
        "scikit-learn's own check of types does not know NumPy's new text yet",
        lambda: classify(y=NAMES[LABELS]),
    ),
    "y of text that reads nan": same(lambda: np.array(["nan", "None", ""])[LABELS]),
    "y of text beyond ASCII": same(lambda: np.array(["Ä", "日本", "🙂"])[LABELS]),
    "y of text with digits": same(lambda: LABELS.astype(str)),
    "y of named numbers": same(lambda: [Colour(v) for v in LABELS]),
    "y of dates": same(lambda: LABELS.astype("datetime64[D]")),
    "y of objects that are integers": refused(lambda: LABELS.astype(object), CONVERT),
    "y of objects that are bool": refused(lambda: BINARY.astype(object), CONVERT),
    "y of bytes": refused(lambda: NAMES[LABELS].astype("S"), "bytes"),
    "y of objects that are bytes": refused(
        lambda: NAMES[LABELS].astype("S").astype(object), "bytes"
    ),
    "y complex": refused(lambda: LABELS + 1j, "[Cc]omplex"),
    "y of a structured type": refused(
        lambda: np.array([(v,) for v in LABELS], [("y", "i8")]), "y must|[Uu]nknown label type"
    ),
    "y of text and numbers": refused(lambda: objects([*NAMES[LABELS[:-1]], 1]), "y must .*str"),
    "y of text and None": refused(lambda: objects([*NAMES[LABELS[:-1]], None]), MISSING),
    "y of text and NaN": refused(lambda: objects([*NAMES[LABELS[:-1]], np.nan]), MISSING),
    "y of numbers and None": refused(lambda: [*LABELS[:-1], None], MISSING),
    "y of fractions": refused(
        lambda: objects([fractions.Fraction(v, 3) for v in LABELS.tolist()]), CONVERT
    ),
    "y of objects that are dates": refused(
        lambda: objects([datetime.date(2020, 1, 1 + v) for v in LABELS.tolist()]), CONVERT
    ),
}

VALUES: dict[str, Row] = {
    "y with NaN": refused(lambda: np.where(np.arange(N) == 3, np.nan, LABELS), "y contains NaN"),
    "y with infinity": refused(
        lambda: np.where(np.arange(N) == 3, np.inf, LABELS), "y contains infinity"
    ),
    "y of two floats beyond integers": refused(
        lambda: np.where(BINARY, 1e300, -1e300), "Unknown label type: continuous"
    ),
    "y continuous": refused(lambda: X[:, 0], "Unknown label type: continuous"),
    "y of halves": refused(lambda: LABELS / 2, "Unknown label type: continuous"),
    "y of one class": OursRefuses(
        lambda: classify(y=np.ones(N)),
        "y must contain at least 2 classes, got 1",
        "one class leaves nothing to learn, and is a mistake more often than not",
    ),
    "y of one class of text": OursRefuses(
        lambda: classify(y=["red"] * N),
        r"y must contain at least 2 classes, got 1 class: \['red'\]",
        "one class leaves nothing to learn, and is a mistake more often than not",
    ),
    "y with a class of one row": same(lambda: [1] + [0] * (N - 1)),
    "y with a class of one row under early stopping": OursAccepts(
        lambda: classify(y=[1] + [0] * (N - 1), params={"early_stopping": True}),
        "the row stays in training: test_training_control.py, test_rare_classes_are_set_aside",
    ),
    "y of as many classes as rows": Same(
        lambda: classify(y=np.arange(N)), warns=True, why=MAYBE_A_REGRESSION
    ),
    "y of as many classes as rows, as text": Same(
        lambda: classify(y=[f"class {i}" for i in range(N)]), warns=True, why=MAYBE_A_REGRESSION
    ),
    "y of as many classes as rows under early stopping": Same(
        lambda: classify(y=np.arange(N), params={"early_stopping": True}),
        tolerance=None,
        warns=True,
        why="other rows are set aside; we warn that no class is in proportion",
    ),
}

SHAPES: dict[str, Row] = {
    "y as a list": same(LABELS.tolist),
    "y as a tuple": same(lambda: tuple(LABELS)),
    "y as a range": Same(lambda: classify(y=range(N)), warns=True, why=MAYBE_A_REGRESSION),
    "y read-only with negative strides": same(lambda: np.broadcast_to(LABELS, (2, N))[1, ::-1]),
    "y as a column": same(lambda: LABELS[:, None]),
    "y as a column of text": same(lambda: NAMES[LABELS][:, None]),
    "y as a list of lists of one": same(LABELS[:, None].tolist),
    "y as a row": refused(lambda: LABELS[None], r"inconsistent numbers of samples: \[30, 1\]"),
    "y of three dimensions": refused(lambda: LABELS[:, None, None], "dim 3"),
    "y a matrix": refused(lambda: np.asmatrix(LABELS).T, "np.matrix is not supported"),
    "y a number": refused(lambda: 1, "at least 1 dimension"),
    "y a string": refused(lambda: "red", "at least 1 dimension"),
    "y None": refused(lambda: None, "requires y to be passed"),
    "y a generator": refused(lambda: (v for v in LABELS), "at least 1 dimension"),
    "y a dictionary": refused(lambda: dict(enumerate(LABELS)), "at least 1 dimension"),
    "y a set": refused(lambda: set(range(N)), "at least 1 dimension"),
    "y shorter than X": refused(lambda: LABELS[:-1], r"samples: \[30, 29\]"),
    "y longer than X": refused(lambda: [*LABELS, 0], r"samples: \[30, 31\]"),
    "y empty": refused(list, r"0 sample\(s\)"),
    "y of columns without rows": refused(lambda: np.empty((0, 3)), r"0 sample\(s\)"),
    "y without columns": refused(lambda: np.empty((N, 0)), r"0 feature\(s\)"),
    "y ragged": refused(lambda: [[0], [0, 1]] * (N // 2), "inhomogeneous"),
}

PARTIAL_FIT: dict[str, Row] = {
    "partial_fit without classes": refused(
        lambda: LABELS, "classes must be passed on the first call", steps=("partial_fit",)
    ),
    "partial_fit with unsorted classes": same(
        lambda: LABELS, fit={"classes": [2, 0, 1]}, steps=("partial_fit", "predict")
    ),
    "partial_fit with a class twice": same(
        lambda: LABELS, fit={"classes": [0, 1, 2, 2]}, steps=("partial_fit", "predict")
    ),
    "partial_fit with classes of text": same(
        lambda: NAMES[LABELS], fit={"classes": NAMES}, steps=("partial_fit", "predict")
    ),
    "partial_fit with a class that never comes": same(
        lambda: LABELS // 2, fit={"classes": [0, 1, 2]}, steps=("partial_fit", "predict")
    ),
    "partial_fit with one class of the rows": same(
        lambda: [1] * N, fit={"classes": [0, 1, 2]}, steps=("partial_fit", "predict")
    ),
    "partial_fit with a label outside classes": refused(
        lambda: LABELS,
        r"`y` has classes not in `self.classes_`",
        fit={"classes": [0, 1]},
        steps=("partial_fit", "predict"),
    ),
    "partial_fit with text for numbers": refused(
        lambda: NAMES[LABELS],
        "`y` has classes not in `self.classes_`",
        fit={"classes": [0, 1, 2]},
        steps=("partial_fit", "predict"),
    ),
    "partial_fit under early stopping": OursAccepts(
        lambda: classify(
            params={"early_stopping": True},
            fit={"classes": [0, 1, 2]},
            steps=("partial_fit", "predict"),
        ),
        "one epoch on the rows given stops nothing early",
        lambda: classify(fit={"classes": [0, 1, 2]}, steps=("partial_fit", "predict")),
    ),
}

ROWS = TYPES | VALUES | SHAPES | PARTIAL_FIT
