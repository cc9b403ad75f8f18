"""Every kind of step of a pipeline, and data that fit it."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import (
    ColumnTransformer,
    make_column_selector,
    make_column_transformer,
)
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
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

from multilayer import Perceptron, TabularEncoder

QUIET = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of releases about defaults to come
    pytest.mark.filterwarnings("ignore:Bins whose width"),
    pytest.mark.filterwarnings("ignore:Found unknown categories"),
]
"""Warnings of scikit-learn that say nothing about files."""

RNG = np.random.default_rng(0)
N = 60
NUMBERS = RNG.normal(size=(N, 3))
THREE = np.arange(N) % 3
GAPS = NUMBERS.copy()
GAPS[::7, 0] = GAPS[::9, 2] = np.nan
TEXT = np.array([[f"t{i % 4}", f"{'ab'[i % 2]}ü"] for i in range(N)], dtype=object)
HOLES = TEXT.copy()
HOLES[::5, 0], HOLES[::11, 1] = None, None
NANS = TEXT.copy()
NANS[::5, 0] = np.nan
RARE = np.array([["common", "rare", "rarer", "common"][min(i % 8, 3)] for i in range(N)])
RARE = RARE.astype(object)[:, None]
MANY = np.array([[i, i % 7] for i in range(400)])
MANY_TEXT = np.array([[f"label-{i}"] for i in range(400)], dtype=object)
FRAME = pd.DataFrame(
    {"age": GAPS[:, 0], "income": NUMBERS[:, 1], "city": TEXT[:, 0], "size": TEXT[:, 1]}
)
SPARSE = sparse.csr_matrix(np.where(NUMBERS > 0.5, NUMBERS, 0))


class Case(NamedTuple):
    """A step, and data that it takes."""

    step: object
    X: object = NUMBERS


CASES = {
    "StandardScaler": Case(StandardScaler()),
    "StandardScaler of float32": Case(StandardScaler(), NUMBERS.astype(np.float32)),
    "StandardScaler of gaps": Case(StandardScaler(), GAPS),
    "StandardScaler of sparse rows": Case(StandardScaler(with_mean=False), SPARSE),
    "StandardScaler that does nothing": Case(StandardScaler(with_mean=False, with_std=False)),
    "MinMaxScaler": Case(MinMaxScaler((-1, 1), clip=True)),
    "MaxAbsScaler": Case(MaxAbsScaler(), SPARSE),
    "RobustScaler": Case(RobustScaler(quantile_range=(10.0, 90.0), unit_variance=True)),
    "RobustScaler of sparse rows": Case(RobustScaler(with_centering=False), SPARSE),
    "Normalizer": Case(Normalizer("l1"), SPARSE),
    "Binarizer": Case(Binarizer(threshold=0.3)),
    "QuantileTransformer": Case(QuantileTransformer(n_quantiles=20, random_state=0)),
    "QuantileTransformer to normal": Case(
        QuantileTransformer(n_quantiles=20, output_distribution="normal"), SPARSE
    ),
    "PowerTransformer": Case(PowerTransformer()),
    "PowerTransformer alone": Case(PowerTransformer("box-cox", standardize=False), np.exp(NUMBERS)),
    "KBinsDiscretizer": Case(KBinsDiscretizer(4)),
    "KBinsDiscretizer, dense": Case(
        KBinsDiscretizer([2, 3, 4], encode="onehot-dense", strategy="uniform", dtype=np.float32)
    ),
    "KBinsDiscretizer, ordinal": Case(KBinsDiscretizer(3, encode="ordinal", strategy="kmeans")),
    "PolynomialFeatures": Case(PolynomialFeatures((1, 3), interaction_only=True)),
    "PolynomialFeatures of sparse rows": Case(PolynomialFeatures(2, include_bias=False), SPARSE),
    "SplineTransformer": Case(SplineTransformer(4, 2)),
    "SplineTransformer, periodic": Case(
        SplineTransformer(knots=[[-3] * 3, [0] * 3, [1] * 3, [3] * 3, [4] * 3]).set_params(
            extrapolation="periodic", include_bias=False
        )
    ),
    "SplineTransformer, sparse": Case(
        SplineTransformer(sparse_output=True, extrapolation="linear")
    ),
    "SimpleImputer": Case(SimpleImputer(), GAPS),
    "SimpleImputer of float32": Case(SimpleImputer(strategy="median"), GAPS.astype(np.float32)),
    "SimpleImputer, constant": Case(SimpleImputer(strategy="constant", fill_value=-1.5), GAPS),
    "SimpleImputer with indicator": Case(SimpleImputer(add_indicator=True), GAPS),
    "SimpleImputer of zeros": Case(SimpleImputer(missing_values=0), np.round(NUMBERS)),
    "SimpleImputer of integers": Case(
        SimpleImputer(missing_values=0, strategy="most_frequent"), np.round(NUMBERS).astype(int)
    ),
    "MissingIndicator": Case(MissingIndicator(features="all"), GAPS),
    "TargetEncoder": Case(TargetEncoder(random_state=0), TEXT),
    "TargetEncoder of numbers": Case(TargetEncoder(smooth=2.0, random_state=0), MANY[:N] % 5),
    "OneHotEncoder": Case(OneHotEncoder(), TEXT),
    "OneHotEncoder of integers": Case(
        OneHotEncoder(dtype=np.float32), np.round(NUMBERS).astype(int)
    ),
    "OneHotEncoder of floats": Case(OneHotEncoder(sparse_output=False), np.round(GAPS)),
    "OneHotEncoder, first dropped": Case(OneHotEncoder(drop="first"), HOLES),
    "OneHotEncoder, binary dropped": Case(
        OneHotEncoder(drop="if_binary", handle_unknown="ignore"), TEXT
    ),
    "OneHotEncoder, named dropped": Case(OneHotEncoder(drop=["t1", "bü"]), TEXT),
    "OneHotEncoder of NaN": Case(OneHotEncoder(categories="auto", handle_unknown="ignore"), NANS),
    "OneHotEncoder, categories given": Case(
        OneHotEncoder(categories=[["t3", "t2", "t1", "t0"], ["bü", "aü"]]), TEXT
    ),
    "OneHotEncoder, infrequent": Case(
        OneHotEncoder(min_frequency=0.2, handle_unknown="infrequent_if_exist", drop="first"), RARE
    ),
    "OneHotEncoder, at most": Case(OneHotEncoder(max_categories=2, drop=["common"]), RARE),
    "OneHotEncoder of many": Case(OneHotEncoder(), MANY),
    "OneHotEncoder of much text": Case(OneHotEncoder(), MANY_TEXT),
    "OrdinalEncoder": Case(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=int), TEXT
    ),
    "OrdinalEncoder of NaN": Case(OrdinalEncoder(encoded_missing_value=-2), NANS),
    "OrdinalEncoder of float32": Case(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.int64(-1)),
        np.round(GAPS).astype(np.float32),
    ),
    "OrdinalEncoder, infrequent": Case(OrdinalEncoder(min_frequency=10), RARE),
    "TabularEncoder": Case(TabularEncoder(max_one_hot=None), FRAME),
    "TabularEncoder with codes": Case(TabularEncoder(max_one_hot=2, min_frequency=1), HOLES),
    "TabularEncoder of roles": Case(
        TabularEncoder(feature_roles={0: "drop", 1: "categorical"}, smooth_clip=False), MANY[:N]
    ),
    "TabularEncoder of sparse rows": Case(TabularEncoder(), SPARSE),
    "PCA": Case(PCA(2, whiten=True, random_state=0)),
    "PCA of float32": Case(PCA(0.8, svd_solver="full"), NUMBERS.astype(np.float32)),
    "TruncatedSVD": Case(TruncatedSVD(2, random_state=np.random.RandomState(3)), SPARSE),
    "VarianceThreshold": Case(VarianceThreshold(0.9)),
    "SelectKBest": Case(SelectKBest(k=2)),
    "SelectKBest, all": Case(SelectKBest(f_classif, k="all")),
    "FunctionTransformer": Case(FunctionTransformer(feature_names_out="one-to-one")),
    "FrozenEstimator": Case(FrozenEstimator(StandardScaler().fit(NUMBERS))),
    "FeatureUnion": Case(
        FeatureUnion(
            [("a", PCA(1)), ("b", "passthrough"), ("c", "drop"), ("d", StandardScaler())],
            transformer_weights={"a": 2.0},
        )
    ),
    "Pipeline": Case(make_pipeline(SimpleImputer(), make_pipeline(PCA(2), StandardScaler())), GAPS),
    "Pipeline of words": Case(Pipeline([("a", None), ("b", "passthrough"), ("c", PCA(1))])),
    "ColumnTransformer by name": Case(
        ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
                ("words", OneHotEncoder(handle_unknown="ignore"), ["city", "size"]),
                ("again", StandardScaler(), slice("income", "income")),
            ]
        ),
        FRAME,
    ),
    "ColumnTransformer by number": Case(
        ColumnTransformer(
            [("a", StandardScaler(), [0, -1]), ("b", "drop", [1]), ("c", MinMaxScaler(), slice(2))]
        )
    ),
    "ColumnTransformer by mask": Case(
        ColumnTransformer(
            [("a", StandardScaler(), np.array([True, False, False]))], remainder=MinMaxScaler()
        )
    ),
    "ColumnTransformer by type": Case(
        make_column_transformer(
            (
                make_pipeline(SimpleImputer(), RobustScaler()),
                make_column_selector(dtype_include=float),
            ),
            (OneHotEncoder(sparse_output=False), make_column_selector(dtype_exclude=float)),
            verbose_feature_names_out=False,
        ),
        FRAME,
    ),
    "ColumnTransformer that passes on": Case(
        ColumnTransformer(
            [("a", "passthrough", ["income"]), ("b", OrdinalEncoder(), ["city", "size"])],
            remainder="drop",
        ),
        FRAME,
    ),
    "ColumnTransformer of one column": Case(
        ColumnTransformer(
            [("a", "drop", "city"), ("b", "drop", "size")], remainder=SimpleImputer()
        ),
        FRAME,
    ),
}


def fitted(step, X):
    """Return a fitted pipeline of a step and a perceptron, which fills the gaps that are left."""
    steps = [("step", step), ("fill", SimpleImputer()), ("net", Perceptron(max_iter=2))]
    if not np.isnan(_dense(step.fit(X, target(X)).transform(X))).any():
        del steps[1]
    return Pipeline(steps).fit(X, target(X))


@cache
def fitted_case(name):
    """Return the fitted pipeline of a case, the same for all tests: copy it before a change."""
    return fitted(*CASES[name])


def target(X):
    return np.arange(X.shape[0]) % 3


def _dense(X):
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)


def same(ours, theirs):
    if sparse.issparse(ours):
        assert ours.dtype == theirs.dtype
        ours, theirs = ours.toarray(), theirs.toarray()
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), strict=True)
