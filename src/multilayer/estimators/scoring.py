"""A scorer of scikit-learn's, or of the user's, as what early stopping watches."""

import copy
import inspect
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.checks import refuse
from multilayer._nn.model import Parameters
from multilayer.estimators.network_attributes import parameter_attributes

if TYPE_CHECKING:
    from multilayer._engine.loop import Scorer


def check_scorer(value: Any) -> None:
    """Check that `scoring` is None, "loss", the name of a scorer or a function."""
    if value is None or value == "loss" or callable(value):
        return
    if isinstance(value, str):
        from sklearn.metrics import get_scorer_names

        if value in get_scorer_names():
            return
    refuse(
        "scoring",
        "None, 'loss', the name of a scorer or a function of (estimator, X, y)",
        value,
        "sklearn.metrics.get_scorer_names() lists the names.",
    )


def check_takes_weights(scoring: Any) -> None:
    """Check that a function of the user's can be given the weights of the rows."""
    if not inspect.isfunction(scoring):  # scikit-learn's scorers, and what is called like them
        return
    parameters = inspect.signature(scoring).parameters
    if "sample_weight" not in parameters:
        refuse(
            "scoring",
            "a function that takes sample_weight where samples have weights",
            scoring,
            "Add the argument sample_weight=None to it.",
        )


def network_scorer(estimator: Any, validation: Any) -> "Scorer":
    """Return the function that scores a network on validation rows, higher is better."""
    import jax
    from sklearn.metrics import check_scoring

    scorer = check_scoring(estimator, scoring=estimator.scoring)
    several = getattr(estimator, "_target_kind", None) == "multioutput"
    if several and isinstance(estimator.scoring, str):
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
    vars(view).pop("feature_names_in_", None)  # validation rows are a plain array by now

    def score(network: Parameters) -> float:
        vars(view).update(parameter_attributes(estimator, jax.device_get(network)))
        value = scorer(view, inputs, validation.labels, **weights)
        if not isinstance(value, Real):
            refuse("scoring", "a scorer that returns a number", value)
        return float(value)

    return score
