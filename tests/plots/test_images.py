"""Weights as images, and the images that were predicted wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.linear_model import Perceptron as OtherPerceptron
from sklearn.linear_model import RidgeClassifier

from multilayer import InvalidArgumentError, MLPClassifier, Perceptron, nn
from multilayer.plots import MisclassifiedDisplay, WeightImagesDisplay
from multilayer.plots._mistakes import find_errors

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS[:300] / 16
LABELS = LABELS[:300]


@pytest.fixture(scope="module")
def clf():
    return MLPClassifier((25, 6), max_iter=0, random_state=0).fit(DIGITS, LABELS)


# Weights ----------------------------------------------------------------------------------------


def test_weights_of_the_first_layer(clf):
    display = WeightImagesDisplay.from_estimator(clf, n_images=12)
    assert display.images.shape == (12, 8, 8)
    np.testing.assert_array_equal(display.images[3].ravel(), clf.coefs_[0][:, 3])
    np.testing.assert_array_equal(display.images_[3].get_array(), display.images[3])
    assert [ax.get_title() for ax in display.axes_][-1] == "unit 11"
    assert {image.get_clim() for image in display.images_} == {
        (-np.abs(display.images).max(), np.abs(display.images).max())
    }
    assert len(display.figure_.axes) == 13  # and the colour bar


def test_weights_of_another_layer(clf):
    display = WeightImagesDisplay.from_estimator(clf, layer=1, texts={"unit": "no. {}"})
    assert display.images.shape == (6, 5, 5)
    assert display.axes_[0].get_title() == "no. 0"
    wide = WeightImagesDisplay.from_estimator(clf, image_shape=(4, 16), n_images=1)
    assert wide.images.shape == (1, 4, 16)


def test_weights_of_a_perceptron():
    clf = Perceptron(tol=1e9, n_iter_no_change=1).fit(DIGITS, LABELS)
    expected = clf.coef_[7].reshape(8, 8)
    np.testing.assert_array_equal(WeightImagesDisplay.from_estimator(clf).images[7], expected)
    images = WeightImagesDisplay.from_estimator(clf.sparsify()).images
    np.testing.assert_array_equal(images[7], expected)


def test_given_axes(clf, plt):
    figure, axes = plt.subplots(1, 3)
    display = WeightImagesDisplay.from_estimator(clf, n_images=2, axes=axes)
    assert list(display.axes_) == list(axes[:2])
    assert display.figure_ is figure
    flat = WeightImagesDisplay(np.zeros((1, 2, 2)), units=[7]).plot()
    assert flat.images_[0].get_clim() == (-1, 1)
    assert flat.axes_[0].get_title() == "unit 7"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 3}, "layer must be an integer from 0 to 2"),
        ({"layer": 2}, "image_shape must be the height and width of an image.*6 pixels"),
        ({"image_shape": (7, 9)}, "image_shape must be a height and a width with a product of 64"),
        ({"n_images": 0}, "n_images must be"),
        ({"axes": "here"}, "axes must be 20 matplotlib axes"),
        ({"texts": {"units": ""}}, "texts must be"),
        ({"estimator": OtherPerceptron()}, "estimator must be a MLPClassifier, .* of multilayer"),
    ],
)
def test_weights_refused(clf, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        WeightImagesDisplay.from_estimator(**{"estimator": clf, **arguments})


def test_a_network_of_ones_own_is_refused():
    own = MLPClassifier(network=nn.sequential(nn.dense(10)), max_iter=0)
    with pytest.raises(InvalidArgumentError, match="Pass the arrays of your own network"):
        WeightImagesDisplay.from_estimator(own.fit(DIGITS, LABELS))


@pytest.mark.parametrize("images", [np.zeros((2, 4)), np.zeros((0, 2, 2))])
def test_images_of_another_shape_are_refused(images):
    with pytest.raises(InvalidArgumentError, match=r"images\.shape must be"):
        WeightImagesDisplay(images)
    with pytest.raises(InvalidArgumentError, match="units must be a sequence of 1 numbers"):
        WeightImagesDisplay(np.zeros((1, 2, 2)), units=[1, 2])


# Errors -----------------------------------------------------------------------------------------


def test_the_surest_errors_come_first():
    X = np.arange(20.0).reshape(5, 4)
    proba = [[0.6, 0.4], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]]
    errors = find_errors(X, list("aabba"), list("abbab"), proba, None, 2)
    assert errors.indices.tolist() == [1, 3]  # both sure by 0.9, in the order of the rows
    assert (errors.y_true.tolist(), errors.y_pred.tolist()) == (["a", "b"], ["b", "a"])
    np.testing.assert_array_equal(errors.images[1], [[12, 13], [14, 15]])
    assert find_errors(X, list("aabba"), list("abbab"), None, (1, 4), 9).images.shape == (3, 1, 4)


@pytest.mark.parametrize("of", [sparse.csc_matrix, sparse.csr_array, pd.DataFrame])
def test_other_containers(of):
    expected = find_errors(DIGITS, LABELS, LABELS[::-1], None, None, 5)
    found = find_errors(of(DIGITS), LABELS, LABELS[::-1], None, None, 5)
    np.testing.assert_array_equal(found.images, expected.images)


def test_errors_of_a_classifier(clf, overlaps):
    display = MisclassifiedDisplay.from_estimator(clf, DIGITS, LABELS, n_images=7)
    sure = clf.predict_proba(DIGITS).max(axis=1)
    wrong = np.flatnonzero(clf.predict(DIGITS) != LABELS)
    assert (np.diff(sure[display.indices]) <= 0).all()
    assert sure[display.indices[-1]] >= np.sort(sure[wrong])[-7]
    for image, ax, row in zip(display.images_, display.axes_, display.indices, strict=True):
        np.testing.assert_array_equal(image.get_array().ravel(), DIGITS[row])
        predicted = clf.predict(DIGITS[row : row + 1])[0]
        assert ax.get_title() == f"true: {LABELS[row]}\npredicted: {predicted}"
    assert len(display.figure_.axes) == 7


def test_without_probabilities_in_the_order_of_the_rows():
    clf = RidgeClassifier().fit(DIGITS[:50], LABELS[:50])
    display = MisclassifiedDisplay.from_estimator(clf, DIGITS, LABELS)
    assert (np.diff(display.indices) > 0).all()


def test_long_labels_do_not_overlap(overlaps):
    names = np.array([f"a rather long name, number {i}" for i in range(10)])
    display = MisclassifiedDisplay.from_predictions(
        DIGITS, names[LABELS], names[LABELS - 1], n_images=8, texts={"true": "{}!"}
    )
    display.figure_.canvas.draw()
    assert overlaps([ax.title for ax in display.axes_]) == 0
    assert display.axes_[0].get_title().startswith(names[LABELS[0]] + "!\n")


def test_nothing_wrong(plt):
    display = MisclassifiedDisplay.from_predictions(
        DIGITS, LABELS, LABELS, texts={"none": "all right"}
    )
    assert display.axes_[0].texts[0].get_text() == "all right"
    assert (len(display.images), display.images_) == (0, [])
    _, axes = plt.subplots(2, 2)
    assert display.plot(axes).axes_[0] is axes[0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y_true": LABELS[:5]}, r"y_true\.shape must be \(300,\)"),
        ({"y_pred": LABELS[:5]}, r"y_pred\.shape must be \(300,\)"),
        ({"y_proba": LABELS / 10}, r"y_proba\.shape must be \(300, n_classes\)"),
        ({"image_shape": (8, 9)}, "image_shape must be a height and a width"),
        ({"image_shape": (64,)}, "image_shape must be a height and a width"),
        ({"X": DIGITS.reshape(-1, 8, 8)}, r"X\.shape must be \(n_samples, n_pixels\)"),
        ({"n_images": 2.5}, "n_images must be an integer"),
    ],
)
def test_errors_refused(arguments, message):
    arguments = {"X": DIGITS, "y_true": LABELS, "y_pred": LABELS[::-1], **arguments}
    with pytest.raises(InvalidArgumentError, match=message):
        MisclassifiedDisplay.from_predictions(**arguments)
