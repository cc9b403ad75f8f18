"""Hatchling's hook: compiles the native engine for wheels and editable installs.

Environment: MULTILAYER_NATIVE=0 builds without it, MULTILAYER_NATIVE_TARGET names another machine.
"""

import importlib.util
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


def _load_compile_module():
    """Load tools/compile_native.py by its path: `tools` is no package."""
    path = ROOT / "tools" / "compile_native.py"
    spec = importlib.util.spec_from_file_location("multilayer_compile_native", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


native = _load_compile_module()


def chosen_target():
    """Return the machine to compile for."""
    name = os.environ.get("MULTILAYER_NATIVE_TARGET")
    return native.named_target(name) if name else native.this_machine()


@contextmanager
def plain_messages() -> Iterator[None]:
    """End with the message of an error alone: pip shows it, without a traceback of the hook."""
    try:
        yield
    except native.BuildError as error:
        sys.exit(f"The native engine of multilayer was not built. {error}")


class NativeBuildHook(BuildHookInterface):
    """Compile the library; put it into the wheel, or in place for an editable install."""

    def dependencies(self) -> list[str]:
        """Ask for ziglang only where no compiler is found."""
        with plain_messages():
            if self.target_name != "wheel" or not native.wanted():
                return []
            needs_zig = chosen_target().zig or native.system_compiler() is None
            return ["ziglang>=0.13"] if needs_zig else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is written."""
        self.scratch = None
        with plain_messages():
            if self.target_name == "wheel" and native.wanted():
                self._compile(version == "editable", build_data)

    def _compile(self, in_place: bool, build_data: dict[str, Any]) -> None:
        target = chosen_target()
        if in_place:
            native.compile_library(native.SOURCES, target)
        else:
            self.scratch = tempfile.TemporaryDirectory()
            try:
                library = native.compile_library(Path(self.scratch.name), target)
            except native.BuildError:
                self.scratch.cleanup()  # `finalize` is not called after an error
                raise
            build_data["force_include"][str(library)] = f"multilayer/_native/{library.name}"
        machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{native.WHEELS.get(target.zig, machine)}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled for a wheel."""
        if self.scratch is not None:
            self.scratch.cleanup()
