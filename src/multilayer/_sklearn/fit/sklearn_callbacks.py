"""scikit-learn's own callbacks, which it has from 1.9 on, called at each epoch.

They are set with ``set_callbacks``, or come down from a search or a pipeline that has some.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, Run, Stop
from multilayer._sklearn.network.parameters import network_attributes

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.fit.assembly import Plan

__all__ = ["CallbackSupportMixin", "notify_sklearn", "with_callbacks"]


class EpochNotifier(Callback):
    """Reports each epoch to scikit-learn's callbacks as a task of the fit."""

    def __init__(
        self, estimator: "BaseMLP", plan: "Plan", context: Any, data: dict[str, object]
    ) -> None:
        self._estimator, self._plan, self._context, self._data = estimator, plan, context, data

    def on_train_begin(self, run: Run) -> None:
        """Store the run, for the network after each epoch."""
        self._run = run

    def on_epoch_end(self, report: Report) -> Stop | None:
        """Begin and end the task of an epoch: how many there will be is not known beforehand."""
        epoch = self._context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        stop = epoch.call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: network_attributes(
                self._estimator, self._plan, self._run.network
            ),
            **self._data,
        )
        return Stop() if stop else None


@contextmanager
def notify_sklearn(
    estimator: "BaseMLP",
    plan: "Plan",
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
) -> Iterator[list[Callback]]:
    """Begin and end the fit for the estimator's callbacks; yields what reports epochs to them."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    data: dict[str, object] = {"X": X, "y": y, "metadata": metadata}
    context = estimator._init_callback_context(max_subtasks=estimator.max_iter)
    context.call_on_fit_task_begin(estimator=estimator, **data)
    yield [EpochNotifier(estimator, plan, context, data)]
    context.call_on_fit_task_end(estimator=estimator, reconstruction_attributes=lambda: {}, **data)
