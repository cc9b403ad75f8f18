"""What the numbers were measured on, and whether it was idle."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "multilayer",
    "jax",
    "jaxlib",
    "optax",
    "numpy",
    "scikit-learn",
    "torch",
    "keras",
    "tensorflow-cpu",
)


def cpu_info() -> dict[str, str]:
    """Read the first processor's fields of ``/proc/cpuinfo``; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text().split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def versions() -> str:
    """List the installed versions of everything that is compared."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join(found)


def processor() -> str:
    """Name the processor, its cores and its vector units."""
    info = cpu_info()
    model = info.get("model name") or platform.processor() or platform.machine()
    flags = info.get("flags", "").split()
    units = [f"{name}: {'yes' if name in flags else 'no'}" for name in ("avx2", "avx512f")]
    return f"{model}, {os.cpu_count()} cores" + (f" ({', '.join(units)})" if flags else "")


def system() -> str:
    """Name the operating system and the Python."""
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def describe() -> str:
    """Name the machine, its vector units, the system, the versions and the date, in Markdown."""
    return "\n".join(
        [
            f"- Processor: {processor()}",
            f"- System: {system()}",
            f"- Versions: {versions()}",
            f"- Load when the run began: {load():.1f} of {os.cpu_count()} cores",
            f"- Date: {datetime.now(UTC):%Y-%m-%d}",
        ]
    )


def load() -> float:
    """Return the load average over the last minute; 0 where the system keeps none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def warn_if_busy() -> None:
    """Say so on the standard error when something else is running."""
    if load() > 0.3:
        print(
            f"warning: the machine is busy (load {load():.1f}). Libraries that use several threads"
            " suffer most from that: the ratios will be wrong.",
            file=sys.stderr,
        )
