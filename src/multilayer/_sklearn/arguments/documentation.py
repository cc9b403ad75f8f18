"""Docstrings of the estimators: what they share is written once.

A class docstring has the marks ``<parameters>`` and ``<attributes>`` where the shared text goes.
"""

from collections.abc import Callable, Iterable, Mapping
from textwrap import fill
from typing import TypeVar

from multilayer._core.activations import HIDDEN
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.schedules import SCHEDULES, WARMUP
from multilayer._optim.solvers import SOLVERS, solvers_with
from multilayer._sklearn.targets.metric_table import METRICS

Class = TypeVar("Class", bound=type)

INDENT = "    "
WIDTH = 96  # of a line, before the indent of the class

PARAMETERS = """\
hidden_layer_sizes : int or sequence of int, default=(100,)
    Units of each hidden layer.
activation : str, callable, multilayer.Activation or sequence of these, default="relu"
    Activation of the hidden layers, one for all or one for each:
    <activations>.
    Each is described at the function of its name in :mod:`multilayer.nn`. Or a function of JAX
    arrays that returns the same shape, such as ``jax.nn.hard_tanh``; or your own record.
solver : str, callable or optax.GradientTransformation, default="adam"
    Update rule, one of:
    <solvers>.
    "lbfgs" works on all rows at once and takes neither batches, schedules, dropout nor validation
    data. Or a factory of an Optax rule, such as ``optax.lion``: it is called with
    ``learning_rate`` and `solver_params`. A ready-made rule, such as ``optax.lion(1e-3)``, has
    its own rate: `learning_rate_init` does not apply, and each instance is compiled separately.
alpha : float, default=0.0001
    Penalty on weights, not on biases: ``alpha * (l1_ratio * sum(|W|) + (1 - l1_ratio) * 0.5 *
    sum(W**2)) / d`` is added to the loss of each batch, where `d` is what the losses of its rows
    are divided by: their number, or with weights what `weight_normalization` says.
batch_size : int or "auto", default="auto"
    Rows per step; "auto" is ``min(200, n_samples)``.
learning_rate : {<schedules>} or multilayer.schedules.Schedule, default="constant"
    Schedule of the learning rate over the ``max_iter`` epochs, by its name or as your own record.
    "invscaling" and "adaptive" apply only to ``solver="sgd"``, as in scikit-learn; with another
    solver the rate is constant. See `schedule_params`.
learning_rate_init : float, default=0.001
    Base learning rate: the first one, or the highest one after a warm-up.
power_t : float, default=0.5
    Exponent of "invscaling": ``learning_rate_init / (t + 1) ** power_t`` after ``t`` rows.
max_iter : int, default=200
    Epochs ("lbfgs": iterations); 0 gives an initialised network.
shuffle : bool, default=True
    Whether rows come in a new order in each epoch.
random_state : int, RandomState instance or None, default=None
    Source of initial weights, order of rows, dropout and validation split. The same number
    gives the same bits on the same machine type, versions and thread count, and the same
    initial weights as scikit-learn's estimator.
tol : float, default=1e-4
    Gain below which an epoch counts as no improvement ("lbfgs": gradient tolerance).
verbose : bool or int, default=False
    Print which engine trains and, if it is XLA, why not the native one; then a line per epoch.
warm_start : bool, default=False
    Continue from the previous fit, the optimizer's state included (scikit-learn starts that
    one anew).
momentum : float, default=0.9
    Momentum of <momentum>, in [0, 1]. The velocity is ``v = momentum * v + gradient`` and the
    update ``-rate * v`` (Optax); scikit-learn has the rate inside the velocity, which is the same
    with a constant rate.
nesterovs_momentum : bool, default=True
    Whether "sgd" uses Nesterov's momentum, which looks ahead.
early_stopping : bool, default=False
    Stop when the validation data show no more improvement, and restore the network of the
    best epoch; see `scoring`. An equal score is no improvement; among epochs with the best score
    the network with the lowest validation loss is restored (in scikit-learn the first). Without
    early stopping the training loss decides when to stop, and the result is the last network.
    "lbfgs" ignores it, as in scikit-learn.
validation_fraction : float, default=0.1
    Fraction of the rows set aside when `early_stopping` is on and ``fit`` gets no `X_val`. For a
    classifier the split is stratified; classes with too few rows for that are split at random, and
    the only row of a class stays in training, with a warning.
beta_1, beta_2 : float, default=0.9, 0.999
    Decay rates of the moments of <beta_1>.
epsilon : float, default=1e-8
    Added to a denominator by "adam" and "adamw", beside the uncorrected second moment, as in
    scikit-learn (Kingma and Ba, 2015, end of section 2); and under the root of it by "adagrad"
    and "rmsprop", as in Optax.
n_iter_no_change : int or inf, default=10
    Epochs without improvement by `tol` that end training.
max_fun : int, default=15000
    Maximum number of evaluations of the loss by "lbfgs".
norm : {None, "batch", "layer"}, default=None
    Normalisation of the hidden layers between their sums and their activation. "batch" (Ioffe and
    Szegedy, 2015) weights the rows by their sample weights and predicts with running moments,
    ``0.9 * old + 0.1 * batch``; "layer" is of each row by itself (Ba et al., 2016).
residual : bool, default=False
    Whether a hidden layer as wide as the one before it adds its input to its output (He et al.,
    2016).
out_activation : str, default="auto"
    Output activation; "auto" is <out_activation>
weight_init : {<weight_inits>}, default="auto"
    Distribution of initial weights. "auto" is the one that suits the activation, for
    scikit-learn's activations the same as there: "glorot_uniform",
    <auto_inits>.
    "truncated_normal" is a normal distribution of standard deviation ``2 / sqrt(inputs)``,
    redrawn beyond two of them.
bias_init : {"auto", "zeros"}, default="auto"
    Initial biases; "auto" draws them within the bound of Glorot's weights, as scikit-learn does.
input_scale : float or None, default=None
    Factor of the inputs, applied inside the program: ``input_scale=1/255`` lets uint8 images stay
    uint8. None leaves inputs unscaled.
network : object or None, default=None
    A custom network in place of dense layers, trained by the same engine: an object with
    ``init(key, n_inputs)`` and ``apply(params, x)``, such as ``nn.sequential(nn.dense(30), nn.relu,
    nn.dense(10))``, see :mod:`multilayer.nn`. Its outputs are those before the output activation.
    Arguments that describe dense layers (`hidden_layer_sizes`, `activation`, `norm`, `dropout`,
    ...) stay at their defaults; `alpha` and `weight_decay` apply to arrays of two axes or more.
reuse_from : FrozenEstimator, path or None, default=None
    A trained network whose first layers this one starts from: ``FrozenEstimator(trained)`` of
    scikit-learn, which ``clone`` leaves unchanged, or the path of its model file.
n_reused_layers : int or None, default=None
    Number of hidden layers taken over; None takes all of the trained network. Their sizes,
    activation, `norm` and `input_scale` must be the same here; the other layers start anew.
freeze_reused : bool, default=False
    Whether the layers taken over stay unchanged (normalised as at prediction). To unfreeze them
    later, set it to False and call ``fit`` with `warm_start`.
dropout : float or sequence of float, default=0.0
    Probability that a hidden unit is dropped in training; one number, or one per hidden layer.
input_dropout : float, default=0.0
    Probability that an input is dropped in training.
input_noise : float, default=0.0
    Standard deviation of Gaussian noise added to the inputs in training (after `input_scale`).
l1_ratio : float, default=0.0
    Fraction of `alpha` that is an L1 penalty, as in scikit-learn's ElasticNet.
max_norm : float or None, default=None
    Largest norm of the incoming weights of each hidden unit, enforced after each update (Srivastava
    et al., 2014).
weight_decay : float, default=0.01
    Decoupled weight decay of <weight_decay> on weights, not biases (Loshchilov and Hutter, 2019);
    `alpha` still applies.
solver_params : dict or None, default=None
    Further arguments of the solver: those of a factory, or of a name
    <solver_params>.
    Changing a float compiles nothing.
schedule_params : dict or None, default=None
    Parameters of the schedule. All have ``warmup_fraction=0`` (of all steps) and
    ``start_factor=0`` (of the base rate), unless it says otherwise here:
    <schedule_params>.
    "one_cycle" rises from a tenth of the base rate over the first fifth of the steps and falls to
    a thousandth of it.
clip_norm : float or None, default=None
    Gradients with a larger global norm are scaled down to it (Pascanu et al., 2013).
accumulate_steps : int, default=1
    Batches per update: the gradient is the mean over their rows, so that ``k`` batches of ``b``
    rows have the effect of one of ``k * b``. The last update of an epoch uses the remaining
    batches.
ema_decay : float or None, default=None
    Predict and validate with an exponential moving average of the parameters over the updates,
    ``d * old + (1 - d) * new`` with ``d = min(ema_decay, (1 + t) / (10 + t))`` after ``t`` of them.
layer_learning_rates : sequence of float or None, default=None
    Factor of the learning rate of each layer, the output layer's last: ``(0.1, 0.3, 1)`` lets the
    first of two hidden layers change slowest. With "adamw" it also scales the weight decay.
weight_normalization : {"batch", "data"}, default="batch"
    By what the losses of a batch are divided where rows have weights `w` (`sample_weight`). "batch"
    is scikit-learn's rule, the sum of the batch's weights: ``sum(w * loss) / sum(w)``. A row of
    large weight among small ones then has less effect than its weight says, the less the smaller
    the batch: rare rows of large weight have almost none. "data" divides by the batch's rows times
    the mean weight of all rows, so that the mean gradient over the batches of an epoch is that of
    all rows at once; a row of weight 0 is a row. Means are over the data of ``fit``, or over the
    rows of all calls of ``partial_fit`` so far (for a model from a file, since it was
    loaded).<class_weights>
precision : {"float32", "float64", "bfloat16"}, default="float32"
    What everything is computed in, whatever the type of X: it says nothing of the precision.
    "float64" is twice as slow, and as exact as scikit-learn; parameters and results are float64
    too. The native engine computes it; a fit that needs XLA is refused unless JAX is set to
    float64 (``jax_enable_x64``; JAX computes in float64 under "float32" as well then). "bfloat16"
    is float32, but for the operands of matrix products in training, which are rounded to 8 bits:
    faster where the processor supports it, slower elsewhere.
device : {"auto", "cpu", "gpu"}, default="auto"
    What computes. "cpu": the native engine, which starts neither JAX nor a compiler; and XLA, on
    the CPU, what that does not cover, such as a `network` or functions of your own, a `solver` of
    Optax, or bfloat16. "gpu": XLA on the accelerator that JAX has. "auto": "cpu", unless
    JAX has an accelerator: the variable JAX_PLATFORMS names one first, or says nothing and the
    plugin of one is installed (``pip install "jax[cuda12]"``); then XLA. JAX is not imported to
    find that out. The attribute `engine_` says what it was: it also predicts with the network,
    here and wherever it is loaded.
scoring : str, multilayer.Metric, callable or None, default=None
    Metric that early stopping monitors and ``validation_scores_`` contains: None for <score>,
    "loss" for the validation loss, a name or your own record, or a function of ``(estimator, X,
    y)``, higher is better. Names are those of scikit-learn's scorers and
    <metrics>.
    It is tried before training: one that fails or is NaN on the validation data is refused.
callbacks : sequence of multilayer.callbacks.Callback or None, default=None
    Called with the progress and at each epoch; they may end training. With "lbfgs" an iteration
    counts as an epoch.
checkpoint : str, path-like, multilayer.Checkpoint or None, default=None
    Folder for checkpoints, so that the same fit, started again after a crash, resumes where it
    stopped, with a bit-identical result; a fit that was finished returns at once. "Same" means the
    data, weights and arguments, except `verbose`, `callbacks` that do not act on training, `device`
    and `transform_layer`. Another engine resumes it with a warning: the result differs in rounding
    and random numbers. SIGINT and SIGTERM wait until a checkpoint is written.
calibration_fraction : float, default=0.0
    Fraction of the rows that ``fit`` sets aside before training, takes no part of training from,
    and calibrates the network on at its end: <calibration>. The split is
    that of `validation_fraction`, whose rows are taken from the others. It cannot change while
    `warm_start` continues a network, and ``partial_fit`` sets no rows aside; see ``calibrate``.
transform_layer : int, default=-1
    Hidden layer whose activations ``transform`` returns; negative numbers count from the end.
"""

ATTRIBUTES = """\
engine_ : {"native", "xla"}
    What trained the network and predicts with it; see `device`.
coefs_, intercepts_ : list of ndarray
    Weights ``(n_inputs, n_units)`` and biases ``(n_units,)`` of each layer.
params_ : pytree of ndarray
    With `network`, its trained parameters, in place of `coefs_` and `intercepts_`.
n_reused_layers_ : int
    Hidden layers that came from `reuse_from`.
norm_scales_, norm_shifts_ : list of ndarray of shape (n_units,)
    Of each hidden layer, with `norm`.
norm_means_, norm_variances_ : list of ndarray of shape (n_units,)
    Running moments of each hidden layer, with ``norm="batch"``.
history_ : dict of ndarray
    One entry per epoch: "epoch", "loss", "validation_loss", "validation_score" (NaN without
    validation data), "learning_rate", "steps", "seconds".
loss_ : float
    Loss of the last epoch: the mean over its batches, penalty included.
best_loss_ : float or None
    Lowest loss; None under early stopping.
loss_curve_ : list of float
    Loss of each epoch.
validation_scores_ : list of float or None
    Score on the validation data after each epoch.
best_validation_score_ : float or None
    The best of them.
n_iter_ : int
    Epochs of the last call.
t_ : int
    Training rows seen.
n_layers_, n_outputs_ : int
    Layers (inputs and outputs counted) and output units.
n_parameters_ : int
    Number of trained parameters: weights, biases, and scales and shifts of normalised layers.
out_activation_ : str
    Output activation.
stop_reason_ : str
    What ended training: "max_iter", "converged", "interrupted", "diverged", "failed", or the
    reason that a callback gave.
fit_seconds_, compile_seconds_ : float
    Seconds of training steps and of compilation in the last call.
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the features, when X has string column names."""


def documented(
    out_activation: str,
    score: str,
    calibration: str,
    class_weights: str = "",
    losses: str = "",
) -> Callable[[Class], Class]:
    """Return a class decorator that puts the shared text into a docstring.

    ``out_activation`` ends the sentence about that argument, ``score`` names the default score,
    ``calibration`` says what rows set aside are for, ``class_weights`` is what
    `weight_normalization` means for them, ``losses`` the names of losses.
    """

    def decorate(cls: Class) -> Class:
        marks = {
            "out_activation": out_activation,
            "score": score,
            "calibration": calibration,
            "class_weights": class_weights,
        }
        shared = filled_in(PARAMETERS, {**tables(), **marks})
        text = (cls.__doc__ or "").replace("<losses>", losses)  # None under python -OO
        text = text.replace("<parameters>", indented(shared.rstrip()))
        cls.__doc__ = text.replace("<attributes>", indented(ATTRIBUTES))
        return cls

    return decorate


def with_texts(texts: Mapping[str, str]) -> Callable[[Class], Class]:
    """Return a class decorator that puts texts at their marks in a docstring, in their order."""

    def decorate(cls: Class) -> Class:
        if cls.__doc__:  # None under python -OO
            cls.__doc__ = filled_in(cls.__doc__, texts)
        return cls

    return decorate


def indented(text: str) -> str:
    """Indent all lines but the first, whose place has its indent."""
    return text.replace("\n", "\n    ").replace("\n    \n", "\n\n")


# Texts derived from the tables of options -----------------------------------------------------


def filled_in(text: str, marks: Mapping[str, str]) -> str:
    """Replace each mark, a name in angle brackets, by its text."""
    for mark, replacement in marks.items():
        text = text.replace(f"<{mark}>", replacement)
    return text


def tables() -> dict[str, str]:
    """Return the texts that are derived from the tables of options."""
    schedule_params = {
        name: {key: value for key, value in schedule.numbers.items() if WARMUP.get(key) != value}
        for name, schedule in SCHEDULES.items()
    }
    solver_params = {name: solver.defaults for name, solver in SOLVERS.items()}
    of_solvers = {
        argument: " and ".join(quoted(solvers_with(argument)))
        for argument in ("momentum", "beta_1", "weight_decay")
    }
    return {
        "schedules": ", ".join(quoted(SCHEDULES)),
        "schedule_params": numbers_of_each(schedule_params),
        "solvers": wrapped(", ".join(quoted(SOLVERS))),
        "solver_params": numbers_of_each(solver_params),
        "weight_inits": ", ".join(quoted(WEIGHT_INITS)),
        "metrics": wrapped(metrics()),
        "activations": wrapped(", ".join(quoted(HIDDEN))),
        "auto_inits": wrapped(", ".join(auto_inits())),
        **of_solvers,
    }


def auto_inits() -> list[str]:
    """Return which activations have weights of their own under "auto"."""
    usual = HIDDEN["identity"].weight_init
    own = [record for record in HIDDEN.values() if record.weight_init != usual]
    return [f'"{record.weight_init}" under "{record.name}"' for record in own]


def metrics() -> str:
    """Return the names of metrics, with those whose negative is the score."""
    negative = [name for name, metric in METRICS.items() if not metric.greater_is_better]
    return f"{', '.join(quoted(METRICS))} (the negative of {' and '.join(quoted(negative))})"


def quoted(names: Iterable[str]) -> list[str]:
    """Return names in the quotes of docstrings."""
    return [f'"{name}"' for name in names]


def numbers_of_each(options: Mapping[str, Mapping[str, float]]) -> str:
    """Return the numbers of each option that has some, with their defaults."""
    parts = [
        f'"{name}": ' + ", ".join(f"``{key}={value:g}``" for key, value in numbers.items())
        for name, numbers in options.items()
        if numbers
    ]
    return wrapped("; ".join(parts))


def wrapped(text: str) -> str:
    """Break a text into lines with the indent of a description; the first line has it already."""
    return fill(text, WIDTH, subsequent_indent=INDENT, break_long_words=False)
