"""Starting a network from the first layers of a trained one.

scikit-learn is imported where it is needed: checking arguments that reuse nothing does without.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from multilayer._core.checks import check_bool, check_integer, check_real, refuse
from multilayer._core.errors import DataError
from multilayer._nn.network import Layers, Network
from multilayer._sklearn.arguments.architecture import is_sequence
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.network.parameters import parameters_of

if TYPE_CHECKING:
    from sklearn.frozen import FrozenEstimator

    from multilayer._sklearn.base import BaseMLP

SOURCE = "None, the path of a model file or sklearn.frozen.FrozenEstimator(trained network)"


def check_reuse(arguments: NetworkArguments, n_hidden: int) -> None:
    """Check what can be checked of these arguments before there is data."""
    check_bool("freeze_reused", arguments.freeze_reused)
    if arguments.n_reused_layers is not None:
        check_integer("n_reused_layers", arguments.n_reused_layers, 1)
    if arguments.layer_learning_rates is not None:
        check_layer_rates(arguments.layer_learning_rates, n_hidden + 1)
    given = arguments.reuse_from
    if given is None or isinstance(given, str | os.PathLike):
        return
    from sklearn.frozen import FrozenEstimator

    if not isinstance(given, FrozenEstimator):
        remedy = "Wrap it in FrozenEstimator: clone() would make an unfitted one of it."
        refuse("reuse_from", SOURCE, given, remedy if hasattr(given, "fit") else "")


def check_layer_rates(value: object, n_layers: int) -> None:
    """Check factors of the learning rate: one for each hidden layer and the output layer."""
    if not is_sequence(value) or len(value) != n_layers:
        refuse(
            "layer_learning_rates",
            f"None or {n_layers} factors, one per layer and the output layer's last",
            value,
        )
    for factor in value:
        check_real("layer_learning_rates", factor, "[0, inf)")


def start(
    arguments: NetworkArguments, network: Network, params: Layers, names: Sequence[str] | None
) -> tuple[Layers, int]:
    """Return first parameters with those of trained layers put in, and how many layers they are.

    ``names`` are the features' names of the new network's data, None where they have none.
    """
    if arguments.reuse_from is None:
        for name, unset in (("n_reused_layers", None), ("freeze_reused", False)):
            value = getattr(arguments, name)
            if value != unset:
                refuse(name, f"{unset} without reuse_from", value, "Give reuse_from too.")
        return params, 0
    source = trained(arguments.reuse_from)
    n = source._network.n_hidden if arguments.n_reused_layers is None else arguments.n_reused_layers
    check_fits(arguments, source, network, int(n))
    check_features(source, names)
    return (*parameters_of(source, str(params[0].kernel.dtype))[:n], *params[n:]), int(n)


def trained(given: "str | os.PathLike[str] | FrozenEstimator") -> "BaseMLP":
    """Return the trained estimator that is reused."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.utils.validation import check_is_fitted

    from multilayer._sklearn.base import BaseMLP

    if isinstance(given, FrozenEstimator):
        source = given.estimator
    else:
        from multilayer._sklearn.saving.models import read

        source, _ = read(given)
    if not isinstance(source, BaseMLP):
        refuse(
            "reuse_from",
            "an MLPClassifier or MLPRegressor, or a file of one",
            given,
            "Of a pipeline, give FrozenEstimator(pipeline[-1]) and the data that its other steps "
            "return: the network was trained on these.",
        )
    check_is_fitted(source)
    if source.network is not None:
        refuse("reuse_from", "a network of dense layers", given)
    return source


def check_fits(arguments: NetworkArguments, source: "BaseMLP", network: Network, n: int) -> None:
    """Check that the first ``n`` hidden layers mean the same in both networks."""
    theirs = source._network
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
        if getattr(arguments, name) != getattr(source, name):
            rule = f"{getattr(source, name)!r}, as in the network reused"
            refuse(name, rule, getattr(arguments, name))
    if any(network.skips(i) != theirs.skips(i) for i in range(n)):
        refuse("residual", f"{source.residual}, as in the network reused", arguments.residual)


def check_features(source: "BaseMLP", names: Sequence[str] | None) -> None:
    """Refuse columns that have other names than those the reused network was trained on."""
    theirs = getattr(source, "feature_names_in_", None)
    if names is not None and theirs is not None and list(names) != list(theirs):
        raise DataError(
            "X must have the columns that the network given as reuse_from was trained on, in their "
            f"order: {list(theirs)}, got {list(names)}."
        )
