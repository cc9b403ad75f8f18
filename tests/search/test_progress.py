"""What a search reports while it trains, and how arguments are written."""

from threading import Lock

import numpy as np
import pytest

from multilayer._search.progress import arguments_in_words, short_names, value_in_words
from multilayer.search import MLPSearchCV

from .conftest import SPACE


class Recorder:
    """Remember all that a search reports."""

    def __call__(self, candidates, n_candidates, n_networks):
        assert n_candidates == len(candidates)
        self.candidates, self.n_networks = candidates, n_networks
        self.networks, self.rungs, self.ended, self.lock = [], [], [], Lock()
        return self

    def begin(self, n_rungs):
        self.n_rungs = n_rungs

    def network(self, candidate, epochs, score):
        with self.lock:
            self.networks.append((candidate, epochs, score))

    def rung(self, number, active, means, epochs, left):
        scores = {i: [s for c, _, s in self.networks if c == i] for i in active}
        for i, mean in zip(active, means, strict=True):
            assert len(scores[i]) == self.n_networks
            assert np.mean(scores[i]) == pytest.approx(mean)
        self.rungs.append((number, list(active), epochs, list(left)))
        self.networks.clear()

    def end(self, *, interrupted):
        self.ended.append(interrupted)


def test_each_network_is_reported_and_each_rung_says_who_goes_on(rows, network):
    search = MLPSearchCV(network, SPACE, n_iter=9, cv=3, refit=False, n_jobs=2, random_state=0)
    search._follow = seen = Recorder()
    search.fit(*rows)
    assert (seen.n_networks, seen.n_rungs, seen.ended) == (3, 2, [False])
    (first, second), found = seen.rungs, search.cv_results_
    assert found["params"] == seen.candidates
    finished = np.flatnonzero(found["status"] == "finished").tolist()
    assert first == (1, list(range(9)), 6, finished)
    assert second == (2, finished, 18, [])


def test_an_interrupted_search_reports_its_end(rows, network):
    search = MLPSearchCV(network, SPACE, n_iter=3, cv=2, refit=False, random_state=0)
    search._follow = seen = Recorder()
    search.fit(*rows)
    seen.ended.clear()

    def interrupted(*_):
        raise KeyboardInterrupt

    seen.rung = interrupted
    with pytest.warns(UserWarning, match="The search was interrupted"):
        search.fit(*rows)
    assert seen.ended == [True]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.float64(0.00123456), "0.00123"),
        (256, "256"),
        ((64, 32), "64-32"),
        ((), "()"),
        (True, "True"),
        (None, "None"),
        (("a", 1), "('a', 1)"),
    ],
)
def test_values(value, words):
    assert value_in_words(value) == words


def test_names_are_short_where_they_are_not_ambiguous():
    assert short_names(["a__x", "b__x", "b__y", "z"]) == ["a__x", "b__x", "y", "z"]
    assert arguments_in_words({"net__alpha": 0.1, "net__layers": (8,)}) == "alpha=0.1, layers=8"
