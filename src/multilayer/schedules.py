"""Learning-rate schedules: those with a name, and schedules of your own.

Pass a :class:`Schedule` as ``learning_rate`` to an estimator; `SCHEDULES` has those with a name.
"""

from multilayer._optim.schedules import SCHEDULES, Schedule

__all__ = ["SCHEDULES", "Schedule"]
