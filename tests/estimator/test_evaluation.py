"""Figures of evaluation and predictions, against scikit-learn and the formulas."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as sklearn_metrics

from multilayer import DataError, InvalidArgumentError, estimator
from multilayer.estimator import heads


def logits(model, input_fn):
    return np.stack([row["logits"] for row in model.predict(input_fn)])


@pytest.fixture
def three(make_classifier, iris):
    X, y = iris
    train_fn = estimator.numpy_input_fn({"X": X}, y, 30, None, shuffle=True)
    return make_classifier().train(train_fn, steps=20)


@pytest.fixture
def two(make_classifier, iris):
    X, y = iris
    train_fn = estimator.numpy_input_fn({"X": X}, y == 1, 30, None, shuffle=True)
    return make_classifier(n_classes=2).train(train_fn, steps=20)


def test_figures_of_many_classes(three, iris):
    X, y = iris
    results = three.evaluate(estimator.numpy_input_fn({"X": X}, y, 64, shuffle=False))
    assert list(results) == ["accuracy", "average_loss", "loss", "global_step"]
    raw = logits(three, estimator.numpy_input_fn({"X": X}, shuffle=False)).astype(float)
    losses = -np.log(softmax(raw, axis=1)[np.arange(150), y])
    assert results["accuracy"] == (raw.argmax(axis=1) == y).mean()
    assert results["average_loss"] == pytest.approx(losses.mean())
    sums = [losses[:64].sum(), losses[64:128].sum(), losses[128:].sum()]
    assert results["loss"] == pytest.approx(np.mean(sums))
    assert results["global_step"] == 20
    assert all(type(value) in (float, int) for value in results.values())


def test_figures_of_two_classes(two, iris):
    X, y = iris
    label = y == 1
    results = two.evaluate(estimator.numpy_input_fn({"X": X}, label, shuffle=False))
    z = logits(two, estimator.numpy_input_fn({"X": X}, shuffle=False))[:, 0].astype(float)
    expected = {
        "accuracy": np.mean((z > 0) == label),
        "accuracy_baseline": max(label.mean(), 1 - label.mean()),
        "auc": sklearn_metrics.roc_auc_score(label, z),
        "label/mean": label.mean(),
        "precision": sklearn_metrics.precision_score(label, z > 0, zero_division=0),
        "prediction/mean": expit(z).mean(),
        "recall": sklearn_metrics.recall_score(label, z > 0),
        "average_loss": sklearn_metrics.log_loss(label, expit(z)),
        "global_step": 20,
    }
    for key, value in expected.items():
        assert results.pop(key) == pytest.approx(value), key
    assert sorted(results) == ["auc_precision_recall", "loss"]


def test_figures_of_the_first_batches(three, iris):
    X, y = iris
    all_fn = estimator.numpy_input_fn({"X": X}, y, 40, shuffle=False)
    some_fn = estimator.numpy_input_fn({"X": X[:80]}, y[:80], 40, shuffle=False)
    assert three.evaluate(all_fn, steps=2) == three.evaluate(some_fn)
    endless_fn = estimator.numpy_input_fn({"X": X}, y, 40, None, shuffle=False)
    assert three.evaluate(endless_fn, steps=2) == three.evaluate(some_fn)
    with pytest.raises(InvalidArgumentError, match="num_epochs must be a number"):
        three.evaluate(endless_fn)


def test_predictions_of_many_classes(three, iris):
    X, _ = iris
    rows = list(three.predict(estimator.numpy_input_fn({"X": X}, shuffle=False)))
    assert len(rows) == 150
    for row in rows:
        assert list(row) == ["logits", "probabilities", "class_ids", "classes"]
        (number,) = row["class_ids"]
        assert row["logits"].shape == (3,)
        np.testing.assert_allclose(row["probabilities"], softmax(row["logits"]), rtol=1e-5)
        assert number == row["logits"].argmax()
        assert row["classes"].tolist() == [str(number).encode()]
        assert row["class_ids"].dtype == np.int64


def test_predictions_of_two_classes(two, iris):
    X, _ = iris
    rows = list(two.predict(estimator.numpy_input_fn({"X": X}, shuffle=False)))
    assert list(rows[0]) == ["logits", "logistic", "probabilities", "class_ids", "classes"]
    for row in rows:
        (z,) = row["logits"]
        np.testing.assert_allclose(row["logistic"], [expit(z)], rtol=1e-6)
        np.testing.assert_allclose(row["probabilities"], [expit(-z), expit(z)], rtol=1e-6)
        assert row["classes"].tolist() == [b"1" if z > 0 else b"0"]


def test_some_predictions_and_whole_batches(three, iris):
    X, _ = iris
    input_fn = estimator.numpy_input_fn({"X": X}, None, 64, shuffle=False)
    batches = list(three.predict(input_fn, ["logits"], yield_single_examples=False))
    assert [batch["logits"].shape for batch in batches] == [(64, 3), (64, 3), (22, 3)]
    rows = list(three.predict(input_fn, predict_keys=["logits"]))
    assert [list(row) for row in rows] == [["logits"]] * 150
    joined = np.concatenate([batch["logits"] for batch in batches])
    np.testing.assert_array_equal(joined, [row["logits"] for row in rows])
    for wrong in (["scores"], []):
        with pytest.raises(InvalidArgumentError, match="predict_keys must be some of"):
            three.predict(input_fn, predict_keys=wrong)


def test_classes_are_words_of_the_vocabulary(make_classifier, iris):
    X, y = iris
    words = ["setosa", "versicolor", "virginica"]
    model = make_classifier(label_vocabulary=words)
    numbered = make_classifier()
    for given in (np.array(words)[y], np.array(words, object)[y], np.array(words, "S")[y]):
        model = make_classifier(label_vocabulary=words)
        model.train(estimator.numpy_input_fn({"X": X}, given, 50, shuffle=False))
    numbered.train(estimator.numpy_input_fn({"X": X}, y, 50, shuffle=False))
    input_fn = estimator.numpy_input_fn({"X": X}, shuffle=False)
    named, plain = next(model.predict(input_fn)), next(numbered.predict(input_fn))
    np.testing.assert_array_equal(named["logits"], plain["logits"])
    assert named["classes"].tolist() == [words[plain["class_ids"][0]].encode()]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 3], "from 0 to 2 for n_classes=3, got .3"),
        ([0, 1, -1], "from 0 to 2"),
        ([0.5, 1, 2], "whole numbers"),
        (["a", "b", "c"], "label_vocabulary"),
        ([[0, 1], [1, 0], [2, 0]], "shape .rows,."),
    ],
)
def test_other_labels_are_refused(make_classifier, labels, said):
    input_fn = estimator.numpy_input_fn({"X": np.zeros((3, 4))}, np.array(labels), shuffle=False)
    with pytest.raises(DataError, match=said):
        make_classifier().train(input_fn)


def test_unknown_words_are_refused(make_classifier):
    model = make_classifier(label_vocabulary=["a", "b", "c"])
    input_fn = estimator.numpy_input_fn(
        {"X": np.zeros((2, 4))}, np.array(["a", "d"]), shuffle=False
    )
    with pytest.raises(DataError, match=r"must be in label_vocabulary .*, got 'd'"):
        model.train(input_fn)


@pytest.mark.parametrize("labels", [np.array(["a", "b"]), np.zeros((2, 3)), np.array([0, np.inf])])
def test_other_numbers_are_refused(tmp_path, labels):
    model = estimator.DNNRegressor([], [estimator.numeric_column("x")], tmp_path)
    with pytest.raises(DataError, match="labels must be"):
        model.train(estimator.numpy_input_fn({"x": np.zeros(2)}, labels, shuffle=False))


def test_weights_without_any_weight_are_refused(make_classifier, iris):
    X, y = iris
    model = make_classifier(weight_column="w")
    features = {"X": X, "w": np.ones(150)}
    model.train(estimator.numpy_input_fn(features, y, shuffle=False))
    with pytest.raises(DataError, match="not be 0 in all rows"):
        model.evaluate(estimator.numpy_input_fn({**features, "w": np.zeros(150)}, y, shuffle=False))
    with pytest.raises(DataError, match="must not be negative"):
        model.evaluate(estimator.numpy_input_fn({**features, "w": -y}, y, shuffle=False))


# Areas under curves -------------------------------------------------------------------------------


@pytest.fixture
def scored():
    """Labels, scores with ties, weights with zeros."""
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=200).astype(float)
    return label, np.round(rng.normal(size=200) + label, 1), rng.integers(3, size=200).astype(float)


def test_area_under_roc(scored):
    label, score, weight = scored
    expected = sklearn_metrics.roc_auc_score(label, score, sample_weight=weight)
    assert heads.roc_auc(label, score, weight) == pytest.approx(expected)


def test_area_under_precision_recall(scored):
    """Against the paper's interpolation, followed in small steps."""
    label, score, weight = scored
    true, false = heads.positives_by_threshold(label, score, weight)
    area = 0.0
    for i in range(len(true) - 1):
        share = (np.arange(4000) + 0.5) / 4000
        t = true[i] + (true[i + 1] - true[i]) * share
        f = false[i] + (false[i + 1] - false[i]) * share
        precision = np.divide(t, t + f, out=np.zeros_like(t), where=t + f > 0)
        area += precision.mean() * (true[i + 1] - true[i])
    found = heads.precision_recall_auc(label, score, weight)
    assert found == pytest.approx(area / true[-1], abs=1e-6)
    assert found == pytest.approx(
        sklearn_metrics.average_precision_score(label, score, sample_weight=weight), abs=0.03
    )


def test_areas_of_one_class_are_no_numbers():
    ones = np.ones(3)
    assert np.isnan(heads.roc_auc(ones, ones, ones))
    assert np.isnan(heads.roc_auc(0 * ones, ones, ones))
    assert np.isnan(heads.precision_recall_auc(0 * ones, ones, ones))


def test_perfect_scores():
    label = np.array([0.0, 0.0, 1.0, 1.0])
    assert heads.roc_auc(label, label, label + 1) == 1
    assert heads.precision_recall_auc(label, label, label + 1) == pytest.approx(1)
