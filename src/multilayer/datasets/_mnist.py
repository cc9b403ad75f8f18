"""The MNIST digits, as arrays."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilayer._core.checks import check_bool
from multilayer.datasets._loading import bunch

if TYPE_CHECKING:
    from sklearn.utils import Bunch

N_VALID, N_CLASSES = 5_000, 10

DESCRIPTION = """\
MNIST: handwritten digits

70,000 grey-scale images of 28 x 28 pixels, 0 (background) to 255 (ink), labelled 0 to 9:
55,000 for training, 5,000 for validation, 10,000 for the final test. The original has one training
set of 60,000; its first 5,000 images are the validation set here, the others the training set, in
the original order. The pixels and labels are the original ones.

Made by Yann LeCun and Corinna Cortes, licensed CC BY-SA 3.0 (see MNIST_LICENSE.md beside this
module). Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998, pages 2278-2324.
"""


def load_mnist(*, scale: bool = True, flatten: bool = True) -> Bunch:
    """Load the MNIST digits: 70,000 labelled images of 28 x 28 pixels.

    The file is part of the package; nothing is downloaded.

    Parameters
    ----------
    scale : bool, default=True
        True gives float32 pixels in [0, 1] (the pixel divided by 255), 220 MB in all. False gives
        the original uint8 pixels in 0..255, 55 MB.
    flatten : bool, default=True
        True gives one row of 784 pixels per image, row after row of the image. False gives images
        of shape (28, 28).

    Returns
    -------
    sklearn.utils.Bunch
        A dictionary whose keys are also attributes:

        X_train : ndarray of shape (55000, 784) or (55000, 28, 28)
            Training images, float32 or uint8.
        y_train : ndarray of shape (55000,), int64
            Their labels, 0 to 9.
        X_valid, y_valid : ndarrays with 5,000 rows
            The first 5,000 images of the original training set, and their labels.
        X_test, y_test : ndarrays with 10,000 rows
            The original test set.
        DESCR : str
            What the data are, who made them and under which licence.

    Raises
    ------
    InvalidArgumentError
        When `scale` or `flatten` is not a boolean. It is a `ValueError`.

    Notes
    -----
    The order is the original one, without shuffling, so results compare with those of others who
    hold out the first 5,000 images. Labels are int64, as scikit-learn's own digits. Each call
    reads the file again, in about half a second; the arrays are the caller's to change.

    Examples
    --------
    >>> from multilayer.datasets import load_mnist
    >>> mnist = load_mnist(scale=False)
    >>> mnist.X_train.shape, mnist.X_valid.shape, mnist.X_test.shape
    ((55000, 784), (5000, 784), (10000, 784))
    >>> mnist.y_test[:5]
    array([7, 2, 1, 0, 4])
    """
    check_bool("scale", scale)
    check_bool("flatten", flatten)
    return bunch(**read_digits(scale=scale, flatten=flatten)._asdict(), DESCR=DESCRIPTION)


class Digits(NamedTuple):
    """The arrays of `load_mnist`, without scikit-learn's container."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def read_digits(*, scale: bool, flatten: bool) -> Digits:
    """Return the arrays that `load_mnist` describes."""
    raw = _read()
    images, test_images = raw["x_train"], raw["x_test"]
    labels = raw["y_train"].astype(np.int64)
    return Digits(
        X_train=_as_features(images[N_VALID:], scale, flatten),
        y_train=labels[N_VALID:],
        X_valid=_as_features(images[:N_VALID], scale, flatten),
        y_valid=labels[:N_VALID],
        X_test=_as_features(test_images, scale, flatten),
        y_test=raw["y_test"].astype(np.int64),
    )


def _read() -> dict[str, np.ndarray]:
    """Read the original arrays: 60,000 training and 10,000 test images, uint8."""
    with (
        as_file(files("multilayer.datasets") / "mnist.npz") as path,
        np.load(path, allow_pickle=False) as archive,
    ):
        return {name: archive[name] for name in archive.files}


def _as_features(images: np.ndarray, scale: bool, flatten: bool) -> np.ndarray:
    """Turn (n, 28, 28) uint8 images into the type and shape that `load_mnist` returns."""
    if flatten:
        images = images.reshape(len(images), -1)  # (n, 784)
    if not scale:
        return images
    scaled = images.astype(np.float32)
    # In place and in float32: a float64 intermediate would take 440 MB.
    scaled /= np.float32(255)
    return scaled
