"""The estimators inside scikit-learn's own: pipelines, ensembles, several targets.

Wherever it can be said, what comes out is what a direct fit gives, to the bit: these estimators
are clones with the same seed. The others must learn the data.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale
from sklearn.semi_supervised import SelfTrainingClassifier

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# The same few shapes all over: each one is a program to compile.
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "batch_size": 32,
    "learning_rate_init": 0.02,
    "max_iter": 30,
    "random_state": 0,
}
RAW_IRIS = load_iris(as_frame=True).data
IRIS, SPECIES = StandardScaler().fit_transform(RAW_IRIS.to_numpy()), load_iris().target
CELLS, MALIGN = (part[:200] for part in load_breast_cancer(return_X_y=True))
CELLS = scale(CELLS)
DIABETES, PROGRESSION = load_diabetes(return_X_y=True, scaled=False)
DIABETES, GRADE = scale(DIABETES), scale(PROGRESSION)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def classifier(**arguments):
    return MLPClassifier(**SETTINGS | arguments)


def regressor(**arguments):
    return MLPRegressor(**SETTINGS | arguments)


def assert_same(mine, theirs):
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


# Pipelines ----------------------------------------------------------------------------------------


def test_pipeline():
    pipe = make_pipeline(StandardScaler(), classifier()).fit(RAW_IRIS, SPECIES)
    assert pipe.score(RAW_IRIS, SPECIES) > 0.95
    assert_same(pipe.predict_proba(RAW_IRIS), classifier().fit(IRIS, SPECIES).predict_proba(IRIS))
    assert_same(pipe.classes_, [0, 1, 2])
    assert_same(pipe.feature_names_in_, RAW_IRIS.columns)


def test_column_transformer_of_numbers_and_words():
    """The word alone tells the class."""
    rng = np.random.default_rng(0)
    word = rng.choice(["ant", "bee", "cat"], 150)
    table = pd.DataFrame({"a": rng.normal(size=150), "b": rng.normal(size=150), "word": word})
    columns = make_column_transformer(
        (StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["word"]), sparse_threshold=0.9
    )
    pipe = make_pipeline(columns, classifier()).fit(table[:100], word[:100])
    assert pipe.score(table[100:], word[100:]) > 0.95
    shuffled = table[["word", "b", "a"]]
    assert_same(pipe.predict_proba(shuffled), pipe.predict_proba(table))


def test_first_step_of_a_pipeline():
    """What the hidden units say is what a linear model learns from."""
    pipe = make_pipeline(classifier(), LogisticRegression()).set_output(transform="pandas")
    frame = pd.DataFrame(IRIS, columns=RAW_IRIS.columns, index=np.arange(150) * 2)
    pipe.fit(frame, SPECIES)
    network = classifier().fit(IRIS, SPECIES)
    hidden = pipe[:1].transform(frame)
    assert_same(hidden, network.transform(IRIS))
    expected = np.maximum(IRIS @ network.coefs_[0] + network.intercepts_[0], 0)
    np.testing.assert_allclose(hidden, expected, rtol=1e-4, atol=1e-5)
    names = [f"mlpclassifier{i}" for i in range(8)]
    assert list(hidden.columns) == list(pipe[:1].get_feature_names_out()) == names
    assert_same(hidden.index, frame.index)
    assert_same(pipe[-1].feature_names_in_, names)
    assert pipe.score(frame, SPECIES) > 0.95


def test_hidden_units_of_a_regressor():
    pipe = make_pipeline(regressor(), Ridge()).fit(DIABETES, GRADE)
    assert pipe[:1].transform(DIABETES).shape == (442, 8)
    assert pipe.score(DIABETES, GRADE) > 0.4


def test_transformed_target():
    raw = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    raw.fit(DIABETES, PROGRESSION)
    direct = regressor().fit(DIABETES, GRADE).predict(DIABETES)
    expected = direct * PROGRESSION.std() + PROGRESSION.mean()
    np.testing.assert_allclose(raw.predict(DIABETES), expected, rtol=1e-5)
    assert raw.score(DIABETES, PROGRESSION) > 0.4


# Ensembles ----------------------------------------------------------------------------------------


def test_voting():
    members = [("a", classifier()), ("b", classifier(random_state=1))]
    vote = VotingClassifier(members, voting="soft").fit(IRIS, SPECIES)
    direct = [clone(clf).fit(IRIS, SPECIES).predict_proba(IRIS) for _, clf in members]
    assert_same(vote.predict_proba(IRIS), np.average(direct, axis=0))
    members = [("a", regressor()), ("b", regressor(random_state=1))]
    vote = VotingRegressor(members).fit(DIABETES, GRADE)
    direct = [clone(reg).fit(DIABETES, GRADE).predict(DIABETES) for _, reg in members]
    assert_same(vote.predict(DIABETES), np.average(direct, axis=0))


def test_stacking():
    stack = StackingClassifier([("network", classifier())], LogisticRegression(), cv=FOLDS)
    stack.fit(IRIS, SPECIES)
    assert_same(stack.transform(IRIS), classifier().fit(IRIS, SPECIES).predict_proba(IRIS))
    assert stack.score(IRIS, SPECIES) > 0.95
    stack = StackingRegressor([("network", regressor())], Ridge(), cv=3).fit(DIABETES, GRADE)
    direct = regressor().fit(DIABETES, GRADE).predict(DIABETES)
    assert_same(stack.transform(DIABETES)[:, 0], direct)
    assert stack.score(DIABETES, GRADE) > 0.4


def test_bagging():
    bag = BaggingClassifier(classifier(), n_estimators=3, random_state=0)
    assert bag.fit(IRIS, SPECIES).score(IRIS, SPECIES) > 0.95
    bag = BaggingRegressor(regressor(), n_estimators=3, random_state=0)
    bag.fit(DIABETES, GRADE)
    assert bag.score(DIABETES, GRADE) > 0.4
    first, second, _ = (member.predict(DIABETES) for member in bag.estimators_)
    assert (first != second).any()  # of other rows and another seed


def test_boosting_weighs_its_samples():
    # Hardly trained, so that there are mistakes to weigh.
    weak = classifier(max_iter=2)
    boosted = AdaBoostClassifier(weak, n_estimators=5, random_state=0).fit(IRIS, SPECIES)
    assert len(boosted.estimators_) == 5
    assert boosted.score(IRIS, SPECIES) > weak.fit(IRIS, SPECIES).score(IRIS, SPECIES) + 0.02
    first, second = boosted.estimators_[:2]
    wrong = first.predict(IRIS) != SPECIES
    weight = np.where(wrong, np.exp(boosted.estimator_weights_[0]), 1)
    direct = clone(second).fit(IRIS, SPECIES, sample_weight=weight / weight.sum())
    np.testing.assert_allclose(direct.coefs_[0], second.coefs_[0], rtol=1e-4, atol=1e-5)
    boosted = AdaBoostRegressor(regressor(), n_estimators=3, random_state=0)
    assert boosted.fit(DIABETES, GRADE).score(DIABETES, GRADE) > 0.4


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    clf = CalibratedClassifierCV(classifier(), method=method, cv=FOLDS).fit(CELLS, MALIGN)
    p = clf.predict_proba(CELLS)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert np.mean((p[:, 1] - MALIGN) ** 2) < 0.05
    train, _ = next(FOLDS.split(CELLS, MALIGN))
    direct = classifier().fit(CELLS[train], MALIGN[train])
    assert_same(clf.calibrated_classifiers_[0].estimator.coefs_[0], direct.coefs_[0])


# Several targets ----------------------------------------------------------------------------------


def test_one_versus_rest():
    several = OneVsRestClassifier(classifier()).fit(IRIS, SPECIES)
    p = [classifier().fit(IRIS, k == SPECIES).predict_proba(IRIS)[:, 1] for k in range(3)]
    expected = np.transpose(p) / np.sum(p, axis=0)[:, None]
    np.testing.assert_allclose(several.predict_proba(IRIS), expected, rtol=1e-5)
    assert several.score(IRIS, SPECIES) > 0.9


def test_one_estimator_per_target():
    Y = np.column_stack([SPECIES, IRIS[:, 0] > 0])
    several = MultiOutputClassifier(classifier()).fit(IRIS, Y)
    for j in range(2):
        direct = classifier().fit(IRIS, Y[:, j])
        assert_same(several.predict_proba(IRIS)[j], direct.predict_proba(IRIS))
    Y = np.column_stack([GRADE, DIABETES[:, 2]])
    several = MultiOutputRegressor(regressor()).fit(DIABETES, Y)
    direct = [regressor().fit(DIABETES, y).predict(DIABETES) for y in Y.T]
    assert_same(several.predict(DIABETES), np.transpose(direct))


def test_chains():
    Y = np.column_stack([SPECIES == 1, SPECIES != 2]).astype(int)
    assert ClassifierChain(classifier()).fit(IRIS, Y).score(IRIS, Y) > 0.9
    Y = np.column_stack([GRADE, GRADE + DIABETES[:, 2]])
    assert RegressorChain(regressor()).fit(DIABETES, Y).score(DIABETES, Y) > 0.4


def test_self_training():
    known = np.arange(150) % 3 == 0
    own = SelfTrainingClassifier(classifier(), max_iter=3)
    own.fit(IRIS, np.where(known, SPECIES, -1))
    assert (own.labeled_iter_ > 0).sum() > 30  # rows whose labels it found itself
    assert own.score(IRIS[~known], SPECIES[~known]) > 0.8
