"""Files are written whole or not at all, and what is no ordinary file is never replaced."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from multilayer import ModelFileError
from multilayer._persist import atomic
from multilayer._persist.atomic import TEMPORARY_NAME, check_writable, claimed, write_atomically
from multilayer._persist.checkpoints import newest_checkpoint, prepare_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="of files as Unix has them")
ORPHAN = TEMPORARY_NAME.format("0123456789abcdef")


def run(code, *arguments, **more):
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


@pytest.fixture
def shared():
    """A folder that other users reach: those of pytest's are for one user alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


# Permissions and links --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o400])
def test_permissions_stay(mode, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(mode)
    write_atomically(path, b"after")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", mode)


def test_a_new_file_has_those_of_any_other(tmp_path):
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "any").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    os.chown(path, 12345, 23456)
    write_atomically(path, b"after")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_links_stay_and_what_they_point_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"before")
    (tmp_path / "link").symlink_to("there/file")
    (tmp_path / "to a new one").symlink_to("there/new")
    write_atomically(tmp_path / "link", b"after")
    write_atomically(tmp_path / "to a new one", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_bytes() == b"after"
    assert (tmp_path / "there" / "new").read_bytes() == b"new"


# What is no ordinary file -----------------------------------------------------------------------


def test_a_pipe_is_written_into(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    check_writable(path)
    write_atomically(path, b"content")
    reader.join(10)
    assert found == [b"content"]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("folder", ["", "link"])
def test_devices_stay(folder, tmp_path):
    path = "/dev/null"
    if folder:
        path = tmp_path / "link"
        path.symlink_to("/dev/null")
    check_writable(path)
    write_atomically(path, b"content")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(ModelFileError, match=r"cannot write /dev/full: No space left on device\."):
        write_atomically("/dev/full", b"content")


def test_sockets_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        for work in (check_writable, lambda path: write_atomically(path, b"content")):
            with pytest.raises(ModelFileError, match="cannot write socket: it is a socket"):
                work("socket")
    assert stat.S_ISSOCK(os.stat("socket").st_mode)


WRITE = """
import sys
from multilayer._persist.atomic import check_writable, write_atomically
print("first", flush=True)
check_writable(sys.argv[1])
write_atomically(sys.argv[1], b"second\\n")
print("third")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_standard_output_is_written_to(name, to, tmp_path):
    if name == "link":
        name = tmp_path / "link"
        name.symlink_to("/dev/stdout")
    if to == "pipe":
        said = run(WRITE, name).stdout
    else:
        with open(tmp_path / "said", "ab") as file:
            file.write(b"zeroth\n")
            file.flush()
            subprocess.run([sys.executable, "-c", WRITE, name], stdout=file, check=True)
        said = (tmp_path / "said").read_text().removeprefix("zeroth\n")
    assert said == "first\nsecond\nthird\n"
    assert os.listdir(tmp_path) == (["said"] if to == "file" else []) or name != "/dev/stdout"


def test_a_pipe_that_nobody_reads_any_more():
    read, write = os.pipe()
    os.close(read)
    try:
        with pytest.raises(ModelFileError, match="Broken pipe") as raised:
            write_atomically(f"/dev/fd/{write}", b"content")
        assert isinstance(raised.value.__cause__, BrokenPipeError)
    finally:
        os.close(write)


# What killed processes left ---------------------------------------------------------------------


def test_what_killed_saves_left_is_swept_by_the_next(tmp_path):
    names = [ORPHAN, ".multilayer-mine.tmp", ".multilayer-0123456789abcdef.tmp.bak", "notes.tmp"]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / TEMPORARY_NAME.format("f" * 16)).mkdir()
    write_atomically(tmp_path / "file", b"whole")
    assert {*os.listdir(tmp_path)} == {*names[1:], TEMPORARY_NAME.format("f" * 16), "file"}


HALF = """
import os, signal, sys
from multilayer._persist import atomic
def write_half(file, data):
    file.write(data[:1])
    file.flush()
    print("half", flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
    file.write(data[1:])
atomic._write_through = write_half
atomic.write_atomically(sys.argv[1], b"theirs")
"""


def test_a_kill_leaves_a_file_that_the_next_save_removes(tmp_path):
    killed = run(HALF, tmp_path / "file", "killed")
    assert killed.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 1
    write_atomically(tmp_path / "file", b"whole")
    assert os.listdir(tmp_path) == ["file"]


def test_what_another_process_is_writing_stays(tmp_path):
    command = [sys.executable, "-c", HALF, tmp_path / "theirs", "alive"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"half\n"
        write_atomically(tmp_path / "ours", b"ours")
        assert len(os.listdir(tmp_path)) == 2
        other.communicate(b"")
    assert {*os.listdir(tmp_path)} == {"ours", "theirs"}
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_many_at_once(tmp_path):
    def save(i):
        for k in range(30):
            write_atomically(tmp_path / f"file {i % 2}", bytes([i]) * (k + 1))

    threads = [threading.Thread(target=save, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(os.listdir(tmp_path)) == ["file 0", "file 1"]


CLAIM = """
import os, signal, sys, time
from pathlib import Path
from multilayer._persist.atomic import claimed
with claimed(Path(sys.argv[1])):
    child = os.fork()
    if not child:
        os.closerange(1, 3)  # or whoever reads the output waits for it
        time.sleep(60)
        os._exit(0)
    print(child, flush=True)
    if sys.argv[2] == "alive":
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_child_of_a_crashed_process_does_not_keep_its_folder(tmp_path):
    crashed = run(CLAIM, tmp_path, "crashes", stdin=subprocess.DEVNULL)
    child = int(crashed.stdout)
    try:
        assert crashed.returncode == -signal.SIGKILL
        os.kill(child, 0)  # it is there
        with claimed(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_child_does_not_give_up_the_folder_of_its_parent(tmp_path):
    command = [sys.executable, "-c", CLAIM, tmp_path, "alive"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        try:
            with pytest.raises(ModelFileError, match="another process"), claimed(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)
            parent.communicate(b"")
    with claimed(tmp_path):
        pass


# What the system says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["nul\0", "half \ud800", "n" * 300, "a" * 300 + "/file", "loop", "file/below"]
)
def test_names_that_are_none(name, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"before")
    path = f"{tmp_path}/{name}"
    for work in (check_writable, lambda path: write_atomically(path, b"content")):
        with pytest.raises(ModelFileError, match="cannot write") as raised:
            work(path)
        assert "\n" not in str(raised.value)
    if name not in ("loop", "file/below"):
        with pytest.raises(ModelFileError, match="cannot make the folder"):
            prepare_folder(path)
        with pytest.raises(ModelFileError, match="cannot look for checkpoints"):
            newest_checkpoint(path)


CLOSED = """
import os, sys
import multilayer
from multilayer import portable
from multilayer._persist.atomic import check_writable, write_atomically
from multilayer._persist.checkpoints import newest_checkpoint, prepare_folder, remove_checkpoints
from multilayer._persist.atomic import claimed
from pathlib import Path
folders = list(map(Path, sys.argv[1:]))
write_atomically(folders[0].parent / "file", b"")
for load in (multilayer.load, portable.load):
    try:  # all is imported while it may be
        load(folders[0].parent / "file")
    except multilayer.ModelFileError:
        pass
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for closed in folders:
    for work in (
        lambda: check_writable(closed / "file"),
        lambda: write_atomically(closed / "file", b"x"),
        lambda: prepare_folder(closed / "new"),
        lambda: newest_checkpoint(closed / "new"),
        lambda: newest_checkpoint(closed),
        lambda: remove_checkpoints(closed),
        lambda: claimed(closed).__enter__(),
        lambda: multilayer.load(closed / "file"),
        lambda: portable.load(closed / "file"),
    ):
        try:
            print(work())
        except multilayer.ModelFileError as error:
            print("refused", error)
"""


def test_closed_folders(shared):
    """As an ordinary user: root may enter every folder."""
    modes = (0o000, 0o444, 0o555)
    folders = [shared / f"closed-{mode:o}" for mode in modes]
    for closed, mode in zip(folders, modes, strict=True):
        closed.mkdir()
        (closed / "file").write_bytes(b"before")
        (closed / "model.ckpt-7.safetensors").write_bytes(b"before")
        closed.chmod(mode)
    try:
        done = run(CLOSED, *folders, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    finally:
        for closed in folders:
            closed.chmod(0o755)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) == 27
    for i, (closed, mode) in enumerate(zip(folders, modes, strict=True)):
        said = lines[9 * i : 9 * (i + 1)]
        refused = [line.startswith("refused cannot") for line in said]
        looks = mode == 0o555  # what may be looked into has no "new", and checkpoints to be seen
        assert refused[:3] == [True] * 3, mode
        assert refused[3:5] == ([False] * 2 if looks else [True, mode != 0o444]), mode
        assert refused[5:7] == [True] * 2, mode
        assert all(line.startswith("refused") for line in said[7:]), mode
        assert (closed / "file").read_bytes() == b"before"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES])
def test_folders_that_cannot_be_brought_to_the_disk(number, tmp_path, monkeypatch):
    fail_to_sync_folders(monkeypatch, number)
    with pytest.warns(UserWarning, match="file is written, but its folder cannot be flushed"):
        write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_disks_that_fail_with_the_folder(tmp_path, monkeypatch):
    fail_to_sync_folders(monkeypatch, errno.EIO)
    with pytest.raises(ModelFileError, match="file is written, but its folder cannot be flushed"):
        write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def fail_to_sync_folders(monkeypatch, number):
    original = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        original(handle)

    monkeypatch.setattr(atomic.os, "fsync", fsync)


UNLISTED = """
import os, sys
from multilayer._persist.atomic import write_atomically
write_atomically(os.path.dirname(sys.argv[1]) + "/../other", b"")  # all is imported while it may be
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
write_atomically(sys.argv[1], b"content")
"""


def test_folders_that_may_be_written_to_but_not_listed(shared):
    closed = shared / "closed"
    closed.mkdir()
    closed.chmod(0o333)
    done = run(UNLISTED, closed / "file")
    closed.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "file is written, but its folder cannot be flushed to the disk" in done.stderr
    assert Path(closed / "file").read_bytes() == b"content"
