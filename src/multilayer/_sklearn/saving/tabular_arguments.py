"""The estimators for raw tables in model files: their classes, and rules for their arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from multilayer._core.activations import ACTIVATIONS
from multilayer._core.environment import DEVICES
from multilayer._core.types import JSON
from multilayer._sklearn.saving.steps.argument_rules import (
    AUTO,
    FLAG,
    NOTHING,
    SEED,
    Rules,
    count,
    either,
    of_type,
    one_of,
    real,
)
from multilayer._sklearn.saving.steps.tabular_encoder import roles_by_column
from multilayer._sklearn.tabular.ensemble import ReferenceReport, TabularReport


def _seconds(value: object) -> bool:
    return value is None or (type(value) in (int, float) and 0 < value < np.inf)  # type: ignore[operator]


def _class_weight(value: object) -> bool:
    return value in (None, "balanced") if not isinstance(value, dict) else _weights(value)


def _weights(value: Mapping[object, object]) -> bool:
    return all(type(weight) in (int, float) and weight >= 0 for weight in value.values())  # type: ignore[operator]


def _widths(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(count(1), value))
    return count(1)(value)


# Rules -------------------------------------------------------------------------------------------


COMMON: Rules = {
    "scoring": either(NOTHING, of_type(str)),
    "feature_roles": roles_by_column,
    "random_state": SEED,
    "verbose": FLAG,
    "callbacks": NOTHING,
    "checkpoint": NOTHING,
    "device": one_of(*DEVICES),
}
BY_DATA: Rules = {
    **COMMON,
    "n_estimators": either(AUTO, count(1)),
    "n_folds": either(AUTO, count(2)),
    "time_budget": _seconds,
}
REFERENCE: Rules = {**COMMON, "max_iter": count(1), "validation_fraction": real(0, 1)}
REALMLP: Rules = {
    **REFERENCE,
    "variant": one_of("TD", "TD-S"),
    "hidden_layer_sizes": _widths,
    "activation": either(AUTO, one_of(*ACTIVATIONS)),
    "numeric_embedding": either(AUTO, NOTHING, one_of("pbld")),
    "max_one_hot": either(AUTO, NOTHING, count(2)),
    "dropout": either(AUTO, real(0, 1)),
    "weight_decay": either(AUTO, real(0)),
    "learning_rate_init": either(AUTO, real(0)),
    "beta_2": real(0, 1),
    "batch_size": count(1),
    "n_cv": count(1),
    "n_ens": count(1),
    "n_refit": count(0),
}
TABM: Rules = {
    **REFERENCE,
    "variant": one_of("TabM", "TabM-mini"),
    "k": count(1),
    "hidden_layer_sizes": either(AUTO, _widths),
    "numeric_scaling": one_of("quantile", "robust"),
    "numeric_embedding": either(NOTHING, one_of("piecewise_linear")),
    "n_bins": count(1),
    "embedding_size": count(1),
    "max_one_hot": either(NOTHING, count(2)),
    "dropout": real(0, 1),
    "weight_decay": real(0),
    "learning_rate_init": real(0),
    "clip_norm": either(NOTHING, real(0)),
    "batch_size": either(AUTO, count(1)),
    "share_training_batches": FLAG,
    "n_iter_no_change": count(0),
}
OF_CLASSES: Rules = {"class_weight": _class_weight}


# The classes -------------------------------------------------------------------------------------


EARLIER = {"device": "auto"}
EARLIER_TABM = {**EARLIER, "numeric_scaling": "robust"}


@dataclass(frozen=True)
class TableKind:
    """An estimator for raw tables.

    Files written before an argument was there lack it: ``earlier`` has what it stood at.
    """

    name: str
    module: str
    classification: bool
    rules: Rules  # of the constructor's arguments
    report: type[TabularReport] | type[ReferenceReport]
    earlier: Mapping[str, JSON] = field(default_factory=lambda: EARLIER)


BY_DATA_HOME = "multilayer._sklearn.tabular.tabular_estimators"
REALMLP_HOME = "multilayer._sklearn.reference.realmlp"
TABM_HOME = "multilayer._sklearn.reference.tabm"
SMOOTHED: Rules = {"label_smoothing": real(0, 1)}
TABLE_KINDS: dict[str, TableKind] = {
    kind.name: kind
    for kind in (
        TableKind(
            "TabularClassifier", BY_DATA_HOME, True, {**BY_DATA, **OF_CLASSES}, TabularReport
        ),
        TableKind("TabularRegressor", BY_DATA_HOME, False, BY_DATA, TabularReport),
        TableKind(
            "RealMLPClassifier",
            REALMLP_HOME,
            True,
            {**REALMLP, **SMOOTHED, **OF_CLASSES},
            ReferenceReport,
        ),
        TableKind("RealMLPRegressor", REALMLP_HOME, False, REALMLP, ReferenceReport),
        TableKind(
            "TabMClassifier",
            TABM_HOME,
            True,
            {**TABM, **OF_CLASSES},
            ReferenceReport,
            EARLIER_TABM,
        ),
        TableKind("TabMRegressor", TABM_HOME, False, TABM, ReferenceReport, EARLIER_TABM),
    )
}
"""All of them, by name."""
