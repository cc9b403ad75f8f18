"""The diagram of a network."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron, nn
from multilayer.plots import NetworkDisplay
from multilayer.plots._network import symbol
from multilayer.plots._network_drawing import BIAS, INPUT, NEGATIVE, POSITIVE

FRAME = load_iris(as_frame=True)
X, Y = FRAME.data, FRAME.target_names[FRAME.target]


def circles(display, fill=None):
    found = [patch for patch in display.ax_.patches if isinstance(patch, Circle)]
    return [c for c in found if fill is None or c.get_facecolor() == to_rgba(fill)]


def lines(display):
    return [segment for each in display.ax_.collections for segment in each.get_segments()]


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def fitted(hidden, X=X, y=Y, **arguments):
    """A network as it is before training."""
    return MLPClassifier(hidden, max_iter=0, random_state=0, **arguments).fit(X, y)


def test_logic():
    display = NetworkDisplay.from_logic(nn.logic.XOR)
    assert len(circles(display)) == 2 + 1 + 2 + 1 + 1
    assert len(circles(display, INPUT)) == 2
    assert len(circles(display, BIAS)) == 2
    assert texts(display).count("1") == 2 + 2  # bias neurons, and two of the weights
    weights = [text.get_text() for text in display.weight_texts_]
    assert weights == ["2", "1", "2", "1", "−2", "−2", "2", "−1", "−2"]
    for word in ("A", "B", "A xor B", "bias", "hidden 1\n2\nheaviside", "output\n1\nheaviside"):
        assert word in texts(display)
    assert display.ax_.get_legend() is None
    colors = [text.get_color() for text in display.weight_texts_]
    assert colors == [NEGATIVE if weight[0] == "−" else POSITIVE for weight in weights]


def test_a_number_is_on_its_connection():
    display = NetworkDisplay.from_logic(nn.logic.XOR)
    for text, (start, end) in zip(display.weight_texts_, lines(display), strict=True):
        way, point = end - start, np.array(text.get_position()) - start
        assert abs(way[0] * point[1] - way[1] * point[0]) < 1e-9
        assert 0 < point @ way < way @ way


@pytest.mark.parametrize("name", ["IDENTITY", "AND", "OR", "AND_NOT", "NOT", "XOR"])
def test_words_do_not_overlap(name, overlaps):
    display = NetworkDisplay.from_logic(getattr(nn.logic, name))
    display.figure_.canvas.draw()
    assert display.weight_texts_
    assert overlaps(display.ax_.texts) == 0


def test_small_axes_have_room_for_numbers_too(plt, overlaps):
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    for ax in axes:
        display = NetworkDisplay.from_logic(nn.logic.AND, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is figure
        assert len(display.weight_texts_) == 3
    figure.canvas.draw()
    assert overlaps([text for ax in axes for text in ax.texts]) == 0


def test_a_fitted_classifier(overlaps):
    clf = fitted((3,), activation="tanh")
    display = NetworkDisplay.from_estimator(make_pipeline(StandardScaler(), clf))
    for word in (*X.columns, *clf.classes_, "hidden 1\n3\ntanh", "output\n3\nsoftmax"):
        assert word in texts(display)
    np.testing.assert_array_equal(display.weights[1], clf.coefs_[1])
    np.testing.assert_array_equal(display.biases[0], clf.intercepts_[0])
    assert [text.get_text().replace("−", "-") for text in display.weight_texts_[:3]] == [
        f"{weight:.3g}" for weight in clf.coefs_[0][0]
    ]
    display.figure_.canvas.draw()
    assert overlaps(display.ax_.texts) == 0
    assert len(display.ax_.lines) == 3  # the curve of tanh; softmax has none


def test_a_large_network(overlaps):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((784, 300), (300, 100), (100, 10))]
    biases = [np.zeros(n) for n in (300, 100, 10)]
    display = NetworkDisplay(weights, biases, activations=["relu", "relu", "softmax"]).plot()
    assert len(circles(display)) == 11 + 11 + 11 + 10
    assert len(lines(display)) == 11 * 10 * 3
    assert display.weight_texts_ == []
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "positive weight",
        "negative weight",
    ]
    for word in ("x1", "x5", "x780", "x784", "y10", "input\n784", "hidden 2\n100\nrelu"):
        assert word in texts(display)
    assert "x6" not in texts(display)
    display.figure_.canvas.draw()
    assert overlaps([*display.ax_.texts, *display.ax_.get_legend().get_texts()]) == 0
    width, height = display.figure_.get_size_inches()
    assert width < 10
    assert height < 7.5


def test_breadth_and_strength_follow_the_weights():
    display = NetworkDisplay([[[1.0], [-4.0], [0.0]]]).plot()
    (connections,) = display.ax_.collections
    one, four, zero = connections.get_linewidths()
    assert zero < one < four
    colors = connections.get_colors()
    np.testing.assert_allclose(colors[1, :3], to_rgba(NEGATIVE)[:3])
    assert colors[2, 3] < colors[0, 3] < colors[1, 3]
    assert circles(display, BIAS) == []


def test_names_of_outputs():
    two = fitted((2,), y=Y == "setosa")
    assert "True" in texts(NetworkDisplay.from_estimator(two))
    assert "False" not in texts(NetworkDisplay.from_estimator(two))
    many = NetworkDisplay.from_estimator(two, input_names=list("abcd"), output_names=["setosa?"])
    assert {"a", "b", "c", "d", "setosa?"} <= set(texts(many))
    both = fitted((2,), y=np.column_stack([Y, FRAME.target]))
    names = NetworkDisplay.from_estimator(both).output_names
    assert len(names) == 6
    assert names[:3] == sorted(set(Y))
    reg = MLPRegressor(hidden_layer_sizes=(2,), max_iter=0)
    display = NetworkDisplay.from_estimator(reg.fit(X.to_numpy(), FRAME.target))
    assert {"x1", "y1"} <= set(texts(display))


def test_a_perceptron():
    clf = Perceptron(tol=1e9, n_iter_no_change=1).fit(X, Y)
    display = NetworkDisplay.from_estimator(clf)
    np.testing.assert_array_equal(display.weights[0].T, clf.coef_)
    np.testing.assert_array_equal(display.biases[0], clf.intercept_)
    assert "output\n3\nheaviside" in texts(display)
    assert {"setosa", "versicolor", "virginica"} <= set(texts(display))


def test_captions_tell_of_normalised_and_residual_layers():
    display = NetworkDisplay.from_estimator(fitted((2, 2), norm="batch", residual=True))
    assert "hidden 2\n2\nrelu\nbatch norm\nresidual" in texts(display)
    assert len(display.ax_.lines) == 2 + 2  # relu's curve in all hidden units


def test_words_of_the_users():
    words = {"input": "in", "hidden": "no. {}", "output": "out", "bias": "b"}
    display = NetworkDisplay.from_logic(nn.logic.XOR, texts=words, values_format=".2f")
    assert {"in\n2", "no. 1\n2\nheaviside", "b", "−2.00"} <= set(texts(display))
    large = NetworkDisplay([np.ones((9, 9))]).plot(
        max_units=4, texts={"positive": "+", "negative": "-"}
    )
    assert len(circles(large)) == 8
    assert {"x1", "x2", "x8", "x9"} <= set(texts(large))


def test_units_of_several_kinds():
    display = NetworkDisplay([[[1.0, 1.0]]], activations=[["sign", "relu"]])
    assert "output\n2\nsign\nrelu" in texts(display.plot())


def test_symbols():
    np.testing.assert_allclose(symbol("relu")[[0, 30, 60]], [[-1, -1], [0, -1], [1, 1]], atol=1e-6)
    np.testing.assert_array_equal(symbol("relu, batch norm"), symbol("relu"))
    assert symbol("softmax") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": []}, r"weights must be a sequence of arrays of shape"),
        ({"weights": [[1, 2]]}, r"weights must be a sequence of arrays of shape"),
        ({"weights": [np.ones((2, 3)), np.ones((2, 1))]}, "weights must be of shapes that follow"),
        ({"weights": [[[np.nan]]]}, "weights must be finite numbers"),
        ({"biases": [[1, 2, 3]]}, r"biases must be arrays of the shapes \[\(2,\)\]"),
        ({"activations": "relu"}, "activations must be None or a sequence of 1"),
        ({"activations": [["relu"]]}, r"activations\[0\] must be a name, or a sequence of 2"),
        ({"input_names": "abc"}, r"input_names must be None or a sequence of 3 name\(s\)"),
        ({"output_names": ["a"]}, r"output_names must be None or a sequence of 2 name\(s\)"),
    ],
)
def test_data_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        NetworkDisplay(**{"weights": [np.ones((3, 2))], **arguments})


def test_arguments_refused(plt):
    with pytest.raises(InvalidArgumentError, match="network must be a LogicNetwork"):
        NetworkDisplay.from_logic("XOR")
    with pytest.raises(InvalidArgumentError, match="max_units must be an integer of at least 2"):
        NetworkDisplay.from_logic(nn.logic.XOR, max_units=1)
    with pytest.raises(InvalidArgumentError, match="texts must be a dict with keys among"):
        NetworkDisplay.from_logic(nn.logic.XOR, texts={"layer": "x"})
    with pytest.raises(InvalidArgumentError, match="ax must be a matplotlib Axes"):
        NetworkDisplay.from_logic(nn.logic.XOR, ax=plt.figure())
