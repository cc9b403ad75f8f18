"""Cells In [3] to In [8] of chapter 10 (TensorFlow 1), with only their imports changed."""

import re

import numpy as np
import pytest

from multilayer import estimator
from multilayer.datasets import load_mnist


@pytest.fixture
def model_dirs(monkeypatch, tmp_path):
    """Temporary folders that go with the test."""
    count = iter(range(9))
    monkeypatch.setattr(
        "multilayer.estimator.base.temporary_folder", lambda: str(tmp_path / str(next(count)))
    )


def test_the_cells_run(digits, model_dirs, capsys):
    X_train, X_test, y_train, y_test = (
        digits[0][:1500],
        digits[0][1500:],
        *np.split(digits[1], [1500]),
    )
    estimator.logging.set_verbosity(estimator.logging.INFO)

    # In [4]
    feature_cols = [estimator.feature_column.numeric_column("X", shape=[8 * 8])]
    dnn_clf = estimator.DNNClassifier(
        hidden_units=[30, 10], n_classes=10, feature_columns=feature_cols
    )
    input_fn = estimator.inputs.numpy_input_fn(
        x={"X": X_train}, y=y_train, num_epochs=10, batch_size=50, shuffle=True
    )
    assert dnn_clf.train(input_fn=input_fn) is dnn_clf

    # In [5], In [6]
    test_input_fn = estimator.inputs.numpy_input_fn(x={"X": X_test}, y=y_test, shuffle=False)
    eval_results = dnn_clf.evaluate(input_fn=test_input_fn)
    assert list(eval_results) == ["accuracy", "average_loss", "loss", "global_step"]
    assert eval_results["global_step"] == 300
    assert eval_results["accuracy"] > 0.6  # of weights without a seed

    # In [7]
    y_pred_iter = dnn_clf.predict(input_fn=test_input_fn)
    y_pred = list(y_pred_iter)
    assert list(y_pred[0]) == ["logits", "probabilities", "class_ids", "classes"]
    accuracy = np.mean([int(row["classes"][0]) == y for row, y in zip(y_pred, y_test, strict=True)])
    assert accuracy == eval_results["accuracy"]

    # In [8]
    config = estimator.learn.RunConfig(tf_random_seed=42)
    feature_cols = estimator.learn.infer_real_valued_columns_from_input(X_train)
    dnn_clf = estimator.learn.DNNClassifier(
        hidden_units=[30, 10], n_classes=10, feature_columns=feature_cols, config=config
    )
    dnn_clf = estimator.learn.SKCompat(dnn_clf)
    estimator.logging.set_verbosity(estimator.logging.INFO)
    dnn_clf.fit(X_train, y_train, batch_size=50, steps=400)
    assert (dnn_clf.predict(X_test)["classes"] == y_test).mean() > 0.85

    # The first loss is that of ten equal probabilities: summed over 50 rows, or their mean.
    firsts = re.findall(r"INFO:multilayer:loss = (\S+), step = 1$", capsys.readouterr().err, re.M)
    summed, mean = map(float, firsts)
    assert summed == pytest.approx(50 * np.log(10), rel=0.2)
    assert mean == pytest.approx(np.log(10), rel=0.2)


@pytest.mark.slow
def test_the_chapters_run_on_mnist(tmp_path):
    """The chapter: accuracy 0.9828, average_loss 0.1003, loss 12.697 in batches of 128."""
    mnist = load_mnist()
    dnn_clf = estimator.DNNClassifier(
        hidden_units=[300, 100],
        n_classes=10,
        feature_columns=[estimator.numeric_column("X", shape=[28 * 28])],
        config=estimator.RunConfig(tmp_path, tf_random_seed=42),
    )
    input_fn = estimator.numpy_input_fn(
        x={"X": mnist.X_train}, y=mnist.y_train, num_epochs=40, batch_size=50, shuffle=True
    )
    dnn_clf.train(input_fn=input_fn)
    test_input_fn = estimator.numpy_input_fn(x={"X": mnist.X_test}, y=mnist.y_test, shuffle=False)
    results = dnn_clf.evaluate(input_fn=test_input_fn)
    assert results["global_step"] == 44_000
    assert results["accuracy"] >= 0.98
    assert results["loss"] == pytest.approx(results["average_loss"] * 10_000 / 79)
