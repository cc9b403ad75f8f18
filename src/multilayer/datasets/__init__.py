"""Data embedded in the package: nothing is downloaded."""

from multilayer.datasets._mnist import load_mnist
from multilayer.datasets._sample_tables import load_fuel_economy, load_rodents, path

__all__ = ["load_fuel_economy", "load_mnist", "load_rodents", "path"]
