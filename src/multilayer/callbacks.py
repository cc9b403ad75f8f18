"""Callbacks: they observe training, and may end it.

Pass instances as ``callbacks=[...]`` to an estimator, or subclass :class:`Callback`.
"""

from multilayer._engine.callbacks.logs import CSVLog, TensorBoard
from multilayer._engine.callbacks.printing import ProgressBar
from multilayer._engine.callbacks.protocol import Callback, Progress, Run, Stop
from multilayer._engine.callbacks.stop_rules import EarlyStopping, KeepBest, TimeBudget

__all__ = [
    "CSVLog",
    "Callback",
    "EarlyStopping",
    "KeepBest",
    "Progress",
    "ProgressBar",
    "Run",
    "Stop",
    "TensorBoard",
    "TimeBudget",
]
