"""Steps before a network are exact in float64: a perceptron's scores show them."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from multilayer import Perceptron
from multilayer.onnx import to_onnx

pandas = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
N = 300
X = np.column_stack(
    [
        RNG.randn(N),
        1.0 + 100.0 * RNG.exponential(size=N),
        RNG.randint(0, 10, N) / 10,
        1e6 + RNG.uniform(0, 1, N),  # float32 would leave four values of it
    ]
)
Y = RNG.randint(0, 3, N)
HOLES = np.where(RNG.rand(N, 4) < 0.2, np.nan, X)
EMPTY = np.column_stack([HOLES, np.full(N, np.nan)])
CODES = RNG.choice([0.1, 0.5, 3.0, 700.0], (N, 2), p=[0.5, 0.4, 0.08, 0.02])
TEXTS = np.array(["", "red", "blau", "파랑"], object)[RNG.randint(0, 4, (N, 2))]
# Values beyond those of training, and on the edges.
OUTSIDE = np.vstack([X, X.min(axis=0) - 1, X.max(axis=0) + 1, X.min(axis=0), X.max(axis=0)])

NUMBERS = {
    "standard": StandardScaler(),
    "min-max": MinMaxScaler(clip=True),
    "max-abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "l1": Normalizer("l1"),
    "l2": Normalizer("l2"),
    "max": Normalizer("max"),
    "pca": make_pipeline(StandardScaler(), PCA(3, whiten=True)),
    "variance": VarianceThreshold(),
    "function": FunctionTransformer(),
    "binarizer": Binarizer(threshold=0.3),
    "quantile": QuantileTransformer(n_quantiles=50),
    "normal quantile": QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    "yeo-johnson": PowerTransformer(),
    "one bin": KBinsDiscretizer(2, encode="onehot-dense", strategy="uniform"),
    "uniform bins": KBinsDiscretizer(10, encode="ordinal", strategy="uniform"),
    "sparse bins": KBinsDiscretizer(5, encode="onehot", strategy="kmeans", random_state=0),
    "polynomial": make_pipeline(StandardScaler(), PolynomialFeatures(3)),
    "interactions": make_pipeline(
        StandardScaler(), PolynomialFeatures((2, 3), interaction_only=True)
    ),
    "union": FeatureUnion(
        [("a", StandardScaler()), ("b", MinMaxScaler())], transformer_weights={"a": 2.0}
    ),
    "splines": SplineTransformer(),
    "splines of degree 0": SplineTransformer(degree=0, extrapolation="continue"),
    "linear ends": SplineTransformer(degree=2, extrapolation="linear", include_bias=False),
    "splines for ever": SplineTransformer(6, extrapolation="continue"),
    "periodic splines": SplineTransformer(extrapolation="periodic", knots="quantile"),
}


def assert_exact(step, train, rows, runner, y=Y, **arguments):
    model = make_pipeline(step, Perceptron(random_state=0, max_iter=1)).fit(train, y)
    got = runner(to_onnx(model, **arguments))(rows)
    expected = model.decision_function(rows)
    assert np.isfinite(expected).all()
    scale = np.abs(expected).max()
    got["scores"] = got["scores"].reshape(expected.shape)
    np.testing.assert_allclose(got["scores"], expected, rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(got["label"], model.predict(rows))


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(runner, name):
    assert_exact(NUMBERS[name], X, OUTSIDE, runner, inputs="double")


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_rows_without_a_norm(runner, norm):
    rows = np.vstack([X, np.zeros((1, 4)), np.full((1, 4), 1e-16), np.full((1, 4), 1e-15)])
    assert_exact(Normalizer(norm), X, rows, runner, inputs="double")


@pytest.mark.parametrize("arguments", [{}, {"sublinear_tf": True, "norm": "l1"}], ids=str)
def test_weights_of_words(runner, arguments):
    rows = RNG.poisson(1.0, (N, 5)).astype(float)
    rows[0] = 0.0  # without a norm
    assert_exact(TfidfTransformer(**arguments), rows, rows, runner, inputs="double")


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_equal_quantiles(runner, distribution):
    # Steps of the distribution function: the mean of both ends, as in scikit-learn.
    many_zeros = np.maximum(X - np.median(X, axis=0), 0)
    many_zeros[:, 3] = 5.0
    many_zeros[::7, 2:] = np.nan
    step = make_pipeline(
        QuantileTransformer(n_quantiles=40, output_distribution=distribution), SimpleImputer()
    )
    near = [many_zeros + shift for shift in (0.0, 1e-9, -1e-9, 9e-8, -9e-8, 2e-7, -2e-7)]
    assert_exact(step, many_zeros, np.vstack(near), runner, inputs="double")


@pytest.mark.parametrize("extrapolation", ["constant", "linear", "periodic"])
def test_splines_of_repeated_knots(runner, extrapolation):
    rows = np.column_stack([np.maximum(X[:, 0], 0), np.minimum(X[:, 0], 0), np.full(N, 5.0)])
    if extrapolation == "periodic":  # a column of one value is NaN there, before 1.8
        rows = rows[:, :2]
    step = SplineTransformer(6, extrapolation=extrapolation, knots="quantile")
    beyond = np.vstack([rows, rows - 0.5, rows + 0.5])
    assert_exact(step, rows, beyond, runner, inputs="double")


def test_splines_of_missing_numbers(runner):
    if "handle_missing" not in SplineTransformer().get_params():
        pytest.skip("scikit-learn before 1.8")
    for extrapolation in ("constant", "error"):
        step = SplineTransformer(extrapolation=extrapolation, handle_missing="zeros")
        assert_exact(step, HOLES, HOLES, runner, inputs="double")


def test_splines_that_refuse_to_go_on(runner):
    # The step would raise an error, which a graph cannot.
    step = SplineTransformer(extrapolation="error")
    model = make_pipeline(step, Perceptron(random_state=0, max_iter=1)).fit(X, Y)
    got = runner(to_onnx(model, inputs="double"))(np.vstack([X, X.max(axis=0) + 1]))["scores"]
    assert np.isnan(got[-1]).all()
    np.testing.assert_allclose(got[:-1], model.decision_function(X), rtol=0, atol=1e-9)


@pytest.mark.parametrize("standardize", [False, True])
def test_box_cox(runner, standardize):
    rows = np.abs(X) + 0.1
    step = PowerTransformer("box-cox", standardize=standardize)
    assert_exact(step, rows, rows, runner, inputs="double")


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_powers_that_are_logarithms(runner, method, exponent):
    rows = np.abs(X[:, :3]) + 0.1 if method == "box-cox" else X[:, :3]
    model = make_pipeline(PowerTransformer(method), Perceptron(random_state=0, max_iter=1))
    model.fit(rows, Y)
    model[0].lambdas_ = np.full(3, exponent)
    got = runner(to_onnx(model, inputs="double"))(rows)["scores"]
    np.testing.assert_allclose(got, model.decision_function(rows), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(),
        SimpleImputer(strategy="median", add_indicator=True),
        SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True),
    ],
    ids=["mean", "indicator", "constant"],
)
@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_imputer(runner, imputer):
    assert_exact(imputer, EMPTY, EMPTY, runner, inputs="double")


@pytest.mark.parametrize("features", ["missing-only", "all"])
def test_indicator(runner, features):
    step = FeatureUnion([("a", SimpleImputer()), ("b", MissingIndicator(features=features))])
    assert_exact(step, HOLES, HOLES, runner, inputs="double")


def test_imputer_of_another_marker(runner):
    rows = np.where(np.isnan(HOLES), -999.0, HOLES)
    assert_exact(SimpleImputer(missing_values=-999.0), rows, rows, runner, inputs="double")


ENCODERS = {
    "all": OneHotEncoder(),
    "drop first": OneHotEncoder(drop="first", handle_unknown="ignore"),
    "rare": OneHotEncoder(min_frequency=0.3, handle_unknown="infrequent_if_exist"),
    "rare, one dropped": OneHotEncoder(
        max_categories=3, drop="first", handle_unknown="infrequent_if_exist", sparse_output=False
    ),
    "binary": OneHotEncoder(drop="if_binary", handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7),
    "ordinal, rare": OrdinalEncoder(max_categories=2),
    "target": TargetEncoder(target_type="continuous"),
    "target of classes": TargetEncoder(),
}


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("rows", [CODES, TEXTS], ids=["numbers", "text"])
def test_encoders(runner, name, rows):
    # The last two rows hold what no row of training held.
    new = "new" if rows.dtype == object else 0.2
    some_new = np.vstack([rows, [[new, rows[0, 1]], [rows[0, 0], new]]])
    told = name in ("all", "ordinal, rare")  # of an unknown category, by an error
    frame = pandas.DataFrame(rows if told else some_new, columns=["a", "b"])
    assert_exact(
        make_column_transformer((ENCODERS[name], ["a", "b"])),
        pandas.DataFrame(rows, columns=["a", "b"]),
        frame,
        runner,
        X=frame[:2],
    )


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
@pytest.mark.parametrize("rows", [CODES, TEXTS], ids=["numbers", "text"])
def test_unknown_categories_are_no_numbers(runner, encoder, rows):
    # The encoder would raise an error, which a graph cannot.
    model = make_pipeline(encoder, Perceptron(random_state=0, max_iter=1)).fit(rows, Y)
    some_new = np.vstack([rows[:3], [["new" if rows.dtype == object else 0.2, rows[0, 1]]]])
    got = runner(to_onnx(model, X=rows))(some_new)["scores"]
    assert np.isnan(got[3]).all()
    np.testing.assert_allclose(got[:3], model.decision_function(rows[:3]))


@pytest.mark.parametrize("encoder", [OneHotEncoder(), TargetEncoder()])
def test_missing_numbers_as_a_category(runner, encoder):
    rows = np.where(CODES == 3.0, np.nan, CODES)
    assert_exact(encoder, rows, rows, runner, inputs="double")


def test_targets_of_two_classes(runner):
    unknown = np.vstack([CODES, [[np.nan, 0.1], [0.2, -np.inf]]])[:-1]
    assert_exact(TargetEncoder(), CODES, unknown, runner, y=Y > 0, inputs="double")


def test_columns_of_a_table(runner):
    frame = pandas.DataFrame(HOLES, columns=["a", "b b", "c (m)", "d"])
    frame["e"] = TEXTS[:, 0]
    frame["f"] = RNG.randint(0, 3, N)
    frame["g"] = frame["a"] > 0
    frame["h"] = X[:, 0].astype(np.float32)
    step = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b b", "c (m)"]),
            ("text", OneHotEncoder(), make_column_selector(dtype_exclude=["number", "bool"])),
            ("codes", OneHotEncoder(), ["f"]),
            ("as it is", "passthrough", ["g", "h"]),
        ]
    )
    model = make_pipeline(step, Perceptron(random_state=0, max_iter=1)).fit(frame, Y)
    converted = runner(to_onnx(model, X=frame[:2]))
    assert list(converted.inputs) == list(frame.columns)
    np.testing.assert_allclose(converted(frame)["scores"], model.decision_function(frame))
    assert converted(frame, slice(0))["scores"].shape == (0, 3)


def test_float_inputs_are_brought_to_double(runner):
    model = make_pipeline(StandardScaler(), Perceptron(random_state=0, max_iter=1)).fit(X, Y)
    converted = runner(to_onnx(model))
    assert converted.inputs == {"X": "tensor(float)"}
    rows = X.astype(np.float32)
    expected = model.decision_function(rows.astype(np.float64))
    np.testing.assert_allclose(converted(rows)["scores"], expected, rtol=1e-12)


def test_a_table_for_a_network_alone(runner):
    frame = pandas.DataFrame(X, columns=list("abcd")).astype({"a": np.float32})
    clf = Perceptron(random_state=0, max_iter=1).fit(frame, Y)
    converted = runner(to_onnx(clf, X=frame))
    assert converted.inputs == {"a": "tensor(float)", **dict.fromkeys("bcd", "tensor(double)")}
    np.testing.assert_allclose(converted(frame)["scores"], clf.decision_function(frame))


def test_skl2onnx_converts_them_too(runner):
    skl2onnx = pytest.importorskip("skl2onnx")
    rows = X[:, :3].astype(np.float32)
    model = make_pipeline(MinMaxScaler(), Perceptron(random_state=0, max_iter=1)).fit(rows, Y)
    converted = runner(skl2onnx.to_onnx(model, rows, target_opset=17))
    assert converted.names == ["label", "scores"]
    np.testing.assert_allclose(
        converted(rows)["scores"], model.decision_function(rows), rtol=0, atol=1e-5
    )
