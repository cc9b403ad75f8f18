"""Weights of samples."""

import numpy as np

from .harness import INDICATOR, LABELS, TARGETS, WEIGHT, N, classify, regress
from .rows import OursRefuses, Refused, Row, Same, slow

FLOAT32 = "everything is computed in float32"


def same(make):
    return Same(lambda: classify(weight=make()))


def refused(make, text):
    return Refused(lambda: classify(weight=make()), text)


def ours_refuses(make, text, why):
    return OursRefuses(lambda: classify(weight=make()), text, why)


def with_value(value, dtype=float):
    weight = WEIGHT.astype(dtype)
    weight[3] = value
    return weight


def zeros_for(unwanted):
    return np.where(unwanted, 0.0, 1.0)


ROWS: dict[str, Row] = {
    **{
        f"weights of {dtype}": same(lambda dtype=dtype: np.ceil(WEIGHT).astype(dtype))
        for dtype in ("int64", "uint8", "float16", "float32", "longdouble", ">f4", "object")
    },
    "weights of bool": same(lambda: WEIGHT > 1),
    "weights as a list": same(WEIGHT.tolist),
    "weights as a tuple": same(lambda: tuple(WEIGHT)),
    "weights as one number": same(lambda: 2.0),
    "weights with negative strides": same(lambda: WEIGHT[::-1]),
    "weights of zero for some rows": same(lambda: zeros_for(np.arange(N) % 3 == 0)),
    "weights of zero for a class": same(lambda: zeros_for(LABELS == 1)),
    "weights of zero for all but one row": same(lambda: zeros_for(np.arange(N) != 3)),
    "weights of several labels": Same(lambda: classify(y=INDICATOR, weight=WEIGHT)),
    "weights of a regression": Same(lambda: regress(weight=WEIGHT)),
    "weights of a regression of zero for some rows": slow(
        Same(lambda: regress(weight=zeros_for(np.arange(N) % 3 == 0)))
    ),
    "weights of a regression of several targets": Same(lambda: regress(y=TARGETS, weight=WEIGHT)),
    "weights all zero": refused(lambda: np.zeros(N), "at least one non-zero number"),
    "weights zero as one number": refused(lambda: 0, "at least one non-zero number"),
    "weights all zero in a regression": Refused(
        lambda: regress(weight=np.zeros(N)), "at least one non-zero number"
    ),
    "weights with NaN": refused(lambda: with_value(np.nan), "sample_weight contains NaN"),
    "weights all NaN": refused(lambda: np.full(N, np.nan), "sample_weight contains NaN"),
    "weights with infinity": refused(lambda: with_value(np.inf), "sample_weight contains infinity"),
    "weights with None": refused(lambda: with_value(None, object), "sample_weight contains NaN"),
    "weights NaN as one number": refused(lambda: np.nan, "sample_weight .*nan"),
    "weights too few": refused(lambda: WEIGHT[:-1], r"sample_weight.shape == \(29,\)"),
    "weights too many": refused(lambda: [*WEIGHT, 1.0], r"sample_weight.shape == \(31,\)"),
    "weights empty": refused(list, r"0 sample\(s\)|shape"),
    "weights as an array of no dimension": refused(lambda: np.array(2.0), "at least 1 dimension"),
    "weights as a column": refused(lambda: WEIGHT[:, None], "Sample weights must be 1D"),
    "weights of two columns": refused(lambda: np.ones((N, 2)), "Sample weights must be 1D"),
    "weights of text": refused(lambda: "balanced", "sample_weight"),
    "weights of text per row": refused(
        lambda: ["heavy"] * N, "could not convert string to float: 'heavy'"
    ),
    "weights as a dictionary": refused(lambda: {0: 1.0, 1: 2.0}, "sample_weight"),
    "weights complex": refused(lambda: WEIGHT + 1j, "[Cc]omplex"),
    "weights with a negative one": ours_refuses(
        lambda: with_value(-1.0),
        "Negative values in data passed to `sample_weight`",
        "a negative weight asks to learn the opposite, and the loss has no lowest value then",
    ),
    "weights negative as one number": ours_refuses(
        lambda: -1.0,
        "sample_weight",
        "a negative weight asks to learn the opposite, and the loss has no lowest value then",
    ),
    "weights below float32": ours_refuses(
        lambda: np.full(N, 1e-50), "sample_weight must have a sum that float32 can hold", FLOAT32
    ),
    "weights beyond float32": ours_refuses(
        lambda: np.full(N, 1e39), "sample_weight must have a sum that float32 can hold", FLOAT32
    ),
    "weights of 1e-20": Same(lambda: classify(weight=WEIGHT * 1e-20, params={"alpha": 1e-30})),
    "weights of 1e-20 beside a penalty": ours_refuses(
        lambda: WEIGHT * 1e-20,
        "training diverged",
        "alpha is divided by the sum of the weights; scikit-learn's loss ends at 1e96",
    ),
    "weights of 1e20": same(lambda: WEIGHT * 1e20),
}
