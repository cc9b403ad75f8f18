"""The estimators: classification and regression by networks of dense layers."""

import os
from collections.abc import Sequence

from multilayer._core.activations import AnyActivation
from multilayer._core.checks import check_integer
from multilayer.estimator.base import Estimator
from multilayer.estimator.design import make_design
from multilayer.estimator.feature_reading import DenseColumn
from multilayer.estimator.heads import BinaryHead, MultiClassHead, RegressionHead, check_classes
from multilayer.estimator.numeric_columns import NumericColumn
from multilayer.estimator.run_config import RunConfig


class DNNClassifier(Estimator):
    """Classifier with hidden layers of dense units.

    Parameters
    ----------
    hidden_units : sequence of int
        Units of each hidden layer.
    feature_columns : sequence of columns
        Inputs of the network, such as ``[numeric_column("X", shape=[784])]``.
    model_dir : str or path-like, default=None
        Folder of the checkpoints; training resumes from the newest one there. None for a temporary
        folder, whose name is in the log and in ``model_dir``.
    n_classes : int, default=2
        Number of classes. Two classes share one logit.
    weight_column : str or NumericColumn, default=None
        Feature with the weights of the rows.
    label_vocabulary : sequence of str, default=None
        The classes, where labels are text; without it labels are numbers from 0.
    optimizer : str, Optax optimizer or callable, default="Adagrad"
        "Adagrad", "Adam", "Ftrl", "RMSProp" or "SGD" with the numbers of TensorFlow 1 and a
        learning rate of 0.05; an optimizer such as ``optax.adam(0.001)``; a function that returns
        one; or a function of ``learning_rate``, such as ``optax.lion``, which gets 0.05.
    activation_fn : str or callable, default="relu"
        Activation of the hidden layers: a function of JAX arrays, such as ``nn.relu``, or its name.
    dropout : float, default=None
        Probability that a hidden unit is dropped in a training step; None for 0.
    config : RunConfig, default=None
        Seed, checkpoints and log.
    warm_start_from : str or path-like, default=None
        Another model's folder, or one of its checkpoints: its parameters are the first ones here,
        as long as `model_dir` contains no checkpoint.
    loss_reduction : {"sum", "mean"}, default=None
        How the losses of the rows, weighted, become the loss of a batch. "sum" reports their sum
        and follows its gradient, as tf.estimator did in TensorFlow 1; "mean" does both with the
        mean over the rows, as tf.contrib.learn did, and :class:`SKCompat`. None reports the sum and
        follows the gradient of the mean: see the notes. A mean is divided by the number of rows,
        whatever they weigh, as in TensorFlow.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Notes
    -----
    The loss of a row is the cross-entropy of its label under the softmax of the logits, for two
    classes under the logistic function of the one logit. First weights are uniform after Glorot and
    Bengio (2010), biases 0.

    The gradient of a sum over 50 rows is 50 times that of the mean. Adagrad is hardly affected,
    apart from its start: its accumulators begin at 0.1, next to nothing beside squares of such
    sums, so that the first step moves every weight by the whole learning rate. Of the 300 units of
    the chapter's first layer some 170 are dead from then on, in TensorFlow as here, and test
    accuracy is 97.8 to 98.3 %; by the gradient of the mean none is, and it is 98.2 to 98.4 %.
    Therefore the mean is followed by default, as in the tf.estimator of TensorFlow 2. With "sum" a
    learning rate from TensorFlow 1 means the same as there.

    `evaluate` returns accuracy, average_loss, loss and global_step; for two classes also
    accuracy_baseline (that of the more frequent class), auc (ROC), auc_precision_recall,
    label/mean, precision, prediction/mean and recall.

    `predict` yields logits, probabilities, class_ids and classes (bytes), each with one axis; for
    two classes also logistic, the probability of the second one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import estimator
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = estimator.DNNClassifier(
    ...     hidden_units=[16],
    ...     feature_columns=[estimator.numeric_column("X", shape=[4])],
    ...     n_classes=3,
    ...     config=estimator.RunConfig(tf_random_seed=42),
    ... )
    >>> input_fn = estimator.numpy_input_fn(
    ...     {"X": X}, y, batch_size=30, num_epochs=None, shuffle=True
    ... )
    >>> clf = clf.train(input_fn, steps=300)
    >>> test_fn = estimator.numpy_input_fn({"X": X}, y, shuffle=False)
    >>> clf.evaluate(test_fn)["accuracy"] > 0.95
    True
    >>> next(clf.predict(test_fn))["classes"]
    array([b'0'], dtype=object)
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Sequence[DenseColumn],
        model_dir: str | os.PathLike[str] | None = None,
        n_classes: int = 2,
        weight_column: str | NumericColumn | None = None,
        label_vocabulary: Sequence[str] | None = None,
        optimizer: object = "Adagrad",
        activation_fn: AnyActivation = "relu",
        dropout: float | None = None,
        config: RunConfig | None = None,
        warm_start_from: str | os.PathLike[str] | None = None,
        loss_reduction: str | None = None,
    ) -> None:
        classes = check_classes(n_classes, label_vocabulary)
        design = make_design(
            "DNNClassifier",
            hidden_units=hidden_units,
            feature_columns=feature_columns,
            weight_column=weight_column,
            head=BinaryHead(classes) if n_classes == 2 else MultiClassHead(classes),
            optimizer=optimizer,
            activation_fn=activation_fn,
            dropout=dropout,
            loss_reduction=loss_reduction,
            warm_start_from=warm_start_from,
        )
        self._set_up(design, model_dir, config)


class DNNRegressor(Estimator):
    """Regressor with hidden layers of dense units.

    Parameters
    ----------
    hidden_units : sequence of int
        Units of each hidden layer.
    feature_columns : sequence of columns
        Inputs of the network.
    model_dir : str or path-like, default=None
        Folder of the checkpoints, as in :class:`DNNClassifier`.
    label_dimension : int, default=1
        Numbers per row that are predicted.
    weight_column, optimizer, activation_fn, dropout, config, warm_start_from, loss_reduction
        As in :class:`DNNClassifier`.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Notes ----- The loss of a row is the sum of the squared errors of its numbers; "mean" is over
    rows and numbers. For the loss that is reported and the gradient that is followed see the notes
    of :class:`DNNClassifier`.

    `evaluate` returns average_loss (the mean squared error), label/mean, prediction/mean, loss and
    global_step; `predict` yields predictions, of shape ``(label_dimension,)``.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import estimator
    >>> x = np.linspace(-1, 1, 200)
    >>> regressor = estimator.DNNRegressor(
    ...     hidden_units=[32],
    ...     feature_columns=[estimator.numeric_column("x")],
    ...     config=estimator.RunConfig(tf_random_seed=42),
    ... )
    >>> input_fn = estimator.numpy_input_fn({"x": x}, x**2, num_epochs=None, shuffle=True)
    >>> regressor = regressor.train(input_fn, steps=500)
    >>> half = estimator.numpy_input_fn({"x": np.array([0.5])}, shuffle=False)
    >>> abs(next(regressor.predict(half))["predictions"][0] - 0.25) < 0.05
    np.True_
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Sequence[DenseColumn],
        model_dir: str | os.PathLike[str] | None = None,
        label_dimension: int = 1,
        weight_column: str | NumericColumn | None = None,
        optimizer: object = "Adagrad",
        activation_fn: AnyActivation = "relu",
        dropout: float | None = None,
        config: RunConfig | None = None,
        warm_start_from: str | os.PathLike[str] | None = None,
        loss_reduction: str | None = None,
    ) -> None:
        check_integer("label_dimension", label_dimension, 1)
        design = make_design(
            "DNNRegressor",
            hidden_units=hidden_units,
            feature_columns=feature_columns,
            weight_column=weight_column,
            head=RegressionHead(int(label_dimension)),
            optimizer=optimizer,
            activation_fn=activation_fn,
            dropout=dropout,
            loss_reduction=loss_reduction,
            warm_start_from=warm_start_from,
        )
        self._set_up(design, model_dir, config)
