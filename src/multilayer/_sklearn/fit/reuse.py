"""Starting a network from the first layers of a trained one: an estimator, or a model file."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._nn.network import Layers, Network
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.network.parameters import layers_of

if TYPE_CHECKING:
    from sklearn.frozen import FrozenEstimator


class Trained(NamedTuple):
    """A trained network, as far as another one may begin with it."""

    arguments: NetworkArguments
    network: Network
    layers: Layers
    feature_names: Sequence[str] | np.ndarray | None


def start(
    arguments: NetworkArguments, network: Network, params: Layers, names: Sequence[str] | None
) -> tuple[Layers, int]:
    """Return first parameters with those of trained layers put in, and how many layers they are.

    ``names`` are the features' names of the new network's data, None where they have none.
    """
    source = trained(arguments.reuse_from, str(params[0].kernel.dtype))
    given = arguments.n_reused_layers
    n = source.network.n_hidden if given is None else int(given)
    check_fits(arguments, source, network, n)
    check_features(source.feature_names, names)
    return (*source.layers[:n], *params[n:]), n


def refuse_without_source(arguments: NetworkArguments) -> None:
    """Refuse the arguments about trained layers where there are none."""
    for name, unset in (("n_reused_layers", None), ("freeze_reused", False)):
        value = getattr(arguments, name)
        if value != unset:
            refuse(name, f"{unset} without reuse_from", value, "Give reuse_from too.")


def trained(given: "str | os.PathLike[str] | FrozenEstimator", dtype: str) -> Trained:
    """Return the trained network that is reused."""
    if isinstance(given, str | os.PathLike):
        # Late: every kind of saved model is described there, a third of what an import takes.
        from multilayer._sklearn.saving.network_kinds import NetworkValues
        from multilayer._sklearn.saving.parser import read_parsed

        values = read_parsed(given).model.values
        if not isinstance(values, NetworkValues):
            refuse_source(given)
        layers = layers_of(values.parameters, dtype)
        return Trained(values.arguments, values.network, layers, values.feature_names)
    source = given.estimator
    if not isinstance(source, NetworkArguments):
        refuse_source(given)
    from sklearn.utils.validation import check_is_fitted  # late, as in start.py

    check_is_fitted(source)
    if source.network is not None:
        refuse("reuse_from", "a network of dense layers", given)
    attributes = vars(source)
    names = attributes.get("feature_names_in_")
    return Trained(source, attributes["_network"], layers_of(attributes, dtype), names)


def refuse_source(given: object) -> NoReturn:
    """Refuse what is no network."""
    refuse(
        "reuse_from",
        "an MLPClassifier or MLPRegressor, or a file of one",
        given,
        "Of a pipeline, give FrozenEstimator(pipeline[-1]) and the data that its other steps "
        "return: the network was trained on these.",
    )


def check_fits(arguments: NetworkArguments, source: Trained, network: Network, n: int) -> None:
    """Check that the first ``n`` hidden layers mean the same in both networks."""
    theirs = source.network
    if not 1 <= n <= theirs.n_hidden:
        rule = f"at most {theirs.n_hidden}, the hidden layers of the reused network"
        refuse("n_reused_layers", rule, arguments.n_reused_layers)
    if network.layer_sizes[0] != theirs.layer_sizes[0]:
        raise DataError(
            f"X has {network.layer_sizes[0]} features, but the network given as reuse_from was "
            f"trained on {theirs.layer_sizes[0]} features. Give the same ones."
        )
    wanted = theirs.layer_sizes[1 : n + 1]
    if network.n_hidden < n or network.layer_sizes[1 : n + 1] != wanted:
        refuse(
            "hidden_layer_sizes",
            f"a sequence that begins with {wanted}, the {n} layers reused",
            arguments.hidden_layer_sizes,
            "Change it, or give a smaller n_reused_layers.",
        )
    if network.activations[:n] != theirs.activations[:n]:
        rule = f"{theirs.activations[:n]} in the {n} layers reused"
        refuse("activation", rule, arguments.activation)
    for name in ("norm", "input_scale"):
        if getattr(arguments, name) != getattr(source.arguments, name):
            rule = f"{getattr(source.arguments, name)!r}, as in the network reused"
            refuse(name, rule, getattr(arguments, name))
    if any(network.skips(i) != theirs.skips(i) for i in range(n)):
        refuse(
            "residual", f"{source.arguments.residual}, as in the network reused", arguments.residual
        )


def check_features(theirs: Sequence[str] | np.ndarray | None, names: Sequence[str] | None) -> None:
    """Refuse columns that have other names than those the reused network was trained on."""
    if names is not None and theirs is not None and list(names) != list(theirs):
        raise DataError(
            "X must have the columns that the network given as reuse_from was trained on, in their "
            f"order: {list(theirs)}, got {list(names)}."
        )
