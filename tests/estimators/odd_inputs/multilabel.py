"""Several labels per row: indicator matrices, and several columns of classes."""

import numpy as np
from scipy import sparse

from .harness import INDICATOR, LABELS, WEIGHT, N, X, classify
from .rows import OursAccepts, OursRefuses, Refused, Row, Same, slow

NOT_AN_INDICATOR = (
    "scikit-learn takes every number but 0 for 1, so that -1 means the same as 1; ours refuses"
)
ONE_NETWORK = "one network, one softmax per column: test_several_columns_of_classes"


def same(make, **more):
    return Same(lambda: classify(y=make(), **more))


def with_column(value):
    matrix = INDICATOR.copy()
    matrix[:, 1] = value
    return matrix


def two_columns():
    return np.column_stack([LABELS, np.arange(N) % 4])


INDICATORS: dict[str, Row] = {
    "y an indicator": same(lambda: INDICATOR),
    "y an indicator of bool": same(lambda: INDICATOR.astype(bool)),
    "y an indicator of float32": same(lambda: INDICATOR.astype("float32")),
    "y an indicator of uint8": same(lambda: INDICATOR.astype("uint8")),
    "y an indicator as lists": same(INDICATOR.tolist),
    "y an indicator in Fortran order": same(lambda: np.asfortranarray(INDICATOR)),
    "y an indicator with an empty column": same(lambda: with_column(0)),
    "y an indicator with a column of ones": same(lambda: with_column(1)),
    "y an indicator of zeros": same(lambda: np.zeros_like(INDICATOR)),
    "y an indicator of one column": same(lambda: INDICATOR[:, :1]),
    "y an indicator that is one-hot": same(lambda: np.eye(2, dtype=int)[LABELS % 2]),
    "y an indicator with weights": same(lambda: INDICATOR, weight=WEIGHT),
    **{
        f"y an indicator, sparse {fmt}": same(
            lambda fmt=fmt: sparse.csr_array(INDICATOR).asformat(fmt)
        )
        for fmt in ("csc", "coo", "lil")
    },
    "y an indicator, sparse of bool": same(lambda: sparse.csr_array(INDICATOR.astype(bool))),
    "y an indicator under partial_fit": same(
        lambda: INDICATOR, fit={"classes": [0, 1]}, steps=("partial_fit", "predict")
    ),
    "y an indicator of 0 and 2": OursRefuses(
        lambda: classify(y=INDICATOR * 2), "y must .*0.*1", NOT_AN_INDICATOR
    ),
    "y an indicator of -1 and 1": OursRefuses(
        lambda: classify(y=INDICATOR * 2 - 1), "y must .*0.*1", NOT_AN_INDICATOR
    ),
    "y an indicator, sparse, of -1 and 1": Refused(
        lambda: classify(y=sparse.csr_array(INDICATOR * 2 - 1)), "y must .*0.*1"
    ),
    "y an indicator with NaN": Refused(
        lambda: classify(y=np.where(INDICATOR, np.nan, 0.0)), "y contains NaN"
    ),
    "y an indicator of text": slow(
        OursAccepts(lambda: classify(y=INDICATOR.astype(str)), ONE_NETWORK)
    ),
    "y an indicator of halves": Refused(
        lambda: classify(y=INDICATOR / 2), "Unknown label type: continuous-multioutput"
    ),
    "y of sets of labels": Refused(lambda: classify(y=[{0, 1}, {2}] * (N // 2)), "label type"),
    "y an indicator of another length": Refused(
        lambda: classify(y=INDICATOR[:-1]), r"inconsistent numbers of samples: \[30, 29\]"
    ),
    "y an indicator of three dimensions": Refused(
        lambda: classify(y=INDICATOR[:, :, None]), "dim 3"
    ),
}

SEVERAL_COLUMNS: dict[str, Row] = {
    "y of several columns of classes": OursAccepts(lambda: classify(y=two_columns()), ONE_NETWORK),
    "y of several columns of text": OursAccepts(
        lambda: classify(y=np.array(["red", "blue", "green", "grey"])[two_columns()]), ONE_NETWORK
    ),
    "y of several columns of floats": OursAccepts(
        lambda: classify(y=two_columns().astype(float)), ONE_NETWORK
    ),
    "y of several columns of continuous numbers": Refused(
        lambda: classify(y=X[:, :2]), "Unknown label type: continuous-multioutput"
    ),
    "y of several columns with NaN": Refused(
        lambda: classify(y=np.where(two_columns() == 3, np.nan, two_columns())), "y contains NaN"
    ),
    "y of several columns, one of them constant": OursAccepts(
        lambda: classify(y=np.column_stack([LABELS, np.ones(N, int)])),
        "the other columns can be learned: test_a_constant_column_of_classes",
    ),
    "y of several columns of another length": Refused(
        lambda: classify(y=two_columns()[:-1]), r"inconsistent numbers of samples: \[30, 29\]"
    ),
}

ROWS = INDICATORS | SEVERAL_COLUMNS
