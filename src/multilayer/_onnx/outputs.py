"""What the graph of an estimator returns, and the options of skl2onnx that change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from skl2onnx import _supported_operators
from skl2onnx.common import _registration

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph, Keyed

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope


# Outputs of a graph, and what a graph needs of an estimator --------------------------------------


Made: TypeAlias = str | Keyed
"""What becomes an output: a tensor by its name, or one of which each row becomes a dict."""


@dataclass(frozen=True)
class Output:
    """One tensor that a graph returns."""

    name: str
    dtype: np.dtype  # of text: str
    shape: tuple[int, ...]  # of one row
    keys: np.dtype | None = None  # of rows that are dicts: the type of their keys
    of_rows: bool = True  # whether there is one for each row


Rows: TypeAlias = Any
"""What a graph begins with: a matrix by its name, or the variables of a table's columns."""


class Described(Protocol):
    """What a graph needs of a fitted estimator.

    One with a true attribute ``reads_tables`` gets the columns of a table as skl2onnx's variables.
    """

    def outputs(self) -> list[Output]:
        """What the graph returns, in order."""

    def build(self, graph: Graph, x: Rows) -> Sequence[Made]:
        """Add the nodes from rows ``x`` to the outputs; return their names."""


def labels_of(classes: np.ndarray) -> np.ndarray:
    """Return class labels in the type in which a graph gives them.

    int64 for whole numbers, float64 for others, bool and text as they are.
    """
    kind = classes.dtype.kind
    if kind in "iu":
        labels = classes.astype(np.int64)
        if (labels == classes).all():
            return labels
    elif kind == "f":
        return classes.astype(np.float64)
    elif kind == "b":
        return classes
    elif kind in "UO" and all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(str)
    refuse(
        "model.classes_",
        "whole numbers of 64 bits, other real numbers, bool or text for ONNX",
        classes,
        "Train on labels of such a kind.",
    )


def pick(graph: Graph, classes: np.ndarray, numbers: str) -> str:
    """Add the look-up of labels by the numbers of their classes ``(rows,)``."""
    return graph.node("Gather", classes, numbers, axis=0)


def highest(graph: Graph, scores: str) -> str:
    """Add the number of the highest score of each row, the first one among equals."""
    return graph.node("ArgMax", scores, axis=1, keepdims=0)


def positive(graph: Graph, scores: str, dtype: npt.DTypeLike) -> str:
    """Add whether scores are above 0, as int64."""
    return graph.cast(graph.node("Greater", scores, np.array(0.0, dtype)), "int64")


def flat(graph: Graph, column: str) -> str:
    """Add the change of a column ``(rows, 1)`` to ``(rows,)``."""
    return graph.node("Squeeze", column, np.array([1]))


# Options of skl2onnx's own classifiers, and the outputs that they add ----------------------------


CHOICES: dict[str, tuple[bool | str, ...]] = {
    "zipmap": (True, False, "columns"),
    "nocl": (False, True),
    "output_class_labels": (False, True),
    "raw_scores": (False, True),
}
"""Values of each option, as skl2onnx spells them; the first one is what it takes by default."""


@dataclass(frozen=True)
class Options:
    """Options of a classifier; the defaults are what its own converter does."""

    zipmap: bool | str = False  # a dict for each row, or an output for each class
    nocl: bool = False  # numbers of classes in place of labels
    output_class_labels: bool = False
    raw_scores: bool = False  # outputs before their activation in place of probabilities


class Choosing(Described, Protocol):
    """A classifier that takes options."""

    def with_options(self, options: Options) -> Described:
        """Return it with these options."""


def asked(
    model: object, given: Mapping[type | int, Mapping[str, bool | str | None]] | None
) -> Options:
    """Return the options of a model among those given to skl2onnx, by type or by id.

    An unknown option is left to skl2onnx, which refuses it by name.
    """
    found = {name: values[0] for name, values in CHOICES.items()}
    for key in (type(model), id(model)):
        for name, value in dict((given or {}).get(key) or {}).items():
            if name in CHOICES and value is not None:
                if not any(
                    value is known or value == known == "columns" for known in CHOICES[name]
                ):
                    refuse(f"options[{name!r}]", f"one of {list(CHOICES[name])}", value)
                found[name] = value
    return Options(
        zipmap=found["zipmap"],
        nocl=bool(found["nocl"]),
        output_class_labels=bool(found["output_class_labels"]),
        raw_scores=bool(found["raw_scores"]),
    )


def register(kind: type) -> None:
    """Let skl2onnx accept these options for a class of estimators."""
    alias = f"Multilayer{kind.__name__}"
    if _supported_operators.sklearn_operator_name_map.get(kind) == alias:
        return

    def convert(scope: "Scope", operator: "Operator", container: "ModelComponentContainer") -> None:
        operator.raw_operator.onnx_converter()(scope, operator, container)

    def calculate(operator: "Operator") -> None:
        operator.raw_operator.onnx_shape_calculator()(operator)

    options = {name: list(values) for name, values in CHOICES.items()}
    _registration.register_converter(alias, convert, overwrite=True, options=options)
    _registration.register_shape_calculator(alias, calculate, overwrite=True)
    _supported_operators.sklearn_operator_name_map[kind] = alias


def numbered(classes: np.ndarray) -> np.ndarray:
    """Return the numbers of classes, which stand for their labels."""
    return np.arange(len(classes))


def with_outputs(
    described: Described, classes: Sequence[np.ndarray], options: Options
) -> Described:
    """Return a classifier with the outputs of these options; each column of labels has classes."""
    if options.zipmap and options.output_class_labels:
        refuse(
            "options['output_class_labels']",
            "False beside zipmap",
            True,
            "Give zipmap=False too: with it, labels come with the probabilities.",
        )
    if options.output_class_labels:
        return WithLabels(described, tuple(classes))
    return described if not options.zipmap else Mapped(described, classes[0], options.zipmap)


@dataclass(frozen=True)
class WithLabels:
    """A classifier with one more output for each column of labels: its classes."""

    described: Described
    classes: tuple[np.ndarray, ...]

    def outputs(self) -> list[Output]:
        """Those of the classifier, and the classes."""
        ends = [f"_{i}" for i in range(len(self.classes))] if len(self.classes) > 1 else [""]
        return [
            *self.described.outputs(),
            *(
                Output(f"class_labels{end}", labels.dtype, labels.shape, of_rows=False)
                for end, labels in zip(ends, map(labels_of, self.classes), strict=True)
            ),
        ]

    def build(self, graph: Graph, x: Rows) -> list[Made]:
        """Add the nodes of the classifier, and its classes as constants."""
        labels = (graph.node("Identity", labels_of(each)) for each in self.classes)
        return [*self.described.build(graph, x), *labels]


@dataclass(frozen=True)
class Mapped:
    """A classifier whose probabilities go by the labels of their classes."""

    described: Described  # its outputs are labels and probabilities
    classes: np.ndarray
    zipmap: bool | str  # True for a dict for each row, "columns" for an output for each class

    def keys(self) -> np.ndarray:
        """Labels as ONNX has them as keys: text or int64."""
        keys = labels_of(self.classes)
        if keys.dtype.kind == "U":
            return keys
        whole = keys.astype(np.int64)
        if (whole != keys).any():
            remedy = "Give zipmap=False, which returns an array."
            refuse("model.classes_", "whole numbers or text for zipmap", self.classes, remedy)
        return whole

    def outputs(self) -> list[Output]:
        """Labels, and one output of all probabilities or one for each class."""
        label, values = self.described.outputs()
        keys = self.keys()
        first = Output("output_label", keys.dtype, label.shape)
        if self.zipmap == "columns":
            letter = "s" if keys.dtype.kind == "U" else "i"
            return [first, *(Output(f"{letter}{key}", values.dtype, ()) for key in keys)]
        return [first, Output("output_probability", values.dtype, (), keys=keys.dtype)]

    def build(self, graph: Graph, x: Rows) -> list[Made]:
        """Add the nodes of the classifier, and what gives its probabilities their keys."""
        label, values = self.described.build(graph, x)
        keys = self.keys()
        if keys.dtype.kind != "U":
            label = graph.cast(str(label), np.int64)
        if self.zipmap == "columns":
            return [label, *(graph.column(str(values), i) for i in range(len(keys)))]
        return [label, Keyed(str(values), keys)]
