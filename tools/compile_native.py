"""Compile the native engine: `python tools/compile_native.py`, or called by `hatch_build.py`.

Only the standard library is used, and nothing of multilayer: this runs before its dependencies are
there. `engine.cpp` is compiled once for each instruction set of the machine, `dispatch.cpp` once.
"""

import argparse
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src" / "multilayer" / "_native"
ENGINE, DISPATCH = "engine.cpp", "dispatch.cpp"

FLAGS = (
    *("-O3", "-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-tree-slp-vectorize"),
    *("-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi"),
)
AVX2 = ("-mavx2", "-mfma")
AVX512 = ("-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", *AVX2)

# The targets of `make wheels`: what zig calls them, and the tag of the wheel.
WHEELS = {
    "x86_64-linux-gnu.2.17": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "aarch64-linux-gnu.2.17": "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "x86_64-macos.11.0": "macosx_11_0_x86_64",
    "aarch64-macos.11.0": "macosx_11_0_arm64",
    "x86_64-windows-gnu": "win_amd64",
}
ENDINGS = {"linux": ".so", "macos": ".dylib", "windows": ".dll"}


class BuildError(Exception):
    """The library cannot be built; the message says why."""


class SettingError(BuildError):
    """A variable of the environment has a value that means nothing."""


class NoCompilerError(BuildError):
    """No C++ compiler was found."""


class CompileError(BuildError):
    """The compiler failed; the text is its own."""


@dataclass(frozen=True)
class InstructionSet:
    """One compilation of the engine: the width of its registers in bytes, and compiler flags."""

    name: str
    width: int
    flags: tuple[str, ...] = ()


BASELINE = InstructionSet("baseline", 16)
INSTRUCTION_SETS = {
    "x86_64": (BASELINE, InstructionSet("avx2", 32, AVX2), InstructionSet("avx512", 64, AVX512)),
    "aarch64": (InstructionSet("neon", 16),),
}


@dataclass(frozen=True)
class Target:
    """The machine compiled for: its processor and system, and zig's name for it if another's."""

    processor: str
    system: str
    zig: str = ""

    @property
    def library(self) -> str:
        """Return the name of the library's file."""
        return f"libmultilayer_native{ENDINGS.get(self.system, '.so')}"

    @property
    def instruction_sets(self) -> tuple[InstructionSet, ...]:
        """Return what the engine is compiled for: 16-byte vectors on an unknown processor."""
        return INSTRUCTION_SETS.get(self.processor, (BASELINE,))


def this_machine() -> Target:
    """Return the machine this runs on."""
    processor = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if processor == "x86_64" and sys.maxsize < 2**32:
        processor = "i686"  # a 32-bit Python
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    return Target(processor, system)


def named_target(name: str) -> Target:
    """Return the target that zig calls `name`."""
    if name not in WHEELS:
        raise SettingError(f"target must be one of {', '.join(WHEELS)}, got target={name!r}.")
    processor, system = name.split("-")[:2]
    return Target(processor, system.partition(".")[0], name)


@dataclass(frozen=True)
class Compiler:
    """Commands that compile C++ and that link."""

    compile: tuple[str, ...]
    link: tuple[str, ...]
    is_zig: bool = False


def system_compiler() -> Compiler | None:
    """Return the compiler that CXX names, else the first one on PATH, else None."""
    named = os.environ.get("CXX", "").strip()
    if named:
        command = tuple(shlex.split(named, posix=os.name != "nt"))
        if shutil.which(command[0]) is None:
            raise NoCompilerError(f"CXX names a program that is not there: CXX={named!r}.")
        return Compiler(command, command)
    for name in ("g++", "clang++", "c++"):
        if found := shutil.which(name):
            return Compiler((found,), (found,))
    return None


def find_compiler(target: Target) -> Compiler:
    """Return the machine's compiler, or zig where there is none or another machine is meant."""
    if not target.zig and (found := system_compiler()):
        return found
    if importlib.util.find_spec("ziglang") is None:
        raise NoCompilerError(
            "No C++ compiler was found: install g++ or clang++, name one by CXX, or "
            "`pip install ziglang`. MULTILAYER_NATIVE=0 builds without the native engine."
        )
    zig = (sys.executable, "-m", "ziglang")
    # Without a target zig compiles for the very processor it runs on, not for all of its kind.
    name = target.zig or next(
        (n for n in WHEELS if named_target(n).library == target.library and target.processor in n),
        f"{target.processor}-{target.system}",
    )
    aim = ("-target", name)
    # The C driver links: zig's C++ one would compile a C++ library first.
    return Compiler((*zig, "c++", *aim), (*zig, "cc", *aim), is_zig=True)


def link_flags(target: Target, compiler: Compiler, sanitize: str) -> list[str]:
    """Return the flags for a shared library that needs no C++ library and has no debug symbols."""
    if sanitize:
        return ["-shared", f"-fsanitize={sanitize}"]
    flags = ["-shared", "-s"]
    if target.system == "macos":
        flags = ["-shared", "-Wl,-x"]
        if compiler.is_zig:
            flags.append("-s")
        else:
            flags.append("-nostdlib++")
    elif target.system == "linux":
        # Only libraries that are used, and no name left open.
        flags += ["-Wl,--as-needed", "-Wl,-z,defs"]
    return flags


def run(command: list[str]) -> None:
    """Run a compiler; raise its own words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{shlex.join(command)}\n{done.stderr or done.stdout}")
    if done.stderr:
        sys.stderr.write(done.stderr)


def compile_library(folder: Path, target: Target, sanitize: str = "") -> Path:
    """Compile the engine and write its library into `folder`, whole or not at all."""
    compiler = find_compiler(target)
    if sanitize and compiler.is_zig:
        raise NoCompilerError("Sanitizers need g++ or clang++: name one by CXX.")
    flags = [*FLAGS]
    if target.system != "windows":
        flags.append("-fPIC")
    if sanitize:
        flags += ["-g", "-O1", "-fno-omit-frame-pointer", f"-fsanitize={sanitize}"]
        if "undefined" in sanitize:
            flags.append("-fno-sanitize-recover=undefined")
    elif compiler.is_zig:
        flags.append("-fno-sanitize=undefined")  # zig's default is to trap
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".compile-") as name:
        scratch = Path(name)
        commands, objects = [], []
        for each in target.instruction_sets:
            objects.append(str(scratch / f"{each.name}.o"))
            own = [*each.flags, f"-DML_BYTES={each.width}", f"-DML_ISA={each.name}"]
            commands.append([*flags, *own, "-c", str(SOURCES / ENGINE), "-o", objects[-1]])
        objects.append(str(scratch / "dispatch.o"))
        commands.append([*flags, "-c", str(SOURCES / DISPATCH), "-o", objects[-1]])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, [[*compiler.compile, *command] for command in commands]))
        library = scratch / target.library
        ends = [] if target.system == "windows" else ["-lm", "-lpthread"]
        linking = link_flags(target, compiler, sanitize)
        run([*compiler.link, *linking, "-o", str(library), *objects, *ends])
        os.replace(library, folder / target.library)
    return folder / target.library


def main(arguments: list[str] | None = None) -> int:
    """Compile in place, or where the arguments say."""
    parser = argparse.ArgumentParser(description="Compile the native engine.")
    parser.add_argument("--folder", type=Path, default=SOURCES, help="where the library goes")
    parser.add_argument("--target", choices=WHEELS, help="another machine, by zig's name")
    parser.add_argument("--sanitize", default="", help="address,undefined or thread")
    parser.add_argument("--wheels", action="store_true", help="build a wheel for each target")
    parser.add_argument("--if-changed", action="store_true", help="only if a source is newer")
    parser.add_argument("--has-compiler", action="store_true", help="exit with 0 if one is there")
    options = parser.parse_args(arguments)
    if options.sanitize and options.folder == SOURCES:
        parser.error("--sanitize needs --folder: such a library must not replace the usual one")
    try:
        if options.has_compiler:
            return 0 if not wanted() or system_compiler() else 1
        if not wanted():
            print("MULTILAYER_NATIVE=0: the native engine is not compiled.")
        elif options.wheels:
            build_wheels()
        elif options.if_changed and is_current(options.folder / this_machine().library):
            return 0
        else:
            target = named_target(options.target) if options.target else this_machine()
            print(compile_library(options.folder, target, options.sanitize))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def wanted() -> bool:
    """Return whether the native engine is to be built."""
    value = os.environ.get("MULTILAYER_NATIVE", "1")
    if value not in ("0", "1"):
        raise SettingError(
            f"MULTILAYER_NATIVE must be 0 or 1, got MULTILAYER_NATIVE={value!r}. "
            "0 builds without the native engine."
        )
    return value == "1"


def is_current(library: Path) -> bool:
    """Return whether a library is there and newer than its sources."""
    sources = [Path(__file__), *SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")]
    return library.is_file() and all(
        library.stat().st_mtime >= source.stat().st_mtime for source in sources
    )


def build_wheels() -> None:
    """Build a wheel for each target into dist/; needs hatchling and ziglang."""
    root = SOURCES.parents[2]
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    for target in WHEELS:
        environment = {**os.environ, "MULTILAYER_NATIVE_TARGET": target}
        done = subprocess.run(command, cwd=root, env=environment, check=False)
        if done.returncode:
            raise CompileError(f"The wheel for {target} was not built.")


if __name__ == "__main__":
    sys.exit(main())
