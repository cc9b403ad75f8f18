"""Networks of one shape in one program, as on an accelerator."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning

from multilayer import MLPClassifier
from multilayer._engine import population
from multilayer._engine.xla.maker import XlaMaker
from multilayer._search import together, work
from multilayer.search import MLPSearchCV

SPACE = {
    "hidden_layer_sizes": [(4,), (8,)],
    "learning_rate_init": [0.003, 0.01, 0.03],
    "alpha": [0.0, 1e-3],
}


def softsign(x):
    return x / (1.0 + jnp.abs(x))


def searched(rows, **changes):
    network = MLPClassifier(  # a function of JAX: it trains by XLA
        (6,), activation=softsign, max_iter=9, batch_size=40, random_state=0, **changes
    )
    return MLPSearchCV(network, SPACE, n_iter=6, cv=2, random_state=0, refit=False).fit(*rows)


@pytest.fixture
def accelerator(monkeypatch):
    """XLA trains in one program what can; returns the numbers of networks in each."""
    sizes, train = [], population.train_population

    def counting(members, stop):
        sizes.append(len(members))
        train(members, stop)

    monkeypatch.setattr(XlaMaker, "prefers_vmap", lambda self: True)
    monkeypatch.setattr(work, "accelerated", lambda: True)
    monkeypatch.setattr(together, "train_population", counting)
    return sizes


@pytest.mark.parametrize("changes", [{}, {"early_stopping": True}], ids=["plain", "validation"])
def test_it_changes_no_more_than_rounding(changes, rows, request):
    alone = searched(rows, **changes).cv_results_
    sizes = request.getfixturevalue("accelerator")
    side_by_side = searched(rows, **changes).cv_results_
    assert max(sizes) > 1
    for name in ("params", "n_epochs", "status"):
        assert list(side_by_side[name]) == list(alone[name])
    np.testing.assert_allclose(
        side_by_side["mean_test_score"], alone["mean_test_score"], atol=1.0 / 240
    )


def test_as_many_as_there_is_memory_for(rows, accelerator, monkeypatch):
    train = together.train_population

    def small(members, stop):
        if len(members) > 1:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        train(members, stop)

    monkeypatch.setattr(together, "train_population", small)
    assert searched(rows).cv_results_["status"][0] in ("finished", "halved")
    assert set(accelerator) == {1}


def test_one_that_diverges_is_reported(rows, accelerator):
    network = MLPClassifier((4,), activation=softsign, solver="sgd", max_iter=6, random_state=0)
    space = {"learning_rate_init": [0.01, 1e30]}
    search = MLPSearchCV(network, space, n_iter=3, cv=2, pruner=None, random_state=0, refit=False)
    with pytest.warns(FitFailedWarning, match="2 of 6 fits failed"), np.errstate(all="ignore"):
        search.fit(*rows)
    assert max(accelerator) == 3
    rates = [params["learning_rate_init"] for params in search.cv_results_["params"]]
    statuses = dict(zip(rates, search.cv_results_["status"], strict=True))
    assert statuses == {0.001: "finished", 0.01: "finished", 1e30: "failed"}
