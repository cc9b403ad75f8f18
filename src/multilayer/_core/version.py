"""The version of this package."""

import sys


def version() -> str:
    """Return the version, which the root module holds: the build reads it there."""
    # Python imports a package before any of its modules, so the root is always loaded here; an
    # import statement would make this lowest folder depend on the facade above all others.
    return sys.modules["multilayer"].__version__
