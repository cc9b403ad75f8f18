"""The constructor argument `checkpoint`: where and how often checkpoints are written."""

import os
from dataclasses import dataclass
from pathlib import Path

from multilayer._core.checks import check_bool, check_integer, check_real, refuse


@dataclass(frozen=True)
class Checkpoint:
    """Write checkpoints to a folder, so that training can resume after a crash.

    Parameters
    ----------
    folder : str or path-like
        Folder to write to; made where there is none. Each fit has its own folder in it, named
        after a fingerprint of its data, weights and parameters: the fits of a cross-validation
        share one `folder`.
    every : "epoch", int or float, default="epoch"
        When a checkpoint is written: after each epoch, after so many steps (an integer), or once so
        many seconds have passed (a float). The last one is written when training ends.
    keep : int, default=2
        How many checkpoints of a fit are retained, the newest.
    resume : bool, default=True
        Whether a fit resumes from its newest checkpoint. Otherwise it starts afresh, and its old
        checkpoints are removed.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import Checkpoint, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(folder, every=100)  # steps
    ...     clf = MLPClassifier(
    ...         (16,), learning_rate="cosine", max_iter=50, random_state=0, checkpoint=checkpoint
    ...     )
    ...     first = clf.fit(X, y).predict_proba(X)
    ...     again = clf.fit(X, y).predict_proba(X)  # finished already: nothing is trained
    >>> bool((again == first).all())
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    folder: str | os.PathLike[str]
    every: str | int | float = "epoch"
    keep: int = 2
    resume: bool = True

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not isinstance(self.folder, str | os.PathLike) or not os.fspath(self.folder):
            refuse("folder", "the name of a folder", self.folder)
        if isinstance(self.every, str):
            if self.every != "epoch":
                refuse("every", "'epoch', a number of steps or seconds as a float", self.every)
        elif isinstance(self.every, float):
            check_real("every", self.every, "(0, inf)")
        else:
            check_integer("every", self.every, 1)
        check_integer("keep", self.keep, 1)
        check_bool("resume", self.resume)


def as_checkpoint(value: "str | os.PathLike[str] | Checkpoint") -> Checkpoint:
    """Return a Checkpoint for what an estimator was given: one, or the name of a folder."""
    return value if isinstance(value, Checkpoint) else Checkpoint(value)


def check_checkpoint(value: object) -> None:
    """Check the argument `checkpoint` of an estimator."""
    if isinstance(value, Checkpoint):
        return
    if not isinstance(value, str | Path | os.PathLike):
        refuse("checkpoint", "None, the name of a folder or a multilayer.Checkpoint", value)
    Checkpoint(value)
