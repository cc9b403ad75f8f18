"""The data of a network's diagram, checked."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import refuse

Activations = Sequence[str | Sequence[str]]


def check_weights(weights: Sequence[npt.ArrayLike]) -> list[np.ndarray]:
    """Return the weights of each layer as arrays; a layer's outputs are the next one's inputs."""
    kernels = [np.asarray(kernel, float) for kernel in weights]
    shapes = [kernel.shape for kernel in kernels]
    if not shapes or any(len(shape) != 2 or 0 in shape for shape in shapes):
        refuse("weights", "a sequence of arrays of shape (n_inputs, n_units)", shapes)
    if not all(np.isfinite(kernel).all() for kernel in kernels):
        refuse("weights", "finite numbers", weights)
    if any(here[1] != there[0] for here, there in pairwise(shapes)):
        remedy = "A layer has as many inputs as the one before has units."
        refuse("weights", "of shapes that follow each other", shapes, remedy)
    return kernels


def check_biases(
    biases: Sequence[npt.ArrayLike] | None, sizes: Sequence[int]
) -> list[np.ndarray] | None:
    """Return the biases of each layer as arrays, None where there are none."""
    if biases is None:
        return None
    arrays = [np.asarray(bias, float) for bias in biases]
    shapes, expected = [bias.shape for bias in arrays], [(size,) for size in sizes]
    if shapes != expected:
        refuse("biases", f"arrays of the shapes {expected}", shapes)
    return arrays


def check_names(argument: str, names: Sequence[str] | None, letter: str, n: int) -> list[str]:
    """Return the names given, or a letter with numbers."""
    if names is None:
        return [f"{letter}{i}" for i in range(1, n + 1)]
    if isinstance(names, str) or len(names) != n:
        refuse(argument, f"None or a sequence of {n} name(s)", names)
    return [str(name) for name in names]


def check_activations(
    activations: Activations | None, sizes: Sequence[int]
) -> list[tuple[str, ...]]:
    """Return the name of each unit's activation function, "" where nothing is known."""
    if activations is None:
        return [("",) * size for size in sizes]
    if isinstance(activations, str) or len(activations) != len(sizes):
        refuse(
            "activations", f"None or a sequence of {len(sizes)}, one for each layer", activations
        )
    found = []
    for i, (size, own) in enumerate(zip(sizes, activations, strict=True)):
        units = (own,) * size if isinstance(own, str) else tuple(own)
        if len(units) != size:
            refuse(f"activations[{i}]", f"a name, or a sequence of {size}", own)
        found.append(units)
    return found


def captions(
    sizes: Sequence[int], activations: Sequence[tuple[str, ...]], text: Mapping[str, str]
) -> Iterator[str]:
    """Yield the caption of each layer: its name, its number of units, their activations."""
    hidden = [text["hidden"].format(i) for i in range(1, len(sizes) - 1)]
    names = [text["input"], *hidden, text["output"]]
    for name, size, own in zip(names, sizes, [(), *activations], strict=True):
        what = ", ".join(filter(None, dict.fromkeys(own)))  # each name once
        yield "\n".join([name, f"{size:,}", *what.split(", ")]).rstrip()


def symbol(activation: str) -> np.ndarray | None:
    """Return the curve of an activation function, x and y in [-1, 1]; None for other words."""
    from multilayer._core.activation_functions import ELEMENTWISE

    function = ELEMENTWISE.get(activation.split(",")[0])
    if function is None:
        return None
    z = np.linspace(-3, 3, 61)
    a = np.asarray(function(z))
    low, high = a.min(), a.max()
    return np.column_stack([z / 3, (2 * a - low - high) / (high - low)])
