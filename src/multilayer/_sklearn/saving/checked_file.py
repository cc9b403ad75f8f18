"""Model files checked as every reader checks them, for what they say of themselves."""

import os
from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._persist.model_file import read_model
from multilayer._sklearn.saving.reader import StoredArrays, brief
from multilayer._sklearn.saving.validation import check_model


def read_checked(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest of a model file that :func:`multilayer.load` would take.

    Neither scikit-learn nor JAX is imported.

    Raises
    ------
    ModelFileError
        It would not (a ValueError).
    """
    manifest, arrays, room = read_model(path)
    try:
        features = manifest["data"].get("features")
        stored = StoredArrays(arrays, room)
        check_model(manifest["pipeline"], manifest["steps"], stored, features=features)
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {brief(error)}") from error
    return manifest
