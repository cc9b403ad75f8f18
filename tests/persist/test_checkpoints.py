"""Checkpoints in a folder: whole or not there, the newest ones kept, damage named."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from multilayer import ModelFileError
from multilayer._persist import checkpoints
from multilayer._persist.parameters_file import named_leaves, restored_tree
from multilayer._persist.tensors import MODEL, write_tensors

ARRAYS = {
    "a/b": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # not in C order
    "n": np.array(3, np.int32),
}
FACTS = {"seed": 42, "place": None, "columns": [["X", 4]]}


def write(folder, step, **arguments):
    return checkpoints.write_checkpoint(folder, step, ARRAYS, FACTS, **{"keep": None, **arguments})


def test_what_is_written_comes_back(tmp_path):
    path = write(tmp_path, 7)
    found = checkpoints.read_checkpoint(path)
    assert (found.path, found.step, found.facts) == (path, 7, FACTS)
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_the_newest_is_that_of_the_most_steps(tmp_path):
    assert checkpoints.newest_checkpoint(tmp_path) is None
    assert checkpoints.newest_checkpoint(tmp_path / "nowhere") is None
    for step in (9, 100, 20):
        write(tmp_path, step)
    (tmp_path / ".multilayer-0123.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    assert checkpoints.newest_checkpoint(tmp_path).name == "model.ckpt-100.safetensors"


@pytest.mark.parametrize(("keep", "kept"), [(2, [4, 5]), (1, [5]), (None, [1, 2, 3, 4, 5])])
def test_the_newest_ones_are_kept(tmp_path, keep, kept):
    (tmp_path / "notes.txt").write_text("mine")
    for step in range(1, 6):
        write(tmp_path, step, keep=keep)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"notes.txt", *(f"model.ckpt-{step}.safetensors" for step in kept)}


def test_a_failed_write_leaves_the_others(tmp_path, monkeypatch):
    write(tmp_path, 1)

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ModelFileError, match="No space left"):
        write(tmp_path, 2, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt-1.safetensors"]


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_truncated_file(tmp_path, length):
    path = write(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelFileError, match=r"model\.ckpt-1"):
        checkpoints.read_checkpoint(path)


def test_any_changed_byte_is_found(tmp_path):
    path = write(tmp_path, 1)
    content = path.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        with pytest.raises(ModelFileError, match=r"model\.ckpt-1"):
            checkpoints.read_checkpoint(path)


def test_other_files(tmp_path):
    model = tmp_path / "model.ckpt-1.safetensors"
    write_tensors(model, MODEL, {}, ARRAYS)
    with pytest.raises(ModelFileError, match=r"multilayer\.load"):
        checkpoints.read_checkpoint(model)
    for content in (b"not a checkpoint", b'{"json": 1}'):
        model.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"model\.ckpt-1"):
            checkpoints.read_checkpoint(model)
    with pytest.raises(ModelFileError, match="checkpoint not found"):
        checkpoints.read_checkpoint(tmp_path / "model.ckpt-2.safetensors")


@pytest.mark.parametrize(
    "name",
    [
        *("model.ckpt-44000.index", "model.ckpt-7.meta", "model.ckpt-7.data-00000-of-00001"),
        *("model.ckpt.index", "model.ckpt-7", "model.ckpt"),
    ],
)
def test_checkpoints_of_other_programs(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelFileError, match="another program"):
        checkpoints.newest_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("model.ckpt-9.safetensors.bak", "model.ckpt-9.safetensors~", "model.ckpt-9 (copy)"),
        *("model.ckpt-09.safetensors", "model.ckpt.txt"),
    ],
)
def test_copies_of_checkpoints_are_left_alone(name, tmp_path):
    write(tmp_path, 7)
    (tmp_path / name).write_bytes(b"mine")
    assert checkpoints.newest_checkpoint(tmp_path).name == "model.ckpt-7.safetensors"
    checkpoints.remove_checkpoints(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_folders_are_made(tmp_path):
    folder = tmp_path / "a" / "b"
    checkpoints.prepare_folder(folder)
    checkpoints.prepare_folder(folder)
    assert list(folder.iterdir()) == []
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(ModelFileError, match="cannot make the folder"):
        checkpoints.prepare_folder(file)
    with pytest.raises(ModelFileError, match="Name a folder"):
        checkpoints.newest_checkpoint(file)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_folders_that_cannot_be_written(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(ModelFileError, match="cannot write"):
        checkpoints.prepare_folder(tmp_path)


def test_a_temporary_folder():
    folder = Path(checkpoints.temporary_folder())
    assert folder.is_dir()
    folder.rmdir()


# Trees --------------------------------------------------------------------------------------------

TREE = {"layers": (np.ones((2, 3)), [np.zeros(3, np.int32)]), "scale": np.float32(2)}


def test_trees_have_names_and_come_back():
    arrays = named_leaves("params", TREE)
    assert set(arrays) == {"params/layers/0", "params/layers/1/0", "params/scale"}
    found = restored_tree("params", TREE, {**arrays, "params2/x": np.ones(1)}, "file")
    assert found["layers"][0].tolist() == TREE["layers"][0].tolist()
    assert isinstance(found["layers"][1], list)
    assert found["scale"] == 2
    assert set(named_leaves("x", np.ones(2))) == {"x"}


def test_named_arrays_are_no_copies():
    array = np.ones(2)
    assert np.shares_memory(named_leaves("x", {"a": array})["x/a"], array)


@pytest.mark.parametrize(
    ("like", "said"),
    [
        ({**TREE, "more": np.ones(1)}, r"lacks \['params/more'\] and has nothing"),
        ({"scale": TREE["scale"]}, r"lacks nothing and has \['params/layers/0'"),
        ({**TREE, "scale": np.ones(2, np.float32)}, r"its params/scale has shape \(\)"),
        ({**TREE, "scale": np.float64(2)}, "float32, expected are .* float64"),
    ],
)
def test_trees_that_are_not_alike(like, said):
    with pytest.raises(ModelFileError, match=said):
        restored_tree("params", like, named_leaves("params", TREE), "file")
