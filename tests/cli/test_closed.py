"""An ordinary user in front of closed folders and files: exit code 2 and one line, always."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    os.name == "nt" or (sys.platform != "linux" and os.getuid() == 0),
    reason="closed folders need POSIX permissions, and a superuser who can give powers up",
)

# What runs the commands: as root, first without the powers to pass over permissions.
RUNNER = """
import contextlib, io, json, os, sys
if os.getuid() == 0 and sys.argv[1] == "with powers":
    import ctypes
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
    for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, power, 0, 0, 0):
            sys.exit("cannot give powers up")
    os.execv(sys.executable, [sys.executable, "-c", sys.orig_argv[2], "without", *sys.argv[2:]])
from multilayer._cli.main import main
outcomes = []
for folder, args in json.loads(sys.argv[2]):
    os.chdir(folder)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(args)
    outcomes.append([code, *(stream.buffer.getvalue().decode() for stream in (out, err))])
print(json.dumps(outcomes))
"""

TABLE = ("{open}/things.csv", "--target", "kind")
NETWORK = (*TABLE, "--recipe", "table")
MODEL = "{open}/things.safetensors"
COMMANDS = {
    "train: data in it": ("train", "{closed}/things.csv", "--target", "kind"),
    "train: data closed": ("train", "{open}/closed.csv", "--target", "kind"),
    "train: archive closed": ("train", "{open}/closed.npz"),
    "train: model": ("train", *TABLE, "-m", "{closed}/m.safetensors"),
    "train: checkpoints": ("train", *NETWORK, "-m", "{open}/m", "--checkpoint", "{closed}/run"),
    "train: curves": ("train", *NETWORK, "-m", "{open}/m", "--tensorboard", "{closed}/run"),
    "evaluate: model in it": ("evaluate", "{closed}/m.safetensors", TABLE[0]),
    "evaluate: model closed": ("evaluate", "{open}/closed.safetensors", TABLE[0]),
    "evaluate: data in it": ("evaluate", MODEL, "{closed}/things.csv"),
    "evaluate: data closed": ("evaluate", MODEL, "{open}/closed.csv"),
    "predict: model in it": ("predict", "{closed}/m.safetensors", TABLE[0]),
    "predict: data in it": ("predict", MODEL, "{closed}/things.csv"),
    "predict: output": ("predict", MODEL, TABLE[0], "-o", "{closed}/p.csv"),
    "info: model in it": ("info", "{closed}/m.safetensors"),
    "info: model closed": ("info", "{open}/closed.safetensors"),
    "export: model in it": ("export", "{closed}/m.safetensors", "--onnx", "{open}/m.onnx"),
    "export: output": ("export", MODEL, "--onnx", "{closed}/m.onnx"),
    "train: a long name": ("train", f"{'x' * 300}.csv", "--target", "kind"),
    "train: a model of a long name": ("train", *TABLE, "-m", "x" * 300),
    "predict: an output of a long name": ("predict", MODEL, TABLE[0], "-o", "x" * 300),
    "info: a long name": ("info", "x" * 300),
    "info: a folder": ("info", "{open}"),
    "predict: a file for a folder": ("predict", MODEL, f"{TABLE[0]}/more.csv"),
    "train in a folder without writing": ("train", "../open/things.csv", "--target", "kind"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, trained, written):
    """What came of each command, all in one process."""

    root = tmp_path_factory.mktemp("closed")
    places = {name: root / name for name in ("open", "closed", "unwritable")}
    for place in places.values():
        place.mkdir()
    (places["open"] / "things.csv").write_bytes(written)
    (places["open"] / "things.safetensors").write_bytes(trained)
    for name in ("closed.csv", "closed.npz", "closed.safetensors"):
        (places["open"] / name).touch(mode=0)
    places["closed"].chmod(0)
    places["unwritable"].chmod(0o555)
    jobs = [
        (
            str(places["unwritable" if "without writing" in name else "open"]),
            [arg.format(**places) for arg in args],
        )
        for name, args in COMMANDS.items()
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUNNER, "with powers", json.dumps(jobs)],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    finally:
        places["closed"].chmod(0o700)
    if "cannot give powers up" in done.stderr:
        pytest.skip("root, which passes over permissions and cannot give that up here")
    assert done.returncode == 0, done.stderr
    return dict(zip(COMMANDS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", COMMANDS)
def test_one_line(outcomes, name):
    code, out, err = outcomes[name]
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
