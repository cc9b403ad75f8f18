"""What a perceptron says when its training ended with errors left."""

import warnings

from sklearn.exceptions import ConvergenceWarning

from multilayer._core.warning_level import level_of_caller
from multilayer._sklearn.perceptron.arguments import PerceptronArguments
from multilayer._sklearn.perceptron.passes import Outcome


def warn_of_failure(outcomes: list[Outcome], arguments: PerceptronArguments) -> None:
    """Warn where max_iter ended the training of a unit, or where it could not succeed.

    The rule of `tol` ends it in peace: on data that are nearly separable that is all one wants.
    """
    failed = [outcome for outcome in outcomes if not outcome.converged]
    remedy = "use a network with a hidden layer: multilayer.MLPClassifier."
    if not arguments.fit_intercept:
        remedy = f"set fit_intercept=True, or {remedy}"
    message = ""
    if any(outcome.inseparable for outcome in failed):
        where = "" if arguments.fit_intercept else " by a hyperplane through the origin"
        message = (
            f"The classes are not linearly separable{where}: the weights came back to an earlier "
            "value, so the perceptron never converges, however many passes it makes (XOR is the "
            f"classical case). To separate the classes, {remedy}"
        )
    elif any(outcome.passes >= arguments.max_iter for outcome in failed):
        message = (
            f"max_iter={arguments.max_iter} passes were made, and the last one still had errors: "
            "the perceptron has not converged. Increase max_iter; or, if no hyperplane separates "
            f"the classes (as in XOR), {remedy}"
        )
    if message:
        warnings.warn(message, ConvergenceWarning, stacklevel=level_of_caller())
