"""scikit-learn's confusion matrix with room for labels."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from multilayer import InvalidArgumentError
from multilayer.plots import ConfusionMatrixDisplay

NAMES = np.array([f"class number {i:02}" for i in range(12)])
TRUE = np.random.default_rng(0).integers(0, 12, 40_000)
PREDICTED = np.where(TRUE == 3, 4, TRUE)


def test_labels_have_room(overlaps):
    display = ConfusionMatrixDisplay.from_predictions(NAMES[TRUE], NAMES[PREDICTED])
    display.figure_.canvas.draw()
    np.testing.assert_array_equal(display.confusion_matrix, confusion_matrix(TRUE, PREDICTED))
    labels = [*display.ax_.get_xticklabels(), *display.ax_.get_yticklabels()]
    assert [label.get_text() for label in labels] == [*NAMES, *NAMES]
    words = [*labels, display.ax_.xaxis.label, display.ax_.yaxis.label]
    assert overlaps([*words, *display.text_.ravel()]) == 0
    inside = display.figure_.bbox
    boxes = [word.get_window_extent() for word in words]
    assert all(inside.x0 <= box.x0 and inside.y0 <= box.y0 for box in boxes)


@pytest.mark.parametrize(("rotation", "expected"), [("horizontal", 0), (45, 45)])
def test_labels_stay_as_they_are_where_they_fit(rotation, expected):
    display = ConfusionMatrixDisplay.from_predictions(
        [0, 1, 1], [0, 0, 1], xticks_rotation=rotation, cmap="Blues"
    )
    assert {label.get_rotation() for label in display.ax_.get_xticklabels()} == {expected}
    assert display.im_.get_cmap().name == "Blues"


def test_given_axes(plt):
    figure, ax = plt.subplots()
    display = ConfusionMatrixDisplay(np.eye(2, dtype=int)).plot(ax=ax, colorbar=False)
    assert display.ax_ is ax
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(InvalidArgumentError, match="ax must be a matplotlib Axes"):
        display.plot(ax=figure)
