"""Damaged files and the other readers: of descriptions, of parameters, of checkpoints."""

import contextlib
import io
import os
import socket
import stat
import tracemalloc

import jax
import numpy as np
import pytest

import multilayer
from multilayer import ModelFileError, nn, portable
from multilayer._cli.info import info
from multilayer._persist.checkpoints import read_checkpoint, write_checkpoint

from .corpus_files import file_rows
from .corpus_models import model_rows
from .corpus_steps import step_rows
from .corpus_texts import text_rows
from .files import seeds
from .mutations import mutated

SEEDS = list(seeds().values())
PREDICTED = [*text_rows(seeds()), *model_rows(seeds()), *step_rows(seeds())]
LIKE = {"layers": [np.ones((2, 3), np.float32), np.zeros(3, np.float32)], "step": np.int32(3)}


def survive(read, place, contents, first, count):
    """Read many damaged files; return how many were read."""
    n_read = 0
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        place.write_bytes(mutated(rng, contents[rng.integers(len(contents))]))
        try:
            read(place)
        except ModelFileError:
            continue
        except Exception as error:
            raise AssertionError(f"damaged file number {number} raised {error!r}") from error
        n_read += 1
    return n_read


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "JSON"])
def test_info(as_json, place):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert survive(lambda path: info(path, json=as_json), place, SEEDS, 0, 1000) > 0
    assert "\x1b" not in printed.getvalue()
    assert "\x00" not in printed.getvalue()


def test_info_shows_no_control_characters(place, capsys):
    text = '"feature_names": ["\\u001b[2J", "\\u0007", "c", "d"]'
    content = next(seed for seed in SEEDS if b'[\\"a\\", \\"b\\"' in seed)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(
        b'\\"feature_names\\": [\\"a\\", \\"b\\", \\"c\\", \\"d\\"]', escaped.encode()
    )
    place.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    info(place)
    shown = capsys.readouterr().out
    assert r"\x1b[2J" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_predictors(place):
    assert survive(portable.load, place, SEEDS, 0, 2000) > 0


@pytest.mark.parametrize("row", PREDICTED, ids=lambda row: row[0])
def test_hostile_files_for_predictors(row, place):
    _, content, _ = row
    place.write_bytes(content)
    tracemalloc.start()
    try:
        # Of what predictors do not look at, such as the solver, they need not refuse anything.
        with contextlib.suppress(ModelFileError):
            portable.load(place)
        assert tracemalloc.get_traced_memory()[1] <= 2 * len(content) + 1_000_000
    finally:
        tracemalloc.stop()


def test_parameters(place):
    nn.save(LIKE, place)
    content = place.read_bytes()
    assert survive(lambda path: nn.restore(path, like=LIKE), place, [content], 0, 2000) > 0
    place.write_bytes(content)
    restored = nn.restore(place, like=LIKE)
    assert jax.tree.all(jax.tree.map(np.array_equal, restored, LIKE))


def test_checkpoints(place):
    arrays = {"params/0": np.ones((2, 3), np.float32), "step": np.int32(3)}
    facts = {"seed": 3, "names": ["a", "b"], "rate": 0.1}
    content = write_checkpoint(place.parent, 3, arrays, facts, keep=None).read_bytes()
    assert survive(read_checkpoint, place, [content], 0, 2000) < 100


@pytest.mark.parametrize("row", [*file_rows(SEEDS[0])], ids=lambda row: row[0])
def test_hostile_files_for_readers_of_descriptions(row, place):
    _, content, word = row
    place.write_bytes(content)
    if "belongs to nothing" in word or "missing" in word:  # which only the arrays' reader can see
        return
    with pytest.raises(ModelFileError, match=word):
        info(place)


# What is not a regular file -----------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/stdin", "/dev/full", "/dev/tty"])
def test_devices(name):
    if not os.path.exists(name) or stat.S_ISREG(os.stat(name).st_mode):
        pytest.skip("there is none here")
    with pytest.raises(ModelFileError, match=r"not a regular file|cannot read"):
        multilayer.load(name)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_pipes_do_not_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="not a regular file"):
        multilayer.load(tmp_path / "pipe")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_sockets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        with pytest.raises(ModelFileError, match=r"cannot read|not a regular file"):
            multilayer.load("socket")


def test_links(tmp_path):
    (tmp_path / "model").write_bytes(SEEDS[0])
    (tmp_path / "link").symlink_to("model")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("missing")
    assert multilayer.load(tmp_path / "link").n_features_in_ == 4
    with pytest.raises(ModelFileError, match="cannot read"):
        multilayer.load(tmp_path / "loop")
    with pytest.raises(ModelFileError, match="not found"):
        multilayer.load(tmp_path / "nowhere")


def test_names_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="null"):
        multilayer.load(str(tmp_path / "model\0.safetensors"))
    with pytest.raises(ModelFileError, match="cannot read"):
        multilayer.load(tmp_path / ("n" * 5000))
    with pytest.raises(TypeError):
        multilayer.load(0)  # standard input, to `open`
