"""``multilayer info``: the description of a model file, without JAX or scikit-learn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from multilayer._cli import report
from multilayer._cli.console import results, say, say_json
from multilayer._core.checks import count, listed
from multilayer._core.pytrees import leaves
from multilayer._core.types import JSON
from multilayer._sklearn.saving.label_arrays import are_few
from multilayer._sklearn.saving.layer_kinds import layer_widths
from multilayer._sklearn.saving.model_steps import (
    ColumnValues,
    EnsembleValues,
    FrozenValues,
    ModelStep,
    PipelineValues,
    TargetValues,
    TransformerValues,
)
from multilayer._sklearn.saving.network_kinds import (
    ClassifierValues,
    NetworkValues,
    RegressorValues,
)
from multilayer._sklearn.saving.parser import ParsedFile, read_parsed
from multilayer._sklearn.saving.perceptron_kind import PerceptronValues
from multilayer._sklearn.saving.steps.tabular_encoder import encoding_of
from multilayer._sklearn.saving.tabular_kinds import TabularClassifierValues, TabularValues
from multilayer._sklearn.targets.class_outputs import Classes
from multilayer._sklearn.targets.uncertainty import IntervalCalibration, Temperature

Predicting: TypeAlias = NetworkValues | PerceptronValues | TabularValues
"""The values of what predicts."""


@dataclass(frozen=True)
class MemberFacts:
    """The facts about one model of a weighted ensemble."""

    name: str
    kind: str
    weight: float
    layers: list[int]
    n_parameters: int
    n_iter: int


@dataclass(frozen=True)
class ModelFacts:
    """The facts in a model file, None where unknown; the names are those of the JSON."""

    kind: str
    layers: list[int]
    n_members: int  # networks of an ensemble, all of these layers
    n_parameters: int
    activation: object  # a name, or one for each hidden layer
    classes: list[JSON] | None  # None where they are many
    n_classes: int | None  # of several columns of classes, the number of columns
    n_features: int | None
    features: list[str] | None
    roles: dict[str, str] | None  # of columns, where an encoder of raw tables has found them
    target: str | None
    data: str | None
    solver: str
    loss: float | None
    best_validation_score: float | None
    n_iter: int
    fit_seconds: float | None
    stop_reason: str | None
    n_calibration_rows: int | None  # of a network that is calibrated on rows apart
    temperature: float | None  # what its logits are divided by, if it predicts classes
    members: list[MemberFacts] | None  # of a weighted ensemble
    versions: dict[str, str]


def info(model: Path, json: bool = False) -> None:
    """Print the facts in a model file."""
    facts = described(read_parsed(model))
    if json:
        say_json({"model": str(model), **asdict(facts)})
        return
    console = results()
    say(console, (str(model), "bold"))
    report.print_pairs(console, list(facts_in_words(facts).items()))


def described(parsed: ParsedFile) -> ModelFacts:
    """Return the facts in a file."""
    model, pipeline, data = parsed.model, parsed.manifest["pipeline"], parsed.manifest["data"]
    alone = isinstance(model.values, TransformerValues)  # which predicts nothing
    names, learnt = feature_names(model), NOTHING if alone else learnt_of(model)
    classes = learnt.classes
    return ModelFacts(
        kind=kinds(model.members if pipeline else [model]),
        layers=learnt.layers,
        n_members=learnt.n_members,
        n_parameters=learnt.n_parameters,
        activation=learnt.activation,
        classes=None if classes is None else _labels(classes),
        n_classes=None if classes is None else len(classes),
        n_features=model.shape.takes,
        features=data.get("features") or (None if names is None else names.tolist()),
        roles=roles_of(model),
        target=data.get("target"),
        data=data.get("source"),
        solver=learnt.solver,
        loss=learnt.loss,
        best_validation_score=learnt.best_score,
        n_iter=learnt.n_iter,
        fit_seconds=learnt.fit_seconds,
        stop_reason=learnt.stop_reason,
        n_calibration_rows=learnt.n_calibration_rows,
        temperature=learnt.temperature,
        members=list(learnt.members) or None,
        versions=parsed.manifest["versions"],
    )


# What predicts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learnt:
    """What a network, a perceptron or an ensemble has learnt, and how."""

    layers: list[int]  # units
    n_parameters: int
    activation: object
    classes: Classes | None
    solver: str
    n_iter: int
    n_members: int = 1
    loss: float | None = None
    best_score: float | None = None
    fit_seconds: float | None = None
    stop_reason: str | None = None
    n_calibration_rows: int | None = None
    temperature: float | None = None
    members: tuple[MemberFacts, ...] = ()


NOTHING = Learnt([], 0, None, None, "", 0)


def learnt_of(step: ModelStep) -> Learnt:
    """Return the facts about what predicts in a model."""
    match step.values:
        case NetworkValues() | PerceptronValues() | TabularValues() as values:
            return learnt_by(values)
        case EnsembleValues(weights=weights):
            return _learnt_together(step.members, weights)
        case TargetValues():
            return learnt_of(step.members[0])
    return learnt_of(step.members[-1])


def _learnt_together(steps: Sequence[ModelStep], weights: Sequence[float]) -> Learnt:
    """Return the facts about a weighted ensemble: its members, and their sums."""
    each = [learnt_of(step) for step in steps]
    seconds = [own.fit_seconds for own in each if own.fit_seconds is not None]
    members = tuple(
        MemberFacts(step.name, kinds([step]), weight, own.layers, own.n_parameters, own.n_iter)
        for step, weight, own in zip(steps, weights, each, strict=True)
    )
    return Learnt(
        [],
        sum(own.n_parameters for own in each),
        None,
        each[0].classes,
        " and ".join(sorted({own.solver for own in each})),
        max(own.n_iter for own in each),
        n_members=sum(own.n_members for own in each),
        fit_seconds=sum(seconds) if len(seconds) == len(each) else None,
        members=members,
    )


def learnt_by(values: Predicting) -> Learnt:
    """Return the facts about what predicts."""
    if isinstance(values, PerceptronValues):
        sizes = [values.n_features, len(values.intercept)]
        return Learnt(
            sizes,
            report.n_parameters(sizes, normalised=False),
            "heaviside",
            values.target.classes,
            "perceptron rule",
            values.figures["n_iter_"],
        )
    if isinstance(values, TabularValues):
        return _learnt_by_ensemble(values)
    sizes, arguments, figures = list(values.network.layer_sizes), values.arguments, values.figures
    n_rows, temperature = _calibrated_on(values)
    return Learnt(
        sizes,
        report.n_parameters(sizes, normalised=arguments.norm is not None),
        arguments.activation,
        values.target.classes if isinstance(values, ClassifierValues) else None,
        arguments.solver,
        figures.n_iter,
        loss=figures.loss,
        best_score=values.best_validation_score,
        fit_seconds=figures.fit_seconds,
        stop_reason=figures.stop_reason,
        n_calibration_rows=n_rows,
        temperature=temperature,
    )


def _calibrated_on(values: NetworkValues) -> tuple[int | None, float | None]:
    """Return how many rows a network is calibrated on, and its temperature, where it has them."""
    match values:
        case ClassifierValues(calibration=Temperature(value, n_rows)):
            return n_rows, value
        case RegressorValues(calibration=IntervalCalibration(relative)):
            return len(relative), None
    return None, None


def _learnt_by_ensemble(values: TabularValues) -> Learnt:
    """Return the facts about an ensemble; loss and score are those of rows it has not seen."""
    ensemble, found = values.ensemble, values.report
    loss, score = found.unseen
    layers = ensemble.network.layers
    activations = {str(each.activation) for each in layers if hasattr(each, "activation")}
    return Learnt(
        layer_widths(ensemble.network, encoding_of(values.encoder).layout),
        sum(np.size(leaf) for leaf in leaves(ensemble.params)),
        " and ".join(sorted(activations)),
        values.classes if isinstance(values, TabularClassifierValues) else None,
        "adam",
        len(values.history),
        n_members=ensemble.network.n_members,
        loss=loss,
        best_score=score,
        fit_seconds=found.fit_seconds,
        stop_reason=found.stop_reason,
    )


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


def feature_names(step: ModelStep) -> np.ndarray | None:
    """Return the names of the columns that the first step knows."""
    values = step.values
    if isinstance(values, TransformerValues | ColumnValues | Predicting):
        return values.feature_names
    known = (each for each in step.members if each.shape.takes is not None)
    first = next(known, None)
    return None if first is None else feature_names(first)


def roles_of(step: ModelStep) -> dict[str, str] | None:
    """Return the role of each column, where the first step encodes raw tables."""
    match step.values:
        case TabularValues(encoder=encoder) | (TransformerValues() as encoder):
            roles = encoder.attributes.get("feature_roles_")
            if isinstance(roles, dict):
                return {str(name): role for name, role in roles.items()}
        case PipelineValues() | FrozenValues() | TargetValues() | EnsembleValues():
            return roles_of(step.members[0])
    return None


# Output for people --------------------------------------------------------------------------------


def facts_in_words(facts: ModelFacts) -> dict[str, str]:
    """Return the facts as lines."""
    network = report.network(facts.layers, facts.n_parameters)
    classes = f": {listed(facts.classes)}" if facts.classes else ""
    features = f": {listed(facts.features)}" if facts.features else ""
    members = f"{facts.n_members} x " if facts.n_members > 1 else ""
    shown = {
        "kind": facts.kind,
        "network": f"{members}{network}, {facts.activation}" if facts.layers else None,
        "members": "; ".join(map(_member, facts.members or ())),
        "classes": f"{facts.n_classes:,}{classes}" if facts.n_classes else None,
        "features": f"{facts.n_features:,}{features}",
        "roles": _roles(facts.roles or {}),
        "trained on": facts.data,
        "target": facts.target,
        "training": _training(facts) if facts.n_iter or facts.layers else None,
        "calibrated": _calibration(facts) if facts.n_calibration_rows else None,
        "versions": ", ".join(f"{name} {number}" for name, number in facts.versions.items()),
    }
    return {name: value for name, value in shown.items() if value}


def _member(member: MemberFacts) -> str:
    """Return one model of a weighted ensemble."""
    network = report.network(member.layers, member.n_parameters) if member.layers else member.kind
    return f"{member.weight:.3f} x {member.name}: {network}, {count(member.n_iter, 'epoch')}"


def _roles(roles: dict[str, str]) -> str:
    """Return the columns of each role."""
    found: dict[str, list[str]] = {}
    for name, role in roles.items():
        found.setdefault("dropped" if role == "drop" else role, []).append(name)
    return "; ".join(f"{len(names)} {role}: {listed(names)}" for role, names in found.items())


def _calibration(facts: ModelFacts) -> str:
    what = "intervals" if facts.temperature is None else f"temperature {facts.temperature:.3f}"
    return f"{what}, on {count(facts.n_calibration_rows or 0, 'row')}"


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
