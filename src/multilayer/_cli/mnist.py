"""``multilayer train mnist``: the digits, trained on and recognised without scikit-learn.

Importing it takes longer than training on them. What is trained, and the file that is written, are
those of an MLPClassifier with the same arguments, to the bit.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from multilayer._cli.network_run import Learner, arguments_for, check_output, run_and_report
from multilayer._cli.settings import Request
from multilayer._cli.training_data import Part, TrainingData, training_data
from multilayer._core.types import computing_type
from multilayer._data.rows import row_taker
from multilayer._engine import engines
from multilayer._engine.callbacks.protocol import Callback
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.resolved import Resolved, check_classifier
from multilayer._sklearn.fit import engine_run
from multilayer._sklearn.fit.assembly import assemble, planned
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.start import fresh
from multilayer._sklearn.network.parameters import parameters_of
from multilayer._sklearn.network.trained import TrainedClassifier
from multilayer._sklearn.saving.classifier_file import write_classifier
from multilayer._sklearn.targets import class_outputs
from multilayer._sklearn.targets.class_outputs import MULTICLASS, classifier_numbers
from multilayer.datasets._mnist import N_CLASSES


def train_and_report(request: Request, *, json: bool) -> None:
    """Train, save, evaluate, and print the result as JSON or as text."""
    check_output(request.choices.data, request.output)
    data = training_data(request.choices)
    learner = DigitsLearner(DigitsNetwork(**arguments_for(request, data)))
    run_and_report(request, data, learner, json=json)


class DigitsNetwork(TrainedClassifier, ClassifierArguments):
    """The arguments of MLPClassifier and, once trained, its attributes."""

    classes_ = np.arange(N_CLASSES)  # of load_mnist: the labels are the numbers of the classes
    _target_kind = MULTICLASS
    _calibration = None
    _calibration_share = 0.0

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Return the arguments by name, sorted as scikit-learn has them."""
        return {name: getattr(self, name) for name in sorted(f.name for f in fields(self))}

    def _check_parameters(self) -> Resolved:
        return check_classifier(self)

    def samples(self, part: Part) -> Samples:
        """Return rows as the engine takes them, all of the same weight."""
        weight = np.ones(len(part.y), computing_type(self.precision))
        return Samples(part.X, part.y.astype(np.int32), weight, part.y)


class DigitsLearner(Learner):
    """The layer below the estimators."""

    network: DigitsNetwork

    def __init__(self, network: DigitsNetwork) -> None:
        self.network = network

    def fit(self, data: TrainingData, callbacks: Sequence[Callback]) -> None:
        """Train on the training rows, validated where there are rows for it."""
        network = self.network
        resolved = check_classifier(network)
        kind, classes = network._target_kind, network.classes_
        objective = class_outputs.objective(kind, classes, network.out_activation)
        samples = network.samples(data.train)
        validation = None if data.valid is None else network.samples(data.valid)
        assert isinstance(network.random_state, int)  # the option --seed
        rng, dtype = np.random.RandomState(network.random_state), samples.dtype
        begun = fresh(resolved, rng, samples.X.shape[1], len(classes), None, dtype)
        numbers, given = classifier_numbers(network, dtype), network.get_params()
        plan = planned(resolved, begun, objective, numbers, samples, validation, given=given)
        training = assemble(plan, samples, validation)
        result = engine_run.run(plan, training, network.max_iter, callbacks)
        network._take(plan, result)
        if result.error is not None:
            raise result.error

    def save(self, path: Path, data: TrainingData) -> None:
        """Write the model file."""
        write_classifier(self.network, path, data.facts)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the labels predicted for rows."""
        network = self.network
        shape = network._network
        raw = engines.predictor(network.engine_, shape.at_prediction()).outputs(
            shape,
            parameters_of(network, network._dtype),
            row_taker(X, network._dtype),
            len(X),
            input_scale=1.0 if network.input_scale is None else network.input_scale,
            dtype=network._dtype,
        )
        kind, trained = network._target_kind, network._trained
        return class_outputs.labels_of(
            kind, network.classes_, class_outputs.logits_of(kind, trained, raw)
        )
