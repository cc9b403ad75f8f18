"""``multilayer train`` for what scikit-learn is needed for: files, and all options."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from multilayer._cli import tabular_training
from multilayer._cli.model_inputs import Features, LoadedModel, predictions, save_model
from multilayer._cli.network_run import (
    INTERRUPTED,
    Learner,
    arguments_for,
    check_output,
    run_and_report,
)
from multilayer._cli.settings import TABULAR, Request
from multilayer._cli.training_data import TrainingData, training_data
from multilayer._engine.callbacks.protocol import Callback
from multilayer._persist.checkpoints import prepare_folder
from multilayer._sklearn.classifier import MLPClassifier


def train_and_report(request: Request, *, json: bool) -> None:
    """Train, save, evaluate, and print the result as JSON or as text."""
    check_output(request.choices.data, request.output)
    if request.recipe == TABULAR:
        if tabular_training.train_and_report(request, json=json):
            raise typer.Exit(INTERRUPTED)
        return
    if request.checkpoint is not None:
        prepare_folder(request.checkpoint.folder)
    data = training_data(request.choices)
    network = MLPClassifier(**arguments_for(request, data), checkpoint=request.checkpoint)
    scaler = StandardScaler() if request.scale and not data.is_mnist else None
    run_and_report(request, data, EstimatorLearner(network, scaler), json=json)


class EstimatorLearner(Learner):
    """An MLPClassifier, behind a scaler that only the training rows decide."""

    network: MLPClassifier

    def __init__(self, network: MLPClassifier, scaler: StandardScaler | None) -> None:
        self.network, self._scaler = network, scaler

    @property
    def estimator(self) -> MLPClassifier | Pipeline:
        """The whole model."""
        if self._scaler is None:
            return self.network
        return Pipeline([("scaler", self._scaler), ("network", self.network)])

    def fit(self, data: TrainingData, callbacks: Sequence[Callback]) -> None:
        """Train on the training rows, validated where there are rows for it."""
        X, y = data.train
        validation: dict[str, Features] = {}
        if self._scaler is not None:
            X = self._scaler.fit_transform(X)
        if data.valid is not None:
            X_val = data.valid.X if self._scaler is None else self._scaler.transform(data.valid.X)
            validation = {"X_val": X_val, "y_val": data.valid.y}
        with warnings.catch_warnings():
            # A recipe plans its epochs: that they are over is no failure.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network.set_params(callbacks=callbacks).fit(X, y, **validation)
        self.network.set_params(callbacks=None, checkpoint=None)

    def save(self, path: Path, data: TrainingData) -> None:
        """Write the model file."""
        save_model(path, self.estimator, data.facts)

    def predict(self, X: Features) -> np.ndarray:
        """Return the labels predicted for rows."""
        return predictions(LoadedModel(Path(), self.estimator, {}), X)
