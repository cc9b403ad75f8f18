"""Pipelines agree in ONNX Runtime: preprocessing x networks x kinds of labels."""

import itertools

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from multilayer import MLPClassifier, Perceptron
from multilayer.onnx import to_onnx

pandas = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
N = 1000
# Columns of different sizes, one far from 0 and one of decimals, on which edges of bins lie.
X = np.column_stack(
    [
        RNG.randn(N),
        100.0 * RNG.exponential(size=N),
        RNG.randint(0, 10, N) / 10,
        RNG.uniform(1000, 1010, N),
    ]
)
SCALED = (X - X.mean(axis=0)) / X.std(axis=0)
WITH_HOLES = np.where(RNG.rand(N, 4) < 0.1, np.nan, X)
TABLE = pandas.DataFrame({"length (cm)": X[:, 0]})
TABLE["colour"] = RNG.choice(["red", "blue", "green"], N)
GROUPS = (X[:, 0] > 0).astype(int) + (X[:, 2] > 0.5)

# Each makes four columns, so that networks share their compiled programs.
PREPROCESSING = {
    "none": (),
    "standard": (StandardScaler(),),
    "min-max": (MinMaxScaler(),),
    "max-abs": (MaxAbsScaler(),),
    "robust": (RobustScaler(),),
    "normalizer": (Normalizer(),),
    "quantile": (QuantileTransformer(n_quantiles=100),),
    "normal quantile": (QuantileTransformer(n_quantiles=100, output_distribution="normal"),),
    "power": (PowerTransformer(),),
    "bins": (KBinsDiscretizer(7, encode="ordinal", strategy="uniform"), StandardScaler()),
    "polynomial": (StandardScaler(), PolynomialFeatures(2), PCA(4)),
    "splines": (SplineTransformer(4), PCA(4)),
    "imputer": (SimpleImputer(), StandardScaler()),
    "pca": (StandardScaler(), PCA(4)),
    "columns": (
        make_column_transformer((StandardScaler(), ["length (cm)"]), (OneHotEncoder(), ["colour"])),
    ),
}
NETWORKS = {
    "relu": {"hidden_layer_sizes": (8, 6)},
    "tanh": {"hidden_layer_sizes": (8,), "activation": "tanh"},
    "gelu, layer norm": {"hidden_layer_sizes": (8,), "activation": "gelu", "norm": "layer"},
    "silu, batch norm": {"hidden_layer_sizes": (8,), "activation": "silu", "norm": "batch"},
    "residual": {"hidden_layer_sizes": (6, 6, 6), "residual": True},
    "linear": {"hidden_layer_sizes": (), "input_scale": 0.25},
}
LABELS = {
    "int": GROUPS,
    "text": np.array(["few", "some", "many"])[GROUPS],
    "bool": GROUPS > 0,
    "multilabel": np.eye(3, dtype=int)[GROUPS],
}
CELLS = list(itertools.product(PREPROCESSING, NETWORKS, LABELS))
# Every pair of preprocessing and network, and of preprocessing and labels. Of labels a network has
# one kind here, so that few programs are compiled.
SPREAD = [
    (steps, network, list(LABELS)[i % len(LABELS)])
    for steps, (i, network) in itertools.product(PREPROCESSING, enumerate(NETWORKS))
]


def assert_same(model, rows, runner, **arguments):
    """Labels are equal, probabilities within 1e-5, for several numbers of rows."""
    converted = runner(to_onnx(model, **arguments))
    expected, probabilities = model.predict(rows), model.predict_proba(rows)
    for n in (0, 1, 2, N):
        got = converted(rows, slice(n))
        np.testing.assert_array_equal(got["label"], expected[:n])
        assert got["probabilities"].shape == probabilities[:n].shape
        np.testing.assert_allclose(got["probabilities"], probabilities[:n], rtol=0, atol=1e-5)


def check_cell(runner, preprocessing, network, labels):
    rows = {"none": SCALED, "imputer": WITH_HOLES, "columns": TABLE}.get(preprocessing, X)
    # L-BFGS, whose program is compiled in a third of the time, trains all but batch normalisation.
    solver = "sgd" if NETWORKS[network].get("norm") == "batch" else "lbfgs"
    clf = MLPClassifier(**NETWORKS[network], solver=solver, max_iter=2, random_state=0)
    steps = PREPROCESSING[preprocessing]
    model = make_pipeline(*steps, clf) if steps else clf
    model.fit(rows, LABELS[labels])
    arguments = {"X": rows[:2]} if preprocessing == "columns" else {"inputs": "double"}
    assert_same(model, rows, runner, **arguments)


@pytest.mark.parametrize("cell", SPREAD, ids="-".join)
def test_some(runner, cell):
    check_cell(runner, *cell)


def test_target_encoder(runner):
    step = make_column_transformer(
        (StandardScaler(), ["length (cm)"]), (TargetEncoder(), ["colour"])
    )
    clf = MLPClassifier(**NETWORKS["relu"], solver="lbfgs", max_iter=2, random_state=0)
    model = make_pipeline(step, clf).fit(TABLE, GROUPS)
    assert_same(model, TABLE.replace({"red": "new"}), runner, X=TABLE[:2])


def test_search(runner):
    model = make_pipeline(StandardScaler(), Perceptron(random_state=0, max_iter=1))
    search = GridSearchCV(model, {"perceptron__eta0": [1.0, 2.0]}, cv=2).fit(X, GROUPS)
    got = runner(to_onnx(search, inputs="double"))(X)["label"]
    np.testing.assert_array_equal(got, search.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize("preprocessing", PREPROCESSING)
def test_all(runner, preprocessing):
    for cell in CELLS:
        if cell[0] == preprocessing:
            check_cell(runner, *cell)
