"""scikit-learn: Adam, one epoch per ``fit`` with ``warm_start``, the rate lowered by hand."""

from __future__ import annotations

import warnings

from cases import read_data
from sklearn.neural_network import MLPClassifier

from recipes.common import BATCH_SIZE, SIZES, arguments, train

# The optimizer knows no schedule, no decoupled weight decay and no label smoothing.
RATES = (2e-3, 4e-3, 3e-3, 2e-3, 1e-3, 5e-4, 2e-4)
LAST_RATE = 1e-4
EPOCHS = 100  # more than fit into the time limit


def main() -> None:
    folder, seed = arguments()
    warnings.simplefilter("ignore")  # "not converged", after each epoch
    X, y = read_data(folder, "mnist")
    X_test, y_test = read_data(folder, "mnist_test")
    model = MLPClassifier(
        SIZES[1:-1], batch_size=BATCH_SIZE, max_iter=1, warm_start=True, random_state=seed
    )

    def epoch(done: int) -> None:
        rate = RATES[done] if done < len(RATES) else LAST_RATE
        model.set_params(learning_rate_init=rate, random_state=seed * EPOCHS + done).fit(X, y)

    def accuracy() -> float:
        return float(model.score(X_test, y_test))

    train(epoch, accuracy, EPOCHS)


if __name__ == "__main__":
    main()
