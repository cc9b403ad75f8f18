"""Model files read and parsed: where every reader begins. It needs NumPy alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from multilayer._core.errors import ModelFileError
from multilayer._persist.model_file import Manifest, read_model
from multilayer._sklearn.saving.model_steps import ModelStep
from multilayer._sklearn.saving.parser import parse_model
from multilayer._sklearn.saving.reader import StoredArrays, brief


class ParsedFile(NamedTuple):
    """What is in a model file."""

    model: ModelStep
    manifest: Manifest


def read_parsed(path: str | os.PathLike[str], *, allow_nonfinite: bool = False) -> ParsedFile:
    """Return what is in a model file, checked.

    Raises
    ------
    ModelFileError
        There is no such file, it is no model, is damaged, or was made by a newer version (a
        ValueError).
    """
    content = read_model(path)
    arrays = StoredArrays(content.arrays, content.room, allow_nonfinite=allow_nonfinite)
    manifest = content.manifest
    features = manifest["data"].get("features")
    with damage_of(path):
        model = parse_model(manifest["pipeline"], manifest["steps"], arrays, features=features)
    return ParsedFile(model, manifest)


@contextmanager
def damage_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file into the message of an error about what is in it."""
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {brief(error)}") from error
