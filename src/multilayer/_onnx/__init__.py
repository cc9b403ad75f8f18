"""Fitted models as ONNX graphs."""

from importlib import import_module


def require_packages() -> None:
    """Refuse to convert where a package of the extra is missing, before one is imported."""
    try:
        for package in ("onnx", "skl2onnx"):
            import_module(package)
    except ImportError as error:
        raise ImportError(
            f"ONNX export needs {error.name}, which is not installed. "
            "Install it: pip install onnx skl2onnx"
        ) from error
