"""Models on the command line: read from a file with what the file knows of their data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.model_file import read_model, write_model


@dataclass(frozen=True)
class Model:
    """A fitted model with its description."""

    path: Path
    estimator: Any  # MLPClassifier or MLPRegressor, or a pipeline that ends in one
    facts: Mapping[str, Any]  # of the training data, as `multilayer train` wrote them

    @property
    def network(self) -> Any:
        """The MLPClassifier or MLPRegressor."""
        return self.estimator[-1] if self.scaler is not None else self.estimator

    @property
    def classes(self) -> list[Any] | None:
        """Its classes, None where it predicts numbers."""
        classes: Any = getattr(self.network, "classes_", None)
        return classes.tolist() if isinstance(classes, np.ndarray) else classes

    @property
    def scaler(self) -> Any:
        """What the rows go through first, or None."""
        return self.estimator[:-1] if hasattr(self.estimator, "steps") else None

    @property
    def features(self) -> list[str] | None:
        """Names of the columns it takes, where they are known."""
        names = self.facts.get("features")
        if names is None:
            names = getattr(self.estimator, "feature_names_in_", None)
        return None if names is None else list(names)

    @property
    def n_features(self) -> int:
        """Number of columns it takes."""
        return int(self.estimator.n_features_in_)


def load_model(path: Path) -> Model:
    """Read a model file."""
    from multilayer.estimators.states import rebuild

    manifest, arrays = read_model(path)
    facts = manifest.get("data")
    try:
        estimator = rebuild(manifest.get("pipeline"), manifest.get("steps"), arrays)
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    return Model(path, estimator, facts if isinstance(facts, dict) else {})


def save_model(path: Path, estimator: Any, facts: Mapping[str, Any]) -> None:
    """Write a model file."""
    from multilayer.estimators.states import describe

    described = describe(estimator)
    write_model(
        path,
        pipeline=described.pipeline,
        steps=described.steps,
        arrays=described.arrays,
        data=facts,
    )
