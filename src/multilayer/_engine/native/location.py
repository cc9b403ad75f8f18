"""Where the compiled library of the native engine is.

It lies beside its sources in `_native/`: put there by an installation, which compiles it, or by
`make native`. An installation made with MULTILAYER_NATIVE=0 has none.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "_native"
ENDINGS = {"darwin": ".dylib", "win32": ".dll"}

NOT_BUILT = (
    "The native engine was not built: {path} is missing. Run `make native` in a checkout, or "
    "install multilayer again without MULTILAYER_NATIVE=0."
)


def expected_path() -> Path:
    """Return the path the library has on this system, whether or not it is there."""
    return FOLDER / f"libmultilayer_native{ENDINGS.get(sys.platform, '.so')}"


def library_path() -> Path | None:
    """Return the path of the library, or None if it was not built."""
    path = expected_path()
    return path if path.is_file() else None


def why_not_built() -> str:
    """Return why there is no library, and what to do: for messages where `library_path` is None."""
    return NOT_BUILT.format(path=expected_path())
