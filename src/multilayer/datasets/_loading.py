"""What the loaders share: the container of their results, and packages imported late."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.utils import Bunch


def bunch(**fields: object) -> Bunch:
    """Return fields as scikit-learn's loaders do: a dictionary whose keys are also attributes.

    Parameters
    ----------
    **fields : object
        The fields by name.

    Returns
    -------
    sklearn.utils.Bunch
    """
    # Deferred: this folder must import fast, and scikit-learn takes longer than reading a file.
    from sklearn.utils import Bunch

    return Bunch(**fields)


def pandas_for(loader: str) -> ModuleType:
    """Import pandas, an extra, or say how it is installed and what does without.

    Parameters
    ----------
    loader : str
        The function whose result needs pandas, for the message.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        When pandas cannot be imported.
    """
    try:
        return import_module("pandas")
    except ImportError as error:
        raise ImportError(
            f"multilayer.datasets.{loader} returns pandas frames, and pandas cannot be imported. "
            "Install it: pip install pandas. Or take NumPy arrays: as_frame=False"
        ) from error
