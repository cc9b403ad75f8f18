"""Checks of the arguments that begin a network with trained layers, before there is data."""

import os

from multilayer._core.checks import check_bool, check_integer, check_real, refuse
from multilayer._sklearn.arguments.architecture import is_sequence
from multilayer._sklearn.arguments.constructors import NetworkArguments

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
