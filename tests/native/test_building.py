"""Compiling the native engine: what the library has and needs, and when zig is used."""

import ctypes
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from multilayer._engine.native import location

ROOT = Path(__file__).parents[2]


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


native = load("compile_native_under_test", ROOT / "tools" / "compile_native.py")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if native.system_compiler() is None:
        pytest.skip("no C++ compiler here")
    return native.compile_library(tmp_path_factory.mktemp("native"), native.this_machine())


def test_library_says_the_instruction_set(library):
    loaded = ctypes.CDLL(str(library))
    loaded.ml_instruction_set.restype = ctypes.c_char_p
    names = [one.name for one in native.this_machine().instruction_sets]
    assert loaded.ml_instruction_set().decode() in names
    assert [path.name for path in library.parent.iterdir()] == [library.name]  # no scratch left
    assert library.stat().st_size < 1_500_000


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not here")
def test_library_needs_only_c(library):
    text = subprocess.run(
        ["readelf", "-d", library], capture_output=True, text=True, check=True
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


def test_errors_of_the_compiler_are_shown_and_nothing_is_left(tmp_path, monkeypatch, capsys):
    if native.system_compiler() is None:
        pytest.skip("no C++ compiler here")
    sources = tmp_path / "sources"
    shutil.copytree(native.SOURCES, sources)
    (sources / "dispatch.cpp").write_text("#error not today\n")
    monkeypatch.setattr(native, "SOURCES", sources)
    assert native.main(["--folder", str(tmp_path / "out")]) == 1
    assert "not today" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_cxx_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert native.main(["--folder", str(tmp_path)]) == 1
    assert "CXX='no-such-compiler'" in capsys.readouterr().err


def test_a_library_is_compiled_again_only_if_a_source_is_newer(tmp_path, library):
    assert native.is_current(library)
    assert not native.is_current(tmp_path / library.name)


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


@pytest.mark.parametrize("wanted", ["1", "0"])
def test_wheel_has_the_library_and_the_tag_of_the_machine(hook, monkeypatch, wanted):
    if native.system_compiler() is None:
        pytest.skip("no C++ compiler here")
    monkeypatch.setenv("MULTILAYER_NATIVE", wanted)
    build_data = {"force_include": {}}
    hook.initialize("standard", build_data)
    try:
        if wanted == "0":
            assert build_data == {"force_include": {}}
            return
        machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        assert build_data["tag"] == f"py3-none-{machine}"
        assert build_data["pure_python"] is False
        ((source, inside),) = build_data["force_include"].items()
        assert Path(source).is_file()
        assert inside == f"multilayer/_native/{location.expected_path().name}"
    finally:
        hook.finalize("standard", build_data, "")


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
