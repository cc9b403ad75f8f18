"""Neurons as logic: networks of threshold logic units, built by hand.

In chapter 10 of the 2019 book a neuron counts: it fires when at least two of its input connections
are active, and some connections inhibit. A threshold logic unit has numbers for that. The weight of
an input is the number of connections from it, negative where they inhibit, and the bias is minus
the number that must be active: ``heaviside(w @ x - 2)`` is 1 where the weights of the active inputs
sum to 2 or more, and else 0.

========  ==================================  ==========  ====
network   connections                         weights     bias
========  ==================================  ==========  ====
IDENTITY  two from A                          2           -2
AND       one from A, one from B              1, 1        -2
OR        two from A, two from B              2, 2        -2
AND_NOT   two from A, B inhibits              2, -1       -2
NOT       those of AND_NOT, A always active   -1          2-2
XOR       two layers: OR and not AND
========  ==================================  ==========  ====

The bias is the weight of the bias neuron, which is always active. In NOT the input A is always
active too: its weight joins the bias.

This module needs NumPy alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.step_functions import heaviside, sign
from multilayer._core.types import Array
from multilayer._nn.threshold import ThresholdUnit, as_inputs, as_tuple

__all__ = [
    "AND",
    "AND_NOT",
    "IDENTITY",
    "NOT",
    "OR",
    "XOR",
    "LogicNetwork",
    "ThresholdUnit",
    "TruthTable",
    "heaviside",
    "sign",
    "truth_table",
]


@dataclass(frozen=True)
class LogicNetwork:
    """Layers of threshold logic units, with inputs of 0 and 1.

    Parameters
    ----------
    layers : sequence of sequences of ThresholdUnit
        A unit of the first layer has a weight for each input, a unit of another layer one for each
        unit of the layer before. The units of the last layer are the outputs.
    input_names : sequence of str, default=("x1", "x2", ...)
        Name of each input.
    output_names : sequence of str, default=("y1", "y2", ...)
        Name of each output.

    Raises
    ------
    InvalidArgumentError
        There is a layer without units, or sizes do not match (a ValueError).

    Examples
    --------
    Whether two inputs are equal, which takes two layers:

    >>> from multilayer import nn
    >>> both = nn.logic.ThresholdUnit((1, 1), bias=-2)
    >>> neither = nn.logic.ThresholdUnit((-1, -1), bias=0)
    >>> either = nn.logic.ThresholdUnit((2, 2), bias=-2)
    >>> equal = nn.logic.LogicNetwork([[both, neither], [either]])
    >>> equal([[0, 0], [0, 1], [1, 1]])
    array([[1],
           [0],
           [1]])
    """

    layers: Sequence[Sequence[ThresholdUnit]]  # tuples, once made; the names too
    input_names: Sequence[str] = ()
    output_names: Sequence[str] = ()

    def __post_init__(self) -> None:
        layers = _checked_layers(self.layers)
        inputs = _names("input_names", self.input_names, "x", len(layers[0][0].weights))
        outputs = _names("output_names", self.output_names, "y", len(layers[-1]))
        object.__setattr__(self, "layers", layers)  # the way of a frozen dataclass
        object.__setattr__(self, "input_names", inputs)
        object.__setattr__(self, "output_names", outputs)

    @property
    def weights(self) -> tuple[np.ndarray, ...]:
        """Weights of each layer, shape ``(n_inputs, n_units)``."""
        return tuple(np.transpose([unit.weights for unit in layer]) for layer in self.layers)

    @property
    def biases(self) -> tuple[np.ndarray, ...]:
        """Biases of each layer, shape ``(n_units,)``."""
        return tuple(np.array([unit.bias for unit in layer]) for layer in self.layers)

    @property
    def steps(self) -> tuple[tuple[str, ...], ...]:
        """Name of each unit's step function, "heaviside" or "sign", layer by layer."""
        return tuple(tuple(unit.step.__name__ for unit in layer) for layer in self.layers)

    def __call__(self, x: Array) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        x : array_like of shape (rows, n_inputs) or (n_inputs,)
            Numbers 0 and 1, or False and True.

        Returns
        -------
        a : ndarray of shape (rows, n_outputs) or (n_outputs,)
            Whole numbers: 0 and 1, those of `sign` units -1, 0 and 1.

        Raises
        ------
        InvalidArgumentError
            The inputs are not of such a shape, or other numbers (a ValueError).
        """
        a = as_inputs(x, len(self.input_names))
        if not np.isin(a, (0, 1)).all():
            refuse("x", "0 and 1 alone", x, "A ThresholdUnit by itself takes any numbers.")
        for layer in self.layers:
            a = np.stack([unit(a) for unit in layer], axis=-1)
        return a


@dataclass(frozen=True, eq=False)
class TruthTable:
    """Each combination of inputs with the outputs of a network; as text, a printable table."""

    input_names: Sequence[str]
    output_names: Sequence[str]
    inputs: np.ndarray  # (2**n_inputs, n_inputs), counting up in binary
    outputs: np.ndarray  # (2**n_inputs, n_outputs)

    def __str__(self) -> str:
        sides = [
            _text_columns(self.input_names, self.inputs),
            _text_columns(self.output_names, self.outputs),
        ]
        return "\n".join(" | ".join(cells) for cells in zip(*sides, strict=True))


def truth_table(network: LogicNetwork) -> TruthTable:
    """Evaluate a network for each combination of inputs.

    Parameters
    ----------
    network : LogicNetwork
        A network of at most 16 inputs (65,536 rows).

    Returns
    -------
    table : TruthTable
        With the arrays ``inputs``, shape ``(2**n_inputs, n_inputs)``, and ``outputs``, shape
        ``(2**n_inputs, n_outputs)``; ``print(table)`` shows them.

    Raises
    ------
    InvalidArgumentError
        It is no such network (a ValueError).

    Examples
    --------
    >>> from multilayer import nn
    >>> print(nn.logic.truth_table(nn.logic.XOR))
    A B | A xor B
    0 0 |       0
    0 1 |       1
    1 0 |       1
    1 1 |       0
    """
    if not isinstance(network, LogicNetwork):
        refuse("network", "a LogicNetwork", network)
    n_inputs = len(network.input_names)
    if n_inputs > 16:
        refuse("network", "of at most 16 inputs", n_inputs)
    inputs = np.array(list(product((0, 1), repeat=n_inputs)))
    return TruthTable(network.input_names, network.output_names, inputs, network(inputs))


def _checked_layers(
    given: Iterable[Iterable[ThresholdUnit]],
) -> tuple[tuple[ThresholdUnit, ...], ...]:
    rows = as_tuple("layers", given, "the units of each layer")
    layers = tuple(as_tuple(f"layers[{i}]", row, "units") for i, row in enumerate(rows))
    n_inputs = None  # of the layer
    for i, layer in enumerate(layers):
        for unit in layer:
            if not isinstance(unit, ThresholdUnit):
                refuse(f"layers[{i}]", "a sequence of ThresholdUnit", unit)
            n_inputs = n_inputs or len(unit.weights)
            if len(unit.weights) != n_inputs:
                refuse(f"layers[{i}]", f"made of units of {n_inputs} weight(s)", unit)
        n_inputs = len(layer)
    return layers


def _names(argument: str, given: Iterable[str], letter: str, number: int) -> tuple[str, ...]:
    """Return the names given, or a letter with numbers."""
    names = tuple(given) or tuple(f"{letter}{i}" for i in range(1, number + 1))
    if len(names) != number or not all(isinstance(name, str) for name in names):
        refuse(argument, f"a sequence of {number} name(s)", given)
    return names


def _text_columns(names: Sequence[str], values: np.ndarray) -> list[str]:
    """Return the lines of some columns of a table, names first."""
    rows = [names, *values.astype(str)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]


def _counts_to_two(*connections: int) -> ThresholdUnit:
    """A neuron that fires when two of its connections are active, so many from each input."""
    return ThresholdUnit(connections, bias=-2)


AB = ("A", "B")
IDENTITY = LogicNetwork([[_counts_to_two(2)]], ("A",), ("A",))
AND = LogicNetwork([[_counts_to_two(1, 1)]], AB, ("A and B",))
OR = LogicNetwork([[_counts_to_two(2, 2)]], AB, ("A or B",))
AND_NOT = LogicNetwork([[_counts_to_two(2, -1)]], AB, ("A and not B",))
NOT = LogicNetwork([[ThresholdUnit((-1,), bias=2 - 2)]], ("A",), ("not A",))
XOR = LogicNetwork(
    [[_counts_to_two(2, 2), _counts_to_two(1, 1)], [_counts_to_two(2, -1)]], AB, ("A xor B",)
)
