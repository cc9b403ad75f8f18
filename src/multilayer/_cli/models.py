"""Models on the command line: read from a file with what the file knows of their data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from multilayer._core.errors import InvalidArgumentError
from multilayer._persist.model_file import Facts
from multilayer._sklearn.saving.models import read, write

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

Label: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class LoadedModel:
    """A fitted model with its description."""

    path: Path
    estimator: "BaseEstimator"  # of multilayer, or a pipeline or other composition around one
    facts: Facts  # of the training data, as `multilayer train` wrote them

    @property
    def network(self) -> "BaseEstimator":
        """The last step: an MLPClassifier or MLPRegressor, if `multilayer train` wrote it."""
        return self.estimator[-1] if self.scaler is not None else self.estimator

    @property
    def classes(self) -> list[Label] | None:
        """Its classes, None where it predicts numbers."""
        classes = getattr(self.network, "classes_", None)
        return classes.tolist() if isinstance(classes, np.ndarray) else classes

    @property
    def scaler(self) -> "Pipeline | None":
        """The steps before the network, or None."""
        return self.estimator[:-1] if hasattr(self.estimator, "steps") else None

    @property
    def features(self) -> list[str] | None:
        """Names of its input columns, where they are known."""
        names = self.facts.get("features")
        if names is None:
            names = getattr(self.estimator, "feature_names_in_", None)
        return None if names is None else list(names)

    @property
    def takes_frames(self) -> bool:
        """Whether it finds its columns by name, in tables that may have text in them."""
        composed = hasattr(self.estimator, "steps") or hasattr(self.estimator, "regressor_")
        named = hasattr(self.estimator, "feature_names_in_")
        return composed and named and self.facts.get("features") is None

    @property
    def n_features(self) -> int:
        """Number of columns it takes."""
        return int(self.estimator.n_features_in_)


def require_method(model: LoadedModel, name: str, command: str) -> None:
    """Refuse a model that cannot do what a command needs."""
    if not hasattr(model.network, name):
        raise InvalidArgumentError(
            f"MODEL must end in an MLPClassifier or MLPRegressor for {command}, got {model.path}, "
            f"which ends in a {type(model.network).__name__}. Use multilayer predict."
        )


def require_one_output(model: LoadedModel, command: str) -> None:
    """Refuse a model with several columns of classes."""
    classes = getattr(model.network, "classes_", None)
    if isinstance(classes, list):
        raise InvalidArgumentError(
            f"MODEL must predict one column for {command}, got {model.path}, which predicts "
            f"{len(classes)}. Measure it in Python."
        )


def load_model(path: Path) -> LoadedModel:
    """Read a model file."""
    return LoadedModel(path, *read(path))


def save_model(path: Path, estimator: "BaseEstimator", facts: Facts) -> None:
    """Write a model file."""
    write(estimator, path, facts)
