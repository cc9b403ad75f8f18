"""From an estimator's arguments to the numbers of its loss."""

from collections.abc import Sequence

import numpy as np

from multilayer._objectives.objective import LossNumbers
from multilayer._sklearn.arguments.constructors import ClassifierArguments, RegressorArguments


def classifier_numbers(
    arguments: ClassifierArguments, dtype: str, class_weights: Sequence[np.ndarray] | None = None
) -> LossNumbers:
    """Return the numbers of a classifier's loss; ``class_weights`` are those of several heads."""
    real = np.dtype(dtype).type
    return LossNumbers(
        label_smoothing=real(arguments.label_smoothing),
        huber_delta=real(1),
        quantiles=np.zeros(0, dtype),
        class_weights=None
        if class_weights is None
        else tuple(w.astype(dtype) for w in class_weights),
    )


def regressor_numbers(
    arguments: RegressorArguments, dtype: str, quantiles: Sequence[float]
) -> LossNumbers:
    """Return the numbers of a regressor's loss."""
    real = np.dtype(dtype).type
    return LossNumbers(
        label_smoothing=real(0),
        huber_delta=real(arguments.huber_delta),
        quantiles=np.array(quantiles, dtype),
        class_weights=None,
    )
