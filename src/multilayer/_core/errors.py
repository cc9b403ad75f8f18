"""The exceptions this package raises; each also inherits the type that users would catch."""


class MultilayerError(Exception):
    """Base class of every exception defined here."""

    __module__ = "multilayer"


class InvalidArgumentError(MultilayerError, ValueError):
    """An argument has a value that cannot be used."""

    __module__ = "multilayer"


class DataError(MultilayerError, ValueError):
    """The data given cannot be used as they are."""

    __module__ = "multilayer"


class DivergenceError(MultilayerError, ValueError):
    """Training produced a loss that is not finite.

    The estimator has the best finite parameters that it had reached.
    """

    __module__ = "multilayer"


class ModelFileError(MultilayerError, ValueError):
    """A file is not a model that this version can read, or cannot be written as one."""

    __module__ = "multilayer"


class ForkedProcessError(MultilayerError, RuntimeError):
    """A process forked after the compiled engine was used tries to use it again."""

    __module__ = "multilayer"
