"""``multilayer info``: the description of a model file, without JAX or scikit-learn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from multilayer._cli import report
from multilayer._cli.console import results, say, say_json
from multilayer._core.checks import count, listed
from multilayer._core.types import JSON
from multilayer._sklearn.saving.label_arrays import are_few
from multilayer._sklearn.saving.model_steps import (
    ColumnValues,
    ModelStep,
    TargetValues,
    TransformerValues,
)
from multilayer._sklearn.saving.network_kinds import ClassifierValues, NetworkValues
from multilayer._sklearn.saving.parser import ParsedFile, read_parsed
from multilayer._sklearn.saving.perceptron_kind import PerceptronValues
from multilayer._sklearn.targets.class_outputs import Classes


@dataclass(frozen=True)
class ModelFacts:
    """The facts in a model file, None where unknown; the names are those of the JSON."""

    kind: str
    layers: list[int]
    n_parameters: int
    activation: object  # a name, or one for each hidden layer
    classes: list[JSON] | None  # None where they are many
    n_classes: int | None  # of several columns of classes, the number of columns
    n_features: int | None
    features: list[str] | None
    target: str | None
    data: str | None
    solver: str
    loss: float | None
    best_validation_score: float | None
    n_iter: int
    fit_seconds: float | None
    stop_reason: str | None
    versions: dict[str, str]


def info(model: Path, json: bool = False) -> None:
    """Print the facts in a model file."""
    facts = described(read_parsed(model))
    if json:
        say_json({"model": str(model), **asdict(facts)})
        return
    console = results()
    say(console, (str(model), "bold"))
    report.print_pairs(console, list(_pairs(facts).items()))


def described(parsed: ParsedFile) -> ModelFacts:
    """Return the facts in a file."""
    model, pipeline, data = parsed.model, parsed.manifest["pipeline"], parsed.manifest["data"]
    values, names = predicting(model), feature_names(model)
    network = values if isinstance(values, NetworkValues) else None
    sizes, n_iter, classes = _training_of(values)
    return ModelFacts(
        kind=kinds(model.members if pipeline else [model]),
        layers=sizes,
        n_parameters=report.n_parameters(
            sizes, normalised=network is not None and network.arguments.norm is not None
        ),
        activation=network.arguments.activation if network else "heaviside",
        classes=None if classes is None else _labels(classes),
        n_classes=None if classes is None else len(classes),
        n_features=model.shape.takes,
        features=data.get("features") or (None if names is None else names.tolist()),
        target=data.get("target"),
        data=data.get("source"),
        solver=network.arguments.solver if network else "perceptron rule",
        loss=network.figures.loss if network else None,
        best_validation_score=network.best_validation_score if network else None,
        n_iter=n_iter,
        fit_seconds=network.figures.fit_seconds if network else None,
        stop_reason=network.figures.stop_reason if network else None,
        versions=parsed.manifest["versions"],
    )


def _training_of(
    values: NetworkValues | PerceptronValues,
) -> tuple[list[int], int, Classes | None]:
    """Return the units of all layers, the epochs, and the classes where there are such."""
    if isinstance(values, PerceptronValues):
        sizes = [values.n_features, len(values.intercept)]
        return sizes, values.figures["n_iter_"], values.target.classes
    classes = values.target.classes if isinstance(values, ClassifierValues) else None
    return list(values.network.layer_sizes), values.figures.n_iter, classes


def _labels(classes: Classes) -> list[JSON] | None:
    """Return class labels, a list of them for each of several columns; None where they are many."""
    if isinstance(classes, np.ndarray):
        return classes.tolist() if are_few(classes.tolist()) else None
    several: list[JSON] = [_labels(each) for each in classes]
    return None if None in several else several


# Nested steps -------------------------------------------------------------------------------------


def kinds(steps: Sequence[ModelStep]) -> str:
    """Return the kinds of steps as text, members in parentheses."""
    return " + ".join(
        f"{step.kind}({kinds(step.members)})" if step.members else step.kind for step in steps
    )


def predicting(step: ModelStep) -> NetworkValues | PerceptronValues:
    """Return the values of what predicts."""
    match step.values:
        case NetworkValues() | PerceptronValues() as values:
            return values
        case TargetValues():
            return predicting(step.members[0])
    return predicting(step.members[-1])


def feature_names(step: ModelStep) -> np.ndarray | None:
    """Return the names of the columns that the first step knows."""
    values = step.values
    if isinstance(values, TransformerValues | ColumnValues | NetworkValues | PerceptronValues):
        return values.feature_names
    known = (each for each in step.members if each.shape.takes is not None)
    first = next(known, None)
    return None if first is None else feature_names(first)


# Output for people --------------------------------------------------------------------------------


def _pairs(facts: ModelFacts) -> dict[str, str]:
    """Return the facts as lines."""
    network = report.network(facts.layers, facts.n_parameters)
    classes = f": {listed(facts.classes)}" if facts.classes else ""
    features = f": {listed(facts.features)}" if facts.features else ""
    shown = {
        "kind": facts.kind,
        "network": f"{network}, {facts.activation}",
        "classes": f"{facts.n_classes:,}{classes}" if facts.n_classes else None,
        "features": f"{facts.n_features:,}{features}",
        "trained on": facts.data,
        "target": facts.target,
        "training": _training(facts),
        "versions": ", ".join(f"{name} {number}" for name, number in facts.versions.items()),
    }
    return {name: value for name, value in shown.items() if value}


def _training(facts: ModelFacts) -> str:
    epochs = count(facts.n_iter, "epoch")
    if facts.fit_seconds is not None:
        epochs += f" in {report.seconds(facts.fit_seconds)}"
    parts = [facts.solver, epochs]
    if facts.loss is not None:
        parts.append(f"loss {facts.loss:.4f}")
    best = facts.best_validation_score
    if best is not None:
        numbers = facts.n_classes is None
        shown = f"R2 {best:.4f}" if numbers else f"accuracy {report.percent(best)}"
        parts.append(f"best validation {shown}")
    if facts.stop_reason in ("interrupted", "diverged"):
        parts.append(facts.stop_reason)
    return ", ".join(parts)
