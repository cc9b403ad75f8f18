"""A callback for people who write their own objective for Optuna."""

from typing import TYPE_CHECKING

from multilayer._core.checks import check_choice, refuse
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.callbacks.stop_rules import SIGNS, value_of

if TYPE_CHECKING:
    from optuna.trial import Trial


class OptunaPruning(Callback):
    """Report a figure of each epoch to a trial of Optuna, and end the fit where it is pruned.

    Put it into ``callbacks`` of an estimator inside an objective of yours. Where Optuna's pruner
    says so, ``fit`` raises ``optuna.TrialPruned``, which ends the trial. `MLPSearchCV` needs none
    of this: it compares configurations by their mean over folds that train in step.

    Parameters
    ----------
    trial : optuna.trial.Trial
        What Optuna passes to the objective.
    monitor : {"loss", "validation_loss", "validation_score"}, default="validation_score"
        What to report; the study's direction must be that of the figure: "minimize" for the first
        two, "maximize" for the third. The second and third need validation rows: ``X_val`` and
        ``y_val`` of ``fit``, or ``early_stopping=True``.

    Raises
    ------
    InvalidArgumentError
        `monitor` is none of these, or the study has the other direction (a ValueError).

    Examples
    --------
    >>> import optuna
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from multilayer import MLPClassifier
    >>> from multilayer.search import OptunaPruning
    >>> X, X_val, y, y_val = train_test_split(*load_iris(return_X_y=True), random_state=0)
    >>> def objective(trial):
    ...     rate = trial.suggest_float("learning_rate_init", 1e-3, 1e-1, log=True)
    ...     network = MLPClassifier(
    ...         (16,),
    ...         learning_rate_init=rate,
    ...         learning_rate="cosine",
    ...         max_iter=30,
    ...         callbacks=[OptunaPruning(trial)],
    ...     )
    ...     return network.fit(X, y, X_val=X_val, y_val=y_val).score(X_val, y_val)
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=5)
    >>> len(study.trials)
    5
    """

    __module__ = "multilayer.search"

    def __init__(self, trial: "Trial", monitor: str = "validation_score") -> None:
        check_choice("monitor", monitor, SIGNS)
        wanted = "MINIMIZE" if SIGNS[monitor] > 0 else "MAXIMIZE"
        direction = trial.study.direction.name
        if direction != wanted:
            refuse(
                "monitor",
                f"a figure to {direction.lower()}, as the study's direction says",
                monitor,
                f"Create the study with direction={wanted.lower()!r}, or monitor another figure.",
            )
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, report: Report) -> None:
        """Report the epoch; raise where the trial is pruned.

        Raises
        ------
        optuna.TrialPruned
            The pruner of the study says that the trial is not worth going on with.
        """
        from optuna import TrialPruned  # late: an extra, which whoever has a trial has

        self.trial.report(
            SIGNS[self.monitor] * value_of(report, self.monitor), int(report["epoch"])
        )
        if self.trial.should_prune():
            raise TrialPruned(f"pruned after epoch {report['epoch']}")
