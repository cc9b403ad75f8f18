"""From a classifier's logits to probabilities, head by head, on the host."""

import numpy as np
from scipy.special import expit, logsumexp, softmax

from multilayer._objectives.objective import ClassificationLoss


def yes_no_proba(logits: np.ndarray) -> np.ndarray:
    """Probabilities of independent yes/no outputs."""
    return expit(logits)


def yes_no_log_proba(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of independent yes/no outputs."""
    return -np.logaddexp(0.0, -logits).astype(logits.dtype)


def exclusive_proba(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Probabilities of the classes of one head; they add up to 1."""
    return softmax(_scores(loss, logits), axis=1)


def exclusive_log_proba(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of the classes of one head."""
    scores = _scores(loss, logits)
    return scores - logsumexp(scores, axis=1, keepdims=True)


def _scores(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Unnormalised log-probabilities: one yes/no output per class is normalised over them."""
    return yes_no_log_proba(logits) if loss.one_vs_rest else logits
