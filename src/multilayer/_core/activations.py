"""Activation functions, one record each: plain data, importable without JAX and NumPy.

A new one is a record in a table here, and two functions of its name: in JAX in
``_core/activation_functions.py``, in NumPy in ``_core/numpy_activations.py``. What lists
activations (docstrings, errors, options, drawings, `nn.ACTIVATIONS`) is derived from the tables.
"""

from collections.abc import Callable, Hashable
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from multilayer._core.checks import check_real, refuse
from multilayer._core.types import Array

if TYPE_CHECKING:
    import numpy as np

Function: TypeAlias = Callable[[Array], Array]


class Graph(Protocol):
    """A graph of ONNX under construction."""

    def node(self, op: str, *inputs: "str | float | np.ndarray", **attributes: object) -> str:
        """Add a node with one output, and return the name of that."""


OnnxForm: TypeAlias = Callable[[Graph, str], str]


@dataclass(frozen=True)
class Activation:
    """An activation function of hidden layers, with everything that depends on it.

    An instance is accepted as the argument `activation` of the estimators. Two with equal fields
    share a compiled program: use one function, not a new lambda for each.

    Parameters
    ----------
    name : str
        Its name in messages, summaries and drawings: none of the names that `activation` has.
    function : callable
        Function of one JAX array that returns an array of its shape, using JAX operations.
    onnx_form : callable or None, default=None
        The same for :func:`multilayer.to_onnx`: a function of ``(graph, z)`` that returns the name
        of its result. ``graph.node(op, *inputs, **attributes)`` adds an operator of ONNX and
        returns the name of its output; inputs are such names, or numbers. None refuses the export.
    weight_init : str, default="glorot_uniform"
        Distribution from which ``weight_init="auto"`` draws the weights of its layers.
    bias_factor : float, default=6.0
        ``bias_init="auto"`` draws the biases of such a layer within ``sqrt(bias_factor / (n_inputs
        + n_units))``.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import Activation, MLPClassifier
    >>> def hardswish(z):
    ...     return z * jnp.clip(z / 6 + 0.5, 0, 1)
    >>> own = Activation("hardswish", hardswish,
    ...                  onnx_form=lambda graph, z: graph.node("HardSwish", z))
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), own, learning_rate="cosine", learning_rate_init=0.1, max_iter=60,
    ...                     batch_size=30, random_state=0)
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    name: str
    function: Function | None = None  # None in the tables: functions there go by the name
    _: KW_ONLY
    # No part of what a network computes here: equal records may be written differently for ONNX.
    onnx_form: OnnxForm | None = field(default=None, compare=False)
    weight_init: str = "glorot_uniform"
    bias_factor: float = 6.0

    def __post_init__(self) -> None:
        """Check the fields."""
        if not isinstance(self.name, str) or not self.name:
            refuse("name", "a text", self.name)
        if self.function is not None:
            if not callable(self.function):
                refuse("function", "a function of JAX arrays", self.function)
            if not isinstance(self.function, Hashable):
                refuse("function", "hashable, as a part of a compiled program's key", self.function)
        if self.onnx_form is not None and not callable(self.onnx_form):
            refuse("onnx_form", "a function of (graph, z), or None", self.onnx_form)
        if not isinstance(self.weight_init, str):
            refuse("weight_init", "the name of a distribution", self.weight_init)
        check_real("bias_factor", self.bias_factor, "(0, inf)")


AnyActivation: TypeAlias = str | Function | Activation
"""What a network has: the name of a record below, a record of the user's, or a function."""


def _operator(op: str, **attributes: object) -> OnnxForm:
    return lambda graph, z: graph.node(op, z, **attributes)


def _gelu(graph: Graph, z: str) -> str:
    # Operators of their own came with opset 20 for gelu, with 18 for mish.
    erf = graph.node("Erf", graph.node("Mul", z, 0.5**0.5))
    share = graph.node("Mul", graph.node("Add", erf, 1.0), 0.5)
    return graph.node("Mul", z, share)


def _mish(graph: Graph, z: str) -> str:
    return graph.node("Mul", z, graph.node("Tanh", graph.node("Softplus", z)))


def _table(*records: Activation) -> dict[str, Activation]:
    return {record.name: record for record in records}


HIDDEN = _table(
    # scikit-learn's by its names, then the field's.
    Activation("identity", onnx_form=lambda graph, z: z),
    # scikit-learn draws from narrower bounds under it.
    Activation(
        "logistic",
        onnx_form=_operator("Sigmoid"),
        weight_init="glorot_uniform_logistic",
        bias_factor=2.0,
    ),
    Activation("tanh", onnx_form=_operator("Tanh")),
    Activation("relu", onnx_form=_operator("Relu")),
    Activation("leaky_relu", onnx_form=_operator("LeakyRelu", alpha=0.01)),
    Activation("elu", onnx_form=_operator("Elu")),
    # It normalises what a layer puts out, with such weights (Klambauer et al., 2017).
    Activation("selu", onnx_form=_operator("Selu"), weight_init="lecun_normal"),
    Activation("gelu", onnx_form=_gelu),
    Activation("silu", onnx_form=lambda graph, z: graph.node("Mul", z, graph.node("Sigmoid", z))),
    Activation("mish", onnx_form=_mish),
    Activation("softplus", onnx_form=_operator("Softplus")),
)
"""Those of hidden layers."""

STEPS = _table(Activation("heaviside"), Activation("sign"))
"""Those of logic built by hand: their derivative is 0, nothing before them learns by gradients."""

OUTPUTS = _table(
    HIDDEN["identity"],
    Activation("exp", onnx_form=_operator("Exp")),
    *(HIDDEN[name] for name in ("softplus", "logistic", "tanh", "relu")),
)
"""Those of the outputs of a regression."""

ACTIVATIONS = {**HIDDEN, **STEPS, **OUTPUTS}
"""Every activation function by its name."""


def record_of(activation: AnyActivation) -> Activation:
    """Return the record of an activation function; that of a plain function has its name alone."""
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str):
        return ACTIVATIONS[activation]
    function = getattr(activation, "function", activation)  # of one with arguments set
    return Activation(getattr(function, "__name__", type(function).__name__), activation)
