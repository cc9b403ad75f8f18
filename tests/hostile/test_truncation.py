"""A file that was cut off is refused, wherever it was cut."""

import os

import pytest

import multilayer
from multilayer import ModelFileError
from multilayer._persist.manifest import read_manifest

from .files import seeds

SEEDS = seeds()


def cut_at(path, content, lengths):
    """Check that each cut is refused by both readers."""
    for length in lengths:
        path.write_bytes(content[:length])
        for read in (multilayer.load, read_manifest):
            with pytest.raises(ModelFileError, match=r"truncated|empty|is not a model file"):
                read(path)


@pytest.mark.parametrize("content", SEEDS.values(), ids=SEEDS)
def test_cut_at_every_64th_byte(content, place):
    cut_at(place, content, [*range(0, len(content), 64), len(content) - 1])


def test_cut_at_every_byte(place):
    content = SEEDS["protocol-1/binary-text"]
    cut_at(place, content, range(len(content)))


def test_files_that_change_while_they_are_read(place, monkeypatch):
    content = SEEDS["protocol-1/multiclass"]
    real = os.fstat

    class Status:
        def __init__(self, handle, more):
            self.st_mode, self.st_size = real(handle).st_mode, real(handle).st_size + more

    place.write_bytes(content[:-8])
    monkeypatch.setattr(os, "fstat", lambda handle: Status(handle, 8))
    with pytest.raises(ModelFileError, match="shrank while it was read"):
        multilayer.load(place)
    place.write_bytes(content + bytes(8))
    monkeypatch.setattr(os, "fstat", lambda handle: Status(handle, -8))
    with pytest.raises(ModelFileError, match="grew while it was read"):
        multilayer.load(place)
