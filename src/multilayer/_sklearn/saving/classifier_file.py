"""The file of a classifier by itself, written without scikit-learn.

It is the file that :func:`multilayer._sklearn.saving.models.write` would write of an MLPClassifier
with the same arguments and the same network.
"""

import os

from multilayer._persist.manifest import Facts, write_model
from multilayer._persist.memory import ANY_ROOM, MemoryBudget
from multilayer._sklearn.network.trained import TrainedClassifier
from multilayer._sklearn.saving import network_kinds
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues
from multilayer._sklearn.saving.steps.argument_rules import prefixes_of

KIND = "MLPClassifier"


def write_classifier(
    network: TrainedClassifier, path: str | os.PathLike[str], facts: Facts
) -> None:
    """Write a classifier to a file, with facts about the data it was trained on.

    Raises
    ------
    ModelFileError
        The network cannot be saved, or the file not be written (a ValueError).
    """
    params = network_kinds.params(network)
    fitted, own = network_kinds.classifier_fitted(network)
    (prefix,) = prefixes_of([KIND])
    arrays = {prefix + name: array for name, array in own.items()}
    # Parsed at once: what a reader would refuse is not written, and the memory it needs is known.
    stored = StoredArrays(arrays, MemoryBudget(ANY_ROOM))
    network_kinds.parse_classifier(params, StoredValues(fitted), stored.below(prefix))
    stored.check_all_taken()
    write_model(
        path,
        pipeline=False,
        steps=[{"name": KIND.lower(), "kind": KIND, "params": params, "fitted": fitted}],
        arrays=arrays,
        data=facts,
        reserve=ANY_ROOM - stored.room.left,
    )
