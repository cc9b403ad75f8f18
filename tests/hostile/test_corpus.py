"""Every hostile file is refused, in words, at once, in little memory, and does nothing."""

import re
import sys
import time
import tracemalloc

import pytest

import multilayer
from multilayer import ModelFileError

from .corpus_files import file_rows
from .corpus_kinds import kind_rows
from .corpus_models import model_rows
from .corpus_steps import step_rows
from .corpus_texts import text_rows
from .files import seeds

SEEDS = seeds()
ROWS = [
    *file_rows(SEEDS["protocol-1/multiclass"]),
    *text_rows(SEEDS),
    *model_rows(SEEDS),
    *kind_rows(SEEDS),
    *step_rows(SEEDS),
]
HARMFUL = (
    *("import", "exec", "compile", "os.", "subprocess.", "socket.", "ctypes.", "shutil."),
    *("pickle.", "marshal.", "urllib.", "ftplib.", "http.", "glob.", "tempfile.", "code."),
)


class Watch:
    """What a piece of code does to the world outside, from Python's audit events.

    A hook cannot be removed: there is one, and it looks away while nobody watches.
    """

    def __init__(self):
        self.events = None
        sys.addaudithook(self._note)

    def _note(self, event, arguments):
        if self.events is None:
            return
        if event == "open" or event.startswith(HARMFUL):
            self.events.append((event, str(arguments[0])))

    def during(self, work):
        """Return the events while `work` is done."""
        self.events = []
        try:
            work()
        except ModelFileError:
            pass
        finally:
            events, self.events = self.events, None
        return events


@pytest.fixture(scope="module")
def watch():
    return Watch()


@pytest.fixture(scope="module", autouse=True)
def warm(place):
    """Read valid files first, so that what is imported late is there."""
    for content in SEEDS.values():
        place.write_bytes(content)
        multilayer.load(place)


def test_there_are_many():
    names = [name for name, *_ in ROWS]
    assert len(set(names)) == len(names) >= 600


@pytest.mark.parametrize("content", SEEDS.values(), ids=SEEDS)
def test_valid_files_are_read_in_little_memory(content, place, watch):
    place.write_bytes(content)
    assert set(watch.during(lambda: multilayer.load(place))) == {("open", str(place))}
    tracemalloc.start()
    try:
        multilayer.load(place)
        assert tracemalloc.get_traced_memory()[1] <= 2 * len(content) + 1_000_000
    finally:
        tracemalloc.stop()


def check(place, content, word, watch):
    """Read a hostile file twice: once for the message and the clock, once watched."""
    place.write_bytes(content)
    begun = time.process_time()
    with pytest.raises(ModelFileError) as caught:
        multilayer.load(place)
    assert time.process_time() - begun <= 1.0
    message = str(caught.value)
    assert str(place) in message
    assert re.search(word, message), message
    assert len(message) < 2000
    tracemalloc.start()
    try:
        events = watch.during(lambda: multilayer.load(place))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(events) == {("open", str(place))}
    assert peak <= 2 * len(content) + 1_000_000


@pytest.mark.parametrize(("content", "word"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_hostile_files_are_refused(content, word, place, watch):
    check(place, content, word, watch)
