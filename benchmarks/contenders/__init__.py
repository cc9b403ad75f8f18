"""One module per contender.

Each has ``prepare(case, X, y) -> start``; ``start(seed)`` makes an untrained network and returns
``train``; ``train(epochs)`` trains it and returns the number of steps. Only ``train`` is timed.
"""

from collections.abc import Callable

Train = Callable[[int], int]
Start = Callable[[int], Train]

TITLES = {
    "multilayer": "multilayer",
    "multilayer_xla": "multilayer, by XLA",
    "reference_scan": "plain JAX, one `lax.scan` per epoch",
    "torch_one_thread": "PyTorch eager, 1 thread",
    "torch_all_threads": "PyTorch eager, all cores",
    "keras_jax": "Keras on JAX",
    "keras_tensorflow": "Keras on TensorFlow",
    "scikit_learn": "scikit-learn `MLPClassifier`",
}
