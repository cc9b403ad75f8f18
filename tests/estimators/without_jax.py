"""From a fit to a file and on, without JAX: ``python without_jax.py FOLDER``.

With the native engine where it is built, else with the stand-in, which computes lines.
"""

import pickle
import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone

from multilayer import (
    Checkpoint,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    RealMLPClassifier,
    TabMRegressor,
    TabularClassifier,
    TabularRegressor,
    load,
    save,
)
from multilayer._cli.main import main as main_of_commands
from multilayer._engine import engines
from multilayer.callbacks import EarlyStopping, KeepBest
from multilayer.datasets import load_mnist  # noqa: F401 - it must start no JAX either

HERE = Path(__file__).parent
X = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
Y = X @ np.float32([1, -2, 0.5, 0]) + 0.3
LABELS = np.where(Y > 1, "high", np.where(Y < -1, "low", "middle"))
LINE = {"hidden_layer_sizes": (), "alpha": 0, "solver": "sgd", "momentum": 0}
FEW = {"max_iter": 4, "random_state": 0, "batch_size": 32, "learning_rate_init": 0.05}


def check(done):
    started = {"jax", "jaxlib", "optax"} & set(sys.modules)
    assert not started, f"{done}: {started} imported"


def go_through(estimator, y, folder):
    """Fit, go on, predict, save, copy."""
    name = type(estimator).__name__
    estimator.fit(X, y)
    check(f"{name}.fit")
    assert estimator.engine_ == "native"
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(estimator, method):
            getattr(estimator, method)(X)
            check(f"{name}.{method}")
    estimator.score(X, y)
    assert len(estimator.history_["loss"]) == estimator.n_iter_
    assert estimator.n_parameters_ > 0
    assert "output" in estimator.summary()
    assert repr(estimator)
    assert estimator._repr_mimebundle_()
    if estimator.hidden_layer_sizes != ():
        estimator.transform(X)
    check(f"{name}.score, summary, transform")
    expected = estimator.predict(X)
    save(estimator, folder / f"{name}.safetensors")
    for again in (
        load(folder / f"{name}.safetensors"),
        pickle.loads(pickle.dumps(estimator)),
    ):
        assert again.engine_ == "native"
        np.testing.assert_array_equal(again.predict(X), expected)
    check(f"{name} saved, loaded and pickled")
    clone(estimator).set_params(warm_start=True).fit(X, y).fit(X, y)
    clone(estimator).set_params(early_stopping=True, verbose=True).fit(X, y)
    clone(estimator).fit(X, y, X_val=X, y_val=y)
    watched = clone(estimator).set_params(callbacks=[EarlyStopping(patience=1), KeepBest()])
    watched.fit(X, y, X_val=X, y_val=y)
    check(f"{name} continued, stopped early, validated, called back")
    clone(estimator).set_params(early_stopping=True, scoring=own_score).fit(X, y)
    clone(estimator).set_params(calibration_fraction=0.3).fit(X, y)
    check(f"{name} scored by a function, calibrated")
    kept = Checkpoint(folder / f"{name}-checkpoints", every=3)
    for _ in range(2):
        resumed = clone(estimator).set_params(checkpoint=kept).fit(X, y)
        np.testing.assert_array_equal(resumed.predict(X), expected)
    check(f"{name} checkpointed and resumed")


def go_through_tables(folder):
    """The estimators of raw tables: fit, predict, save, copy, resume."""
    table = np.column_stack([X, np.repeat(["a", "b", "c"], 40)]).astype(object)
    few = {"random_state": 0, "verbose": True}
    for estimator, y in (
        (TabularClassifier(n_folds=2, n_estimators=2, **few), LABELS),
        (TabularRegressor(n_folds=2, n_estimators=2, **few), Y),
        (RealMLPClassifier(max_iter=2, hidden_layer_sizes=8, **few), LABELS),
        (TabMRegressor(max_iter=2, k=3, hidden_layer_sizes=8, **few), Y),
    ):
        name = type(estimator).__name__
        estimator.set_params(checkpoint=folder / f"{name}-checkpoints").fit(table, y)
        assert estimator.engine_ == "native"
        expected = estimator.predict(table)
        save(estimator, folder / f"{name}.safetensors")
        for again in (
            load(folder / f"{name}.safetensors"),
            pickle.loads(pickle.dumps(estimator)),
            clone(estimator).fit(table, y),  # the checkpoint of a finished fit
        ):
            assert again.engine_ == "native"
            np.testing.assert_array_equal(again.predict(table), expected)
        check(name)


def use_the_command_line(folder):
    data, model = str(folder / "data.npz"), str(folder / "trained.safetensors")
    np.savez(data, X=X, y=LABELS)
    lines = [f"{a:.3f},{b:.3f},{y}" for (a, b, *_), y in zip(X, LABELS, strict=True)]
    table = folder / "table.csv"
    table.write_text("\n".join(["a,b,y", *lines]))
    for command in (
        ("train", str(table), "--target", "y", "--model", model, "--quiet"),
        ("predict", model, str(table), "--output", str(folder / "labels.csv")),
        ("train", data, "--epochs", "2", "--hidden", "8", "--model", model, "--quiet"),
        ("predict", model, data, "--output", str(folder / "predictions.csv")),
        ("evaluate", model, data),
        ("info", model),
    ):
        assert main_of_commands(list(command)) == 0, command
        check(f"multilayer {command[0]}")


def own_score(estimator, X, y):
    return estimator.score(X, y)


def main(folder):
    warnings.simplefilter("ignore")  # of fits that are short
    check("import")
    constructed = clone(MLPClassifier((3, 4), solver="adamw").set_params(alpha=0.5))
    assert constructed.get_params()["alpha"] == 0.5
    repr(constructed), constructed.__sklearn_tags__()
    check("constructing and cloning")
    Perceptron(early_stopping=True).fit([[0], [1]] * 20, [0, 1] * 20).predict([[1]])
    check("a perceptron")
    regressor = MLPRegressor(**LINE, **FEW)
    go_through(regressor, Y, folder)
    clone(regressor).partial_fit(X, Y).partial_fit(X, Y)
    clone(regressor).set_params(solver="lbfgs").fit(X, Y)
    check("partial_fit and lbfgs")
    if not STOOD_IN:
        go_through(MLPClassifier((8,), **FEW), LABELS, folder)
        classifier = MLPClassifier((6, 6), norm="batch", dropout=0.1, ema_decay=0.9, **FEW)
        classifier.partial_fit(X, LABELS, classes=np.unique(LABELS)).predict(X)
        check("partial_fit of a classifier")
        go_through_tables(folder)
        use_the_command_line(folder)
    print("nothing started JAX", "by the stand-in" if STOOD_IN else "natively")


if __name__ == "__main__":
    STOOD_IN = bool(engines.native_problem())
    if STOOD_IN:
        stand_in = runpy.run_path(str(HERE.parent / "engine" / "native_stand_in.py"))
        with stand_in["standing_in"]():
            main(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]))
