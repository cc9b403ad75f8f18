"""Compiling the native engine: what the library has and needs, and when zig is used."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from multilayer._engine.native import coverage, location

ROOT = Path(__file__).parents[2]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


native = load("compile_native_under_test", ROOT / "tools" / "compile_native.py")


# An engine that computes nothing: the real one takes a minute of processor time.
EMPTY_ENGINE = """
#include "api.h"
#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
extern "C" const ml_engine JOIN(ml_engine, ML_ISA);
extern "C" const ml_engine JOIN(ml_engine, ML_ISA) = {TEXT(ML_ISA), 0, 0, 0, 0, 0, 0, 0, 0};
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The sources with an empty engine."""
    if native.system_compiler() is None:
        pytest.skip("no C++ compiler here")
    folder = tmp_path_factory.mktemp("sources")
    for source in (native.SOURCES / native.DISPATCH, native.SOURCES / "api.h"):
        shutil.copy(source, folder)
    (folder / native.ENGINE).write_text(EMPTY_ENGINE)
    return folder


@pytest.fixture(scope="module")
def library(sources, tmp_path_factory):
    """A library of the empty engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "SOURCES", sources)
        return native.compile_library(tmp_path_factory.mktemp("native"), native.this_machine())


def check_library(path):
    loaded = ctypes.CDLL(str(path))
    loaded.ml_instruction_set.restype = ctypes.c_char_p
    names = [one.name for one in native.this_machine().instruction_sets]
    assert loaded.ml_instruction_set().decode() in names
    assert path.stat().st_size < 1_500_000


def test_library_says_the_instruction_set(library):
    check_library(library)
    assert [path.name for path in library.parent.iterdir()] == [library.name]  # no scratch left


@pytest.mark.slow
def test_real_sources_compile_without_warnings(tmp_path, capfd):
    if native.system_compiler() is None:
        pytest.skip("no C++ compiler here")
    path = native.compile_library(tmp_path, native.this_machine())
    assert "warning" not in capfd.readouterr().err
    check_library(path)


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not here")
def test_library_needs_only_c():
    path = location.library_path()
    if path is None:
        pytest.skip(location.why_not_built())
    text = subprocess.run(
        ["readelf", "-d", path], capture_output=True, text=True, check=True
    ).stdout
    needed = [line.split("[")[1].split("]")[0] for line in text.splitlines() if "(NEEDED)" in line]
    libraries = {name.split(".so")[0] for name in needed}
    assert libraries <= {"libc", "libm", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64"}


def test_name_is_the_one_that_is_loaded():
    assert location.expected_path() == native.SOURCES / native.this_machine().library


def test_no_library_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(location, "FOLDER", tmp_path)
    assert location.library_path() is None
    assert "make native" in location.why_not_built()
    assert str(tmp_path) in location.why_not_built()


def test_errors_of_the_compiler_are_shown_and_nothing_is_left(
    sources, tmp_path, monkeypatch, capsys
):
    broken = tmp_path / "sources"
    shutil.copytree(sources, broken)
    (broken / native.DISPATCH).write_text("#error not today\n")
    monkeypatch.setattr(native, "SOURCES", broken)
    assert native.main(["--folder", str(tmp_path / "out")]) == 1
    assert "not today" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_cxx_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert native.main(["--folder", str(tmp_path)]) == 1
    assert "CXX='no-such-compiler'" in capsys.readouterr().err


def test_a_library_is_compiled_again_only_if_a_source_is_newer(sources, tmp_path, monkeypatch):
    copy, folder = tmp_path / "sources", tmp_path / "out"
    shutil.copytree(sources, copy)
    monkeypatch.setattr(native, "SOURCES", copy)
    command = ["--if-changed", "--folder", str(folder)]
    assert native.main(command) == 0  # there is none yet
    (library,) = folder.iterdir()
    first = library.stat()
    assert native.main(command) == 0
    assert library.stat().st_ino == first.st_ino
    later = first.st_mtime + 1
    os.utime(copy / "api.h", (later, later))
    assert native.main(command) == 0
    assert library.stat().st_ino != first.st_ino


def test_a_setting_that_means_nothing(monkeypatch, capsys):
    monkeypatch.setenv("MULTILAYER_NATIVE", "no")
    assert native.main([]) == 1
    message = capsys.readouterr().err
    assert message.startswith("MULTILAYER_NATIVE must be 0 or 1, got MULTILAYER_NATIVE='no'. ")


@pytest.fixture
def hook():
    pytest.importorskip("hatchling")
    module = load("hatch_build_under_test", ROOT / "hatch_build.py")
    return module.NativeBuildHook(str(ROOT), {}, None, None, str(ROOT), "wheel")


@pytest.fixture
def no_compiler(tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("MULTILAYER_NATIVE_TARGET", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_zig_is_required_only_without_a_compiler(hook, no_compiler, monkeypatch):
    assert [name.partition(">")[0] for name in hook.dependencies()] == ["ziglang"]
    monkeypatch.setenv("CXX", sys.executable)
    assert hook.dependencies() == []
    monkeypatch.setenv("MULTILAYER_NATIVE_TARGET", "aarch64-macos.11.0")
    assert hook.dependencies() != []  # another machine: always by zig
    monkeypatch.setenv("MULTILAYER_NATIVE", "0")
    assert hook.dependencies() == []


def test_without_a_compiler_and_zig_the_remedies_are_named(no_compiler, monkeypatch):
    monkeypatch.setattr(native.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(native.NoCompilerError, match=r"ziglang.*MULTILAYER_NATIVE=0"):
        native.find_compiler(native.this_machine())


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MULTILAYER_NATIVE", "yes"), ("MULTILAYER_NATIVE_TARGET", "pdp11"), ("CXX", "no-such-one")],
)
def test_wrong_settings_end_a_build_with_a_message(hook, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit, match=f"was not built.*{value}"):
        hook.dependencies()
    with pytest.raises(SystemExit, match=f"was not built.*{value}"):
        hook.initialize("standard", {"force_include": {}})


def test_wheel_has_the_library_and_the_tag_of_the_machine(hook, sources, monkeypatch):
    compile_module = sys.modules["multilayer_compile_native"]
    monkeypatch.setattr(compile_module, "SOURCES", sources)
    build_data = {"force_include": {}}
    hook.initialize("standard", build_data)
    try:
        machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        assert build_data["tag"] == f"py3-none-{machine}"
        assert build_data["pure_python"] is False
        ((source, inside),) = build_data["force_include"].items()
        assert Path(source).is_file()
        assert inside == f"multilayer/_native/{location.expected_path().name}"
    finally:
        hook.finalize("standard", build_data, "")


def test_wheel_without_the_native_engine_is_pure_python(hook, monkeypatch):
    monkeypatch.setenv("MULTILAYER_NATIVE", "0")
    build_data = {"force_include": {}}
    hook.initialize("standard", build_data)
    hook.finalize("standard", build_data, "")
    assert build_data == {"force_include": {}}


@pytest.mark.slow
@pytest.mark.parametrize("target", native.WHEELS)
def test_zig_builds_wheels_of_every_target(target, tmp_path, monkeypatch):
    pytest.importorskip("hatchling")
    pytest.importorskip("ziglang")
    monkeypatch.setenv("MULTILAYER_NATIVE_TARGET", target)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith(f"-py3-none-{native.WHEELS[target]}.whl")
    inside = f"multilayer/_native/{native.named_target(target).library}"
    with zipfile.ZipFile(wheel) as file:
        assert file.getinfo(inside).compress_size < 1_500_000


@pytest.mark.skipif(os.environ.get("MULTILAYER_NATIVE") == "0", reason="built without it")
def test_this_installation_has_the_library():
    assert coverage.unavailable() == ""  # or every test of the engine would be left out
