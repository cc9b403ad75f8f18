"""Steps before a network are exact in float64: a perceptron's scores show them."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
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
    StandardScaler,
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
    "pca": make_pipeline(StandardScaler(), PCA(3, whiten=True)),
    "variance": VarianceThreshold(),
    "function": FunctionTransformer(),
    "binarizer": Binarizer(threshold=0.3),
    "quantile": QuantileTransformer(n_quantiles=50),
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
}


def assert_exact(step, train, rows, converted_from, runner, **arguments):
    model = make_pipeline(step, Perceptron(random_state=0, max_iter=5)).fit(train, Y)
    got = runner(to_onnx(model, **arguments))(converted_from(rows))
    expected = model.decision_function(rows)
    assert np.isfinite(expected).all()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got["scores"], expected, rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(got["label"], model.predict(rows))


def same(rows):
    return rows


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(runner, name):
    assert_exact(NUMBERS[name], X, OUTSIDE, same, runner, inputs="double")


def test_equal_quantiles(runner):
    # Steps of the distribution function: the mean of both ends, as in scikit-learn.
    many_zeros = np.maximum(X - np.median(X, axis=0), 0)
    many_zeros[:, 3] = 5.0
    step = QuantileTransformer(n_quantiles=40)
    beside = np.vstack([many_zeros, many_zeros + 1e-9, many_zeros - 1e-9])
    assert_exact(step, many_zeros, beside, same, runner, inputs="double")


@pytest.mark.parametrize("standardize", [False, True])
def test_box_cox(runner, standardize):
    rows = np.abs(X) + 0.1
    step = PowerTransformer("box-cox", standardize=standardize)
    assert_exact(step, rows, rows, same, runner, inputs="double")


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_powers_that_are_logarithms(runner, method, exponent):
    rows = np.abs(X[:, :3]) + 0.1 if method == "box-cox" else X[:, :3]
    model = make_pipeline(PowerTransformer(method), Perceptron(random_state=0, max_iter=5))
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
    assert_exact(imputer, EMPTY, EMPTY, same, runner, inputs="double")


def test_imputer_of_another_marker(runner):
    rows = np.where(np.isnan(HOLES), -999.0, HOLES)
    assert_exact(SimpleImputer(missing_values=-999.0), rows, rows, same, runner, inputs="double")


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
        same,
        runner,
        X=frame[:2],
    )


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
@pytest.mark.parametrize("rows", [CODES, TEXTS], ids=["numbers", "text"])
def test_unknown_categories_are_no_numbers(runner, encoder, rows):
    # The encoder would raise an error, which a graph cannot.
    model = make_pipeline(encoder, Perceptron(random_state=0, max_iter=5)).fit(rows, Y)
    some_new = np.vstack([rows[:3], [["new" if rows.dtype == object else 0.2, rows[0, 1]]]])
    got = runner(to_onnx(model, X=rows))(some_new)["scores"]
    assert np.isnan(got[3]).all()
    np.testing.assert_allclose(got[:3], model.decision_function(rows[:3]))


def test_missing_numbers_as_a_category(runner):
    rows = np.where(CODES == 3.0, np.nan, CODES)
    assert_exact(OneHotEncoder(), rows, rows, same, runner, inputs="double")


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
    model = make_pipeline(step, Perceptron(random_state=0, max_iter=5)).fit(frame, Y)
    converted = runner(to_onnx(model, X=frame[:2]))
    assert list(converted.inputs) == list(frame.columns)
    np.testing.assert_allclose(converted(frame)["scores"], model.decision_function(frame))
    assert converted(frame, slice(0))["scores"].shape == (0, 3)


def test_float_inputs_are_brought_to_double(runner):
    model = make_pipeline(StandardScaler(), Perceptron(random_state=0, max_iter=5)).fit(X, Y)
    converted = runner(to_onnx(model))
    assert converted.inputs == {"X": "tensor(float)"}
    rows = X.astype(np.float32)
    expected = model.decision_function(rows.astype(np.float64))
    np.testing.assert_allclose(converted(rows)["scores"], expected, rtol=1e-12)


def test_a_table_for_a_network_alone(runner):
    frame = pandas.DataFrame(X, columns=list("abcd")).astype({"a": np.float32})
    clf = Perceptron(random_state=0, max_iter=5).fit(frame, Y)
    converted = runner(to_onnx(clf, X=frame))
    assert converted.inputs == {"a": "tensor(float)", **dict.fromkeys("bcd", "tensor(double)")}
    np.testing.assert_allclose(converted(frame)["scores"], clf.decision_function(frame))


def test_skl2onnx_converts_them_too(runner):
    skl2onnx = pytest.importorskip("skl2onnx")
    rows = X[:, :3].astype(np.float32)
    model = make_pipeline(MinMaxScaler(), Perceptron(random_state=0, max_iter=5)).fit(rows, Y)
    converted = runner(skl2onnx.to_onnx(model, rows, target_opset=17))
    assert converted.names == ["label", "scores"]
    np.testing.assert_allclose(
        converted(rows)["scores"], model.decision_function(rows), rtol=0, atol=1e-5
    )


def test_search(runner):
    model = make_pipeline(StandardScaler(), Perceptron(random_state=0, max_iter=5))
    search = GridSearchCV(model, {"perceptron__eta0": [1.0, 2.0]}, cv=2).fit(X, Y)
    got = runner(to_onnx(search, inputs="double"))(X)["label"]
    np.testing.assert_array_equal(got, search.predict(X))
