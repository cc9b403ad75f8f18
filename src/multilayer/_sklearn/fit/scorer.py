"""A scikit-learn scorer, or a user's own, as the metric that early stopping monitors."""

import copy
import inspect
import math
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.checks import did_you_mean, refuse
from multilayer._core.errors import DataError, MultilayerError
from multilayer._nn.model import Parameters
from multilayer._sklearn.network.parameters import network_attributes, set_network
from multilayer._sklearn.targets.metric_table import METRICS, Metric

if TYPE_CHECKING:
    from multilayer._engine.loop import Scorer
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.fit.assembly import Plan
    from multilayer._sklearn.fit.samples import Samples


def check_scorer(value: object) -> None:
    """Check that `scoring` is None, "loss", the name of a scorer, a metric or a function."""
    if value is None or value == "loss" or callable(value):
        return
    meant = ""
    if isinstance(value, str):
        from sklearn.metrics import get_scorer_names

        names = ["loss", *METRICS, *get_scorer_names()]
        if value in names:
            return
        meant = f"{did_you_mean(value, names)} "
    refuse(
        "scoring",
        "None, 'loss', the name of a scorer, a function of (estimator, X, y) or a Metric",
        value,
        f"{meant}The names are {', '.join(METRICS)} and sklearn.metrics.get_scorer_names().",
    )


def check_takes_weights(scoring: object) -> None:
    """Check that a user's function accepts the weights of the rows."""
    if isinstance(scoring, Metric):
        takes = scoring.takes_weights
    else:  # scikit-learn's scorers, and what is called like them, do
        takes = True
        if inspect.isfunction(scoring):
            takes = "sample_weight" in inspect.signature(scoring).parameters
    if not takes:
        refuse(
            "scoring",
            "a function that takes sample_weight where samples have weights",
            scoring,
            "Add the argument sample_weight=None to it.",
        )


def network_scorer(estimator: "BaseMLP", plan: "Plan", validation: "Samples") -> "Scorer":
    """Return the function that scores a network on validation rows, higher is better.

    The scorer is tried on the network as it starts, so that one that cannot score these rows is
    refused before anything is trained.
    """
    from sklearn.metrics import check_scoring

    named = isinstance(estimator.scoring, str)
    metric = METRICS.get(estimator.scoring) if named else None
    scorer = metric or check_scoring(estimator, scoring=estimator.scoring)
    several = getattr(estimator, "_target_kind", None) == "multioutput"
    if several and named:
        refuse(
            "scoring",
            "None, 'loss' or a function where y has several columns of classes",
            estimator.scoring,
            "scikit-learn's scorers take one column.",
        )
    weights = {}
    if not (validation.weight == 1).all():
        check_takes_weights(estimator.scoring)
        weights["sample_weight"] = np.asarray(validation.weight, np.float64)
    inputs = validation.matrix()
    view = copy.copy(estimator)
    view.__dict__.pop("feature_names_in_", None)  # validation rows are a plain array by now
    set_network(view, plan, plan.start.params)

    def score_view() -> float:
        value = scorer(view, inputs, validation.labels, **weights)
        if not isinstance(value, Real):
            refuse("scoring", "a scorer that returns a number", value)
        return float(value)

    def score(network: Parameters) -> float:
        view.__dict__.update(network_attributes(estimator, plan, network))
        return score_view()

    try_scorer(estimator, scorer, score_view, validation.labels)
    return score


def try_scorer(
    estimator: "BaseMLP", scorer: object, score: Callable[[], float], labels: np.ndarray
) -> None:
    """Refuse a scorer that fails, or is NaN, before training would meet it epoch after epoch."""
    scoring = estimator.scoring
    try:
        value = score()
    except MultilayerError:  # says already what is wrong
        raise
    except Exception as error:
        remedy = f"{type(error).__name__}: {error} {_remedy(estimator, scorer, str(error))}"
        refuse("scoring", "a scorer that works on the validation data", scoring, remedy.rstrip())
    if math.isnan(value):
        raise DataError(
            f"scoring={scoring!r} is NaN on the validation data ({len(labels)} rows). "
            f"{_absent(estimator, labels)}Give X_val and y_val that it is defined on, or choose "
            "another scoring."
        )


def _absent(estimator: "BaseMLP", labels: np.ndarray) -> str:
    """Name the classes that validation data lack, where one column of y has classes."""
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray) or labels.ndim != 1:
        return ""
    absent = np.setdiff1d(classes, labels).tolist()
    return f"They lack the classes {absent}. " if absent else ""


def _remedy(estimator: "BaseMLP", scorer: object, reason: str) -> str:
    """Name the scorer to write where labels of two classes do not say which is positive."""
    # The repr of scikit-learn's scorers is the call that makes them, but for this default's quotes.
    made = repr(scorer).replace(", average=binary", "")
    classes = getattr(estimator, "classes_", ())
    if "pos_label" not in reason or len(classes) != 2 or not made.startswith("make_scorer("):
        return ""
    positive = np.asarray(classes).tolist()[1]
    return f"Name the positive class: scoring={made[:-1]}, pos_label={positive!r})."
