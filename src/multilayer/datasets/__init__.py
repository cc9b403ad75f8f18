"""Data embedded in the package: nothing is downloaded."""

from multilayer.datasets._mnist import load_mnist

__all__ = ["load_mnist"]
