"""What the weighted losses of a batch are divided by: rare heavy rows count for what they weigh."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from multilayer import MLPClassifier, MLPRegressor
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.pytrees import leaves
from multilayer._sklearn.fit.assembly import prepare
from multilayer._sklearn.fit.start import start_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS, BATCH = 120, 10
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 3))
RARE = (np.arange(N_ROWS) % 40 == 7).astype(int)  # 3 rows, of 12 batches 3 have one
THREE = RNG.integers(3, size=N_ROWS) * (1 - RARE) + 3 * RARE
SKEWED = np.where(RARE, 30.0, RNG.uniform(0, 1, N_ROWS))
SKEWED[::9] = 0
NUMBERS = X[:, :1] + RNG.normal(size=(N_ROWS, 2))

# An estimator's class and arguments, targets, sample weights.
CASES = {
    "two classes": (MLPClassifier, {"class_weight": "balanced"}, RARE, None),
    "classes": (MLPClassifier, {"class_weight": {3: 40.0, 0: 0.5, 1: 0.0}}, THREE, None),
    "labels": (
        MLPClassifier,
        {"class_weight": [{1: 50.0}, {0: 0.2}]},
        np.column_stack([RARE, THREE == 1]).astype(int),
        None,
    ),
    "columns of classes": (
        MLPClassifier,
        {"class_weight": "balanced"},
        np.column_stack([RARE, THREE]),
        None,
    ),
    "samples": (MLPClassifier, {"weight_normalization": "data"}, THREE, SKEWED),
    "samples and classes": (
        MLPClassifier,
        {"weight_normalization": "data", "class_weight": "balanced"},
        THREE,
        SKEWED,
    ),
    "numbers": (MLPRegressor, {"weight_normalization": "data"}, NUMBERS[:, 0], SKEWED),
    "columns of numbers": (MLPRegressor, {"weight_normalization": "data"}, NUMBERS, SKEWED),
}


def estimator(cls, **arguments):
    return cls(hidden_layer_sizes=(), random_state=0, **arguments)


def gradients(model, X, y, weight):
    """Return the gradients of the batches of an epoch, all at the first parameters."""
    resolved = model._check_parameters()
    samples, objective = model._samples(X, y, weight, first=True)
    start = start_of(model, resolved, samples, objective, again=False)
    _, training = prepare(model, resolved, start, objective, samples, None)
    config, hyper, params = training.config, training.hyper, training.state.params
    gradient = training.maker.batch_gradient
    return [
        np.concatenate([np.ravel(leaf) for leaf in leaves(slopes)])
        for slopes in (
            gradient(config, hyper, params, training.source.window(step), step)
            for step in range(training.source.steps_per_epoch)
        )
    ]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_the_mean_gradient_of_an_epoch_is_that_of_all_rows(case):
    cls, arguments, y, weight = case
    few = gradients(estimator(cls, alpha=0, batch_size=BATCH, **arguments), X, y, weight)
    (whole,) = gradients(estimator(cls, alpha=0, batch_size=N_ROWS, **arguments), X, y, weight)
    assert len(few) == N_ROWS // BATCH
    assert_allclose(np.mean(few, axis=0), whole, rtol=1e-4, atol=1e-6)
    assert np.std(few, axis=0).max() > 0.1 * np.abs(whole).max()


def test_the_default_follows_scikit_learn():
    """Its rule divides by the weights of the batch: under it the mean above is another."""
    y = NUMBERS[:, 0]
    few = gradients(estimator(MLPRegressor, alpha=0, batch_size=BATCH), X, y, SKEWED)
    (whole,) = gradients(estimator(MLPRegressor, alpha=0, batch_size=N_ROWS), X, y, SKEWED)
    assert np.abs(np.mean(few, axis=0) - whole).max() > 0.1 * np.abs(whole).max()


def test_the_penalty_is_the_same_in_every_batch():
    cls, arguments, y, weight = CASES["samples and classes"]
    with_and_without = (
        gradients(estimator(cls, alpha=alpha, batch_size=BATCH, **arguments), X, y, weight)
        for alpha in (50.0, 0.0)
    )
    penalties = np.subtract(*with_and_without)
    assert np.abs(penalties[0]).max() > 0.1
    assert_allclose(penalties, penalties[:1].repeat(len(penalties), axis=0), atol=2e-5)


def test_the_reported_loss_is_that_of_all_rows():
    cls, arguments, y, weight = CASES["samples and classes"]
    still = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-12, "max_iter": 1}
    losses = [
        estimator(cls, alpha=0, batch_size=size, **still, **arguments).fit(X, y, weight).loss_
        for size in (BATCH, N_ROWS)
    ]
    assert_allclose(*losses, rtol=1e-5)


def test_several_batches_to_an_update_are_one_batch():
    cls, arguments, y, weight = CASES["samples and classes"]
    settings = {"alpha": 5.0, "max_iter": 3, "shuffle": False, "learning_rate_init": 0.02}
    several = estimator(cls, batch_size=BATCH, accumulate_steps=12, **settings, **arguments)
    one = estimator(cls, batch_size=N_ROWS, **settings, **arguments)
    for model in (several, one):
        model.fit(X, y, weight)
    assert_allclose(several.loss_curve_, one.loss_curve_, rtol=1e-5)
    for a, b in zip(several.coefs_, one.coefs_, strict=True):
        assert_allclose(a, b, atol=2e-5)


def test_streamed_rows_are_weighed_alike():
    cls, arguments, y, _ = CASES["two classes"]
    model = estimator(cls, batch_size=BATCH, max_iter=2, **arguments)
    dense = model.fit(X, y).coefs_[0]
    assert_allclose(model.fit(sparse.csr_matrix(X), y).coefs_[0], dense, atol=1e-6)


def test_weights_of_one_change_nothing():
    plain = estimator(MLPClassifier, batch_size=BATCH, max_iter=3).fit(X, THREE)
    for arguments in ({"weight_normalization": "data"}, {"class_weight": {0: 1.0}}):
        same = estimator(MLPClassifier, batch_size=BATCH, max_iter=3, **arguments).fit(X, THREE)
        assert_allclose(same.coefs_[0], plain.coefs_[0], atol=1e-6)


def test_values_of_weights_compile_nothing():
    from multilayer._engine.xla.cache import PROGRAMS

    for weight in (3.0, 7.0):
        model = estimator(MLPClassifier, batch_size=BATCH, max_iter=2, class_weight={3: weight})
        before = PROGRAMS.n_compiled
        model.fit(X, THREE)
    assert PROGRAMS.n_compiled == before


def test_rare_classes_are_found_at_every_batch_size():
    """By the weights of the batch the recall was 0.15 at 200 rows and 0 at 50."""
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.002).astype(int)
    inputs = (rng.normal(size=(len(y), 1)) + y[:, None]).astype(np.float32)
    for size, rate, epochs in ((len(y), 0.1, 60), (200, 0.01, 8), (50, 0.003, 8)):
        clf = MLPClassifier(
            (),
            class_weight="balanced",
            learning_rate_init=rate,
            max_iter=epochs,
            batch_size=size,
            random_state=0,
        )
        predicted = clf.fit(inputs, y).predict(inputs)
        recalls = [np.mean(predicted[y == label] == label) for label in (1, 0)]
        assert min(recalls) > 0.6, (size, recalls)


def test_partial_fit_divides_by_what_it_has_seen():
    """Chunks are batches: by their own weights the class of 1 % would be lost."""
    rng = np.random.default_rng(0)
    y = (rng.random(6000) < 0.01).astype(int)
    inputs = (rng.normal(size=(len(y), 1)) + 2 * y[:, None]).astype(np.float32)
    clf = MLPClassifier((), class_weight={1: 99.0}, learning_rate_init=0.02, random_state=0)
    for chunk in np.arange(len(y)).reshape(-1, 50).repeat(2, axis=0):
        clf.partial_fit(inputs[chunk], y[chunk], classes=[0, 1])
    predicted = clf.predict(inputs)
    assert np.mean(predicted[y == 1]) > 0.6
    assert np.mean(predicted[y == 0]) < 0.4
    assert_array_equal(clf._seen.n_rows, 2 * len(y))


def test_other_rules_are_refused():
    with pytest.raises(InvalidArgumentError, match="weight_normalization must be one of"):
        estimator(MLPClassifier, weight_normalization="rows").fit(X, RARE)
