"""Validation data handed to fit.

scikit-learn's networks take none; the arguments are those of its HistGradientBoosting estimators,
which answer in their place.
"""

import numpy as np
from sklearn import ensemble

from .harness import LABELS, TARGET, WEIGHT, N, X, classify, regress
from .rows import OursRefuses, Refused, Row
from .x_frames import frame


def trees(kind):
    return getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=1, early_stopping=True)


def validated(make_X=lambda: X, **fit):
    params = {"early_stopping": True}
    return classify(make_X(), fit=fit, params=params, peer=trees("Classifier"))


def regressed(**fit):
    return regress(fit=fit, params={"early_stopping": True}, peer=trees("Regressor"))


def refused(text, **fit):
    return Refused(lambda: validated(**fit), text)


def ours_refuses(text, why, **fit):
    return OursRefuses(lambda: validated(**fit), text, why)


def with_value(value):
    return np.where(X > 1, value, X)


ROWS: dict[str, Row] = {
    "X_val without y_val": refused("y_val must be given: X_val and y_val go together", X_val=X),
    "y_val without X_val": refused("X_val must be given: .* go together", y_val=LABELS),
    "X_val of other columns": refused("X has 3 features", X_val=X[:, :3], y_val=LABELS),
    "X_val of one dimension": refused("Reshape your data", X_val=X[:, 0], y_val=LABELS),
    "X_val of other names": Refused(
        lambda: validated(frame, X_val=frame()[list("dcba")], y_val=LABELS),
        "The feature names should match those that were passed during fit",
    ),
    "X_val without rows": refused(r"0 sample\(s\)", X_val=X[:0], y_val=LABELS[:0]),
    "X_val complex": refused("[Cc]omplex", X_val=X + 1j, y_val=LABELS),
    "y_val of another length": refused(r"samples: \[30, 29\]", X_val=X, y_val=LABELS[:-1]),
    "y_val of unseen labels": refused(r"has classes not in .*\[5 6 7\]", X_val=X, y_val=LABELS + 5),
    "y_val with NaN": refused("contains NaN", X_val=X, y_val=np.where(LABELS, np.nan, 0)),
    "y_val of text for numbers": ours_refuses(
        "has classes not in .*'0'",
        "labels are compared as they are: '0' is not 0",
        X_val=X,
        y_val=LABELS.astype(str),
    ),
    "sample_weight_val of another length": refused(
        r"sample_weight.shape == \(29,\)", X_val=X, y_val=LABELS, sample_weight_val=WEIGHT[:-1]
    ),
    "sample_weight_val all zero": refused(
        "at least one non-zero number", X_val=X, y_val=LABELS, sample_weight_val=np.zeros(N)
    ),
    "sample_weight_val negative": ours_refuses(
        "Negative values in data passed to `sample_weight`",
        "the same rule as for sample_weight",
        X_val=X,
        y_val=LABELS,
        sample_weight_val=-WEIGHT,
    ),
    "sample_weight_val alone": ours_refuses(
        "sample_weight_val must be given together with X_val and y_val",
        "what cannot be used is refused, not forgotten",
        sample_weight_val=WEIGHT,
    ),
    "X_val with NaN": ours_refuses(
        "X contains NaN", "trees take missing values", X_val=with_value(np.nan), y_val=LABELS
    ),
    "X_val with infinity": ours_refuses(
        "X contains infinity", "trees take infinity", X_val=with_value(np.inf), y_val=LABELS
    ),
    "X_val beyond float32": ours_refuses(
        "X contains a value too large",
        "trees take any size",
        X_val=with_value(1e39),
        y_val=LABELS,
    ),
    "X_val without y_val in a regression": Refused(
        lambda: regressed(X_val=X), "y_val must be given: X_val and y_val go together"
    ),
    "X_val of other columns in a regression": Refused(
        lambda: regressed(X_val=X[:, :3], y_val=TARGET), "X has 3 features"
    ),
    "y_val of another length in a regression": Refused(
        lambda: regressed(X_val=X, y_val=TARGET[:-1]), r"samples: \[30, 29\]"
    ),
    "y_val with NaN in a regression": Refused(
        lambda: regressed(X_val=X, y_val=np.where(TARGET > 1, np.nan, TARGET)), "contains NaN"
    ),
    "y_val of more columns in a regression": Refused(
        lambda: regressed(X_val=X, y_val=X[:, :2]), "y_val|y must|1d array"
    ),
}
