"""The recipes of RealMLP and TabM: constants, a step of each, and the choice of the epoch."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor
from multilayer._core.pytrees import leaves, map_leaves, named_leaves, with_leaves
from multilayer._data.encoding import TableLayout
from multilayer._engine import engines, loop
from multilayer._engine.native import coverage
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import robust_scaling
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import Members, batch_ensemble, shared
from multilayer._nn.model import Factor, Fixed
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import linear, ntk_dense, scaling
from multilayer._sklearn.reference.held_out import HeldOut, SplitTargets, splits_of
from multilayer._sklearn.reference.recipes import (
    RealMLPNetwork,
    ReferenceRecipe,
    TabMNetwork,
    learning_rates,
)
from multilayer._sklearn.reference.reference_training import assemble, config_of
from multilayer._sklearn.tabular.ensemble import EncodedRows, Targets

LAYOUT = TableLayout(n_numeric=3, n_flags=2, cardinalities=(12,))
FLAGS = TableLayout(n_numeric=3, n_flags=2, cardinalities=())


def encoded(layout, n=40, *, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = np.concatenate(
        [
            rng.normal(size=(n, layout.n_numeric)),
            rng.integers(0, 2, (n, layout.n_flags)),
            *(rng.integers(0, size, (n, 1)) for size in layout.cardinalities),
        ],
        axis=1,
    ).astype(np.float32)
    if classes:
        y = rng.integers(0, classes, n).astype(np.int32)
        return EncodedRows(X, layout, y, np.ones(n, np.float32), classes)
    y = rng.normal(size=(n, 1)).astype(np.float32)
    return EncodedRows(X, layout, y, np.ones(n, np.float32), 1)


# The constants ------------------------------------------------------------------------------------


def test_realmlp_td_has_the_published_layers():
    recipe = RealMLPClassifier()._recipe(encoded(LAYOUT))
    hidden = (ntk_dense(256), parametric("selu"), scheduled_dropout(0.15))
    assert recipe.network.layers(LAYOUT, 3) == (
        robust_scaling(5),
        category_embedding((12,), 8),
        periodic_embedding(3, n_frequencies=16, size=3, sigma=0.1, rate=0.1),
        scaling(rate=6.0),
        *hidden * 3,
        ntk_dense(3),
    )
    numbers = RealMLPRegressor()._recipe(encoded(LAYOUT, classes=0))
    assert parametric("mish") in numbers.network.layers(LAYOUT, 1)
    assert (recipe.learning_rate, numbers.learning_rate) == (0.04, 0.2)
    assert (recipe.label_smoothing, numbers.label_smoothing) == (0.1, 0.0)
    for each in (recipe, numbers):
        assert (each.weight_decay, each.beta_2, each.batch_size) == (0.02, 0.95, 256)
        assert (each.max_iter, each.n_splits, each.n_members, each.n_refits) == (256, 1, 1, 0)
        assert each.cycles
        assert each.annealed
        assert each.whole_batches
        assert each.latest_best
        assert each.patience is None


def test_realmlp_td_s_has_the_published_layers():
    recipe = RealMLPClassifier(variant="TD-S")._recipe(encoded(FLAGS))
    hidden = (ntk_dense(256, initial="normal"), activate("selu"))
    assert recipe.network.layers(FLAGS, 3) == (
        robust_scaling(5),
        scaling(rate=6.0),
        *hidden * 3,
        ntk_dense(3, initial="zeros"),
    )
    numbers = RealMLPRegressor(variant="TD-S")._recipe(encoded(FLAGS, classes=0))
    assert (recipe.learning_rate, numbers.learning_rate) == (0.04, 0.07)
    assert recipe.weight_decay == numbers.weight_decay == 0


def test_tabm_has_the_published_layers():
    recipe = TabMClassifier()._recipe(encoded(FLAGS))
    relu = (activate("relu"), scheduled_dropout(0.1, shared_mask=False))
    assert recipe.network.layers(FLAGS, 3) == (
        shared(quantile_scaling(3, 10)),
        shared(piecewise_linear_embedding(3, 48, 16)),
        batch_ensemble(512, "normal", (16, 16, 16, 1, 1)),
        *relu,
        batch_ensemble(512),
        *relu,
        linear(3),
    )
    assert (recipe.n_members, recipe.patience, recipe.latest_best) == (32, 16, False)
    assert (recipe.learning_rate, recipe.weight_decay, recipe.beta_2) == (2e-3, 3e-4, 0.999)
    assert (recipe.cycles, recipe.annealed, recipe.whole_batches) == (False, False, False)
    plain = TabMRegressor(numeric_embedding=None)._recipe(encoded(FLAGS, classes=0))
    first = plain.network.layers(FLAGS, 1)[1]
    assert first == batch_ensemble(512, "random_signs", (1, 1, 1, 1, 1))
    assert plain.network.widths == (512, 512, 512)


def test_tabm_has_a_quantile_for_30_rows_and_one_first_scale_for_a_category():
    layout = replace(FLAGS, n_flags=5, flag_groups=(1, 4))
    rows, many = encoded(layout), encoded(layout, 1000)
    few, more = (TabMClassifier(numeric_embedding=None)._recipe(each) for each in (rows, many))
    assert [each.network.n_quantiles for each in (few, more)] == [10, 26]  # 800 rows are trained on
    robust = TabMClassifier(numeric_embedding=None, numeric_scaling="robust")._recipe(rows)
    first, dense, *_ = robust.network.layers(layout, 3)
    assert first == shared(robust_scaling(3))
    assert dense == batch_ensemble(512, "random_signs", (1, 1, 1, 1, 4))
    params = dense.init_members(np.random.default_rng(0), rows.X, 32)
    signs = params.scale_in
    assert_array_equal(signs[:, 4:], np.repeat(signs[:, 4:5], 4, axis=1))
    assert (signs[:, 3] != signs[:, 4]).any()


def test_tabm_mini_has_one_adapter():
    recipe = TabMClassifier(variant="TabM-mini", dropout=0, batch_size="auto")._recipe(
        encoded(LAYOUT)
    )
    assert recipe.network.layers(LAYOUT, 2) == (
        shared(quantile_scaling(3, 10)),
        shared(category_embedding((12,), 8)),
        shared(piecewise_linear_embedding(3, 48, 16)),
        scaling(rate=1.0, initial="normal", groups=(16, 16, 16, 1, 1, 8)),
        shared(linear(512)),
        activate("relu"),
        shared(linear(512)),
        activate("relu"),
        linear(2),
    )
    assert recipe.batch_size == 32


def test_the_learning_rate_goes_through_four_cycles():
    recipe = RealMLPRegressor()._recipe(encoded(LAYOUT, classes=0))
    steps = np.arange(150)
    t = steps / 150
    expected = 0.2 * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
    found = learning_rates(recipe, steps, 150)
    assert_allclose(found, expected)
    assert_allclose(found[[0, 10, 30, 70]], 0, atol=1e-12)


# One step against float64 -------------------------------------------------------------------------

REALMLP = RealMLPNetwork((4, 3), "mish", True, True, 0.0, True)
TABM = TabMNetwork((4, 3), False, True, 3, 2, 0.0, n_quantiles=5)
ROBUST = replace(TABM, n_quantiles=None)
MINI = replace(ROBUST, mini=True)
SMALL = TableLayout(n_numeric=2, n_flags=1, cardinalities=(4,))
NUMBERS = TableLayout(n_numeric=2, n_flags=1, cardinalities=())
OF_REALMLP = {"cycles": True, "annealed": True, "learning_rate": 0.04}
OF_TABM = {"n_members": 2, "learning_rate": 2e-3, "beta_2": 0.999}
CASES = {
    "realmlp-classes": (REALMLP, SMALL, 3, OF_REALMLP | {"label_smoothing": 0.1}),
    "realmlp-numbers": (REALMLP, NUMBERS, 0, OF_REALMLP),
    "tabm-classes": (TABM, SMALL, 3, OF_TABM),
    "tabm-numbers": (ROBUST, NUMBERS, 0, OF_TABM | {"clip_norm": 0.05}),
    "tabm-mini": (MINI, NUMBERS, 2, OF_TABM),
}


def make_recipe(network, **changed):
    numbers = {"learning_rate": 0.1, "weight_decay": 0.3, "batch_size": 8, "max_iter": 2}
    common = {"beta_2": 0.95, "validation_fraction": 0.2}
    return ReferenceRecipe(network=network, **(numbers | common | changed))


def mean_loss(network, params, rows, line, smoothing):
    """The loss of a batch in float64."""
    raw = network.apply(params, rows.X[line].astype(np.float64))
    if not rows.classification:
        return np.square(raw - rows.y[line]).mean()
    logs = raw - np.log(np.exp(raw - raw.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
    logs -= raw.max(axis=1, keepdims=True)
    target = np.eye(rows.n_outputs)[rows.y[line]] * (1 - smoothing) + smoothing / rows.n_outputs
    return -(target * logs).sum(axis=1).mean()


def slopes(function, params):
    """Central differences of a function of a tree of float64 arrays, 0 for fixed ones."""
    found = []
    for path, leaf in named_leaves(params):
        slope = np.zeros_like(leaf)
        for place in np.ndindex(*leaf.shape) if "value" not in path else ():
            before = leaf[place]
            leaf[place] = before + 1e-6
            above = function(params)
            leaf[place] = before - 1e-6
            slope[place] = (above - function(params)) / 2e-6
            leaf[place] = before
        found.append(slope)
    return with_leaves(params, found)


def adam(params, gradient, state, t, *, rate, beta_2, decay, factors):
    """One step of Adam with decoupled decay, in place."""
    for number, (p, g, f) in enumerate(zip(leaves(params), leaves(gradient), factors, strict=True)):
        if f is None:  # fixed
            continue
        m, v = state.setdefault(number, (np.zeros_like(p), np.zeros_like(p)))
        m[...] = 0.9 * m + 0.1 * g
        v[...] = beta_2 * v + (1 - beta_2) * g**2
        step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - beta_2**t)) + 1e-8)
        p -= rate * f.rate * step + decay * rate * f.rate * f.decay * p


def whole_factors(network, params):
    """Factors, one for each array; None for fixed ones."""
    found = []
    for layer, own in zip(network.layers, params, strict=True):
        factors = layer.factors(own) if hasattr(layer, "factors") else None
        for path, _ in named_leaves(own):
            node = Factor() if factors is None else factors
            if factors is not None:
                for part in path.split("/"):
                    node = getattr(node, part) if hasattr(node, part) else node[int(part)]
            found.append(None if "value" in path or isinstance(node, Fixed) else node)
    return found


@pytest.mark.parametrize("engine", engines.NAMES)
@pytest.mark.parametrize("case", CASES)
def test_steps_are_those_of_float64(case, engine):
    shape, layout, classes, changed = CASES[case]
    recipe = make_recipe(shape, **changed)
    rows = encoded(layout, 8, classes=classes)
    network = Members(shape.layers(layout, rows.n_outputs), recipe.n_members)
    members = [np.arange(8)] * recipe.n_members
    if engine == engines.NATIVE and coverage.uncovered(config_of(recipe, rows, network)):
        pytest.skip("XLA computes it")
    training = assemble(recipe, rows, members, network, 0, None, engines.load(engine))
    params = map_leaves(lambda leaf: np.asarray(leaf, np.float64), training.network)
    factors, state = whole_factors(network, params), {}
    clear = map_leaves(lambda leaf: np.ones(leaf.shape, bool), params)
    # The first step of RealMLP's schedule has a rate of 0, but moves Adam's means.
    rates = learning_rates(recipe, np.arange(2), 2)
    for t in range(2):
        window = training.source.window(t)
        line = window.order[t - window.first]
        gradient = slopes(
            lambda p, line=line: mean_loss(network, p, rows, line, recipe.label_smoothing), params
        )
        # Adam divides a slope by its size: that of one near 0 is mostly the rounding of float32.
        largest = max(np.abs(slope).max() for slope in leaves(gradient))
        for some, slope in zip(leaves(clear), leaves(gradient), strict=True):
            some &= np.abs(slope) > 2e-3 * largest
        if recipe.clip_norm:
            norm = np.sqrt(sum(np.square(leaf).sum() for leaf in leaves(gradient)))
            gradient = map_leaves(lambda leaf, n=norm: leaf * min(1, 0.05 / n), gradient)
        strength = 1.0 if t / 2 <= 0.5 else 0.5 * (1 + np.cos(np.pi * (2 * t / 2 - 1)))
        decay = recipe.weight_decay * (strength if recipe.annealed else 1.0)
        numbers = {"rate": rates[t], "beta_2": recipe.beta_2, "decay": decay}
        adam(params, gradient, state, t + 1, factors=factors, **numbers)
    loop.train(training, 2)
    for (path, ours), theirs, some in zip(
        named_leaves(training.network), leaves(params), leaves(clear), strict=True
    ):
        ours = np.asarray(ours)
        assert_allclose(ours[some], theirs[some], rtol=1e-5, atol=1e-5, err_msg=path)
        assert_allclose(ours, theirs, rtol=1e-5, atol=0.1 * recipe.learning_rate, err_msg=path)
    n_clear = sum(some.sum() for some in leaves(clear))
    assert n_clear > 0.5 * sum(
        leaf.size for leaf, factor in zip(leaves(params), factors, strict=True) if factor
    )


# The choice of the epoch --------------------------------------------------------------------------


def judge_of(recipe, tables, targets, scorer=None):
    """A judge that is given one table of predictions after another."""
    sequence = iter(tables)
    return HeldOut(recipe, [SplitTargets(targets, scorer)], lambda params: [next(sequence)])


def logits(*right):
    """Raw outputs for two classes, right or wrong."""
    return np.array([[0.0, 2.0] if each else [2.0, 0.0] for each in right])


@pytest.mark.parametrize(("latest", "expected"), [(True, 2), (False, 1)])
def test_of_equally_good_epochs_the_last_or_the_first(latest, expected):
    targets = Targets(np.array([1, 1]), np.ones(2), classification=True)
    recipe = make_recipe(REALMLP, latest_best=latest)
    tables = [logits(0, 1), logits(1, 1), logits(1, 1), logits(1, 0)]
    judge = judge_of(recipe, tables, targets)
    for number in range(4):
        judge.judge(None, {"w": np.full((1, 2), number)})
        assert judge.on_epoch_end({}) is None
    assert judge.best_epochs == (expected,)
    assert_array_equal(judge.stored.params["w"], np.full((1, 2), expected))


def test_patience_ends_training():
    targets = Targets(np.array([[1.0]]), np.ones(1), classification=False)
    recipe = make_recipe(TABM, patience=2, latest_best=False)
    tables = [np.full((1, 1), 1.0 + error) for error in (3, 1, 1, 2, 1, 0)]
    judge, ends = judge_of(recipe, tables, targets), []
    for _ in tables:
        judge.judge(None, {"w": np.zeros((1, 2))})
        ends.append(judge.on_epoch_end({}) is not None)
    assert ends == [False, False, False, False, True, True]
    assert judge.best_epochs == (1,)  # what comes after the end no longer counts
    assert_array_equal(judge.residuals(), [[-1.0]])


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("n_splits", [1, 3])
def test_splits_set_rows_aside(classes, grouped, n_splits):
    rows = encoded(FLAGS, 60, classes=classes)
    groups = np.arange(60) // 4 if grouped else None
    rows = EncodedRows(rows.X, rows.layout, rows.y, rows.weight, rows.n_outputs, groups)
    splits = splits_of(make_recipe(REALMLP, n_splits=n_splits), rows, 0)
    assert len(splits) == n_splits
    if n_splits > 1:
        assert_array_equal(np.sort(np.concatenate(splits)), np.arange(60))
    else:
        assert len(splits[0]) == 12
    if grouped:
        for own in splits:
            assert len(own) == 4 * len(np.unique(groups[own]))
    elif classes:
        share = np.bincount(rows.y, minlength=3) / 60
        for own in splits:
            assert_allclose(np.bincount(rows.y[own], minlength=3) / len(own), share, atol=0.07)


def test_a_class_with_one_row_needs_no_row_on_both_sides():
    rows = encoded(FLAGS, 20, classes=2)
    y = rows.y.copy()
    y[:] = 0
    y[3] = 1
    rows = EncodedRows(rows.X, rows.layout, y, rows.weight, 2)
    (own,) = splits_of(make_recipe(REALMLP), rows, 0)
    assert len(own) == 4
