"""``multilayer info``: what a model file says of itself; neither JAX nor scikit-learn is loaded."""

from numbers import Real
from typing import Any

from multilayer._cli import options as o
from multilayer._cli.console import results, say, say_json
from multilayer._core.errors import ModelFileError
from multilayer._core.wording import count, listed

KINDS: dict[str, Any] = {
    "classes": list,
    "n_classes": int,
    "n_features": int,
    "features": list,
    "target": str,
    "data": str,
    "loss": Real,
    "best_validation_score": Real,
    "n_iter": int,
    "fit_seconds": Real,
    "stop_reason": str,
}
"""What facts must be, where they are known."""


def info(model: o.MODEL, json: o.JSON = False) -> None:
    """Show what a model file holds."""
    from multilayer._cli import report
    from multilayer._sklearn.saving.checked_file import read_checked

    manifest = read_checked(model)
    try:
        facts = described(manifest)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{model} is damaged: its description lacks {error}.") from error
    except ModelFileError as error:
        raise ModelFileError(f"{model} is damaged: {error}") from error
    for name, kind in KINDS.items():
        known = facts[name] is not None or name == "n_iter"
        if known and not isinstance(facts[name], kind):
            raise ModelFileError(f"{model} is damaged: its {name} is no {kind.__name__}.")
    if json:
        say_json({"model": str(model), **facts})
        return
    console = results()
    say(console, (str(model), "bold"))
    report.print_pairs(console, list(_pairs(facts).items()))


def described(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the facts in a manifest."""
    from multilayer._cli import manifests
    from multilayer._cli.report import n_parameters
    from multilayer._persist.values import decode

    steps, data = manifest["steps"], manifest.get("data") or {}
    network, first = manifests.estimator(steps), manifests.inputs(steps)
    fitted = {name: decode(value) for name, value in network["fitted"].items() if name != "classes"}
    params = {name: decode(value) for name, value in network["params"].items()}
    sizes = manifests.layer_sizes(network)
    classes = network["fitted"].get("classes")
    figures = ("loss", "best_validation_score", "n_iter", "fit_seconds", "stop_reason")
    return {
        "kind": manifests.kinds(steps),
        "layers": sizes,
        "n_parameters": n_parameters(sizes, normalised=params.get("norm") is not None),
        "activation": params.get("activation", "heaviside"),
        "classes": manifests.labels(classes),
        "n_classes": manifests.count(classes),
        "n_features": first["n_features"] if "n_features" in first else sizes[0],
        "features": data.get("features") or first.get("feature_names"),
        "target": data.get("target"),
        "data": data.get("source"),
        "solver": params.get("solver", "perceptron rule"),
        **{name: fitted.get(name) for name in figures},
        "versions": manifest["versions"],
    }


def _pairs(facts: dict[str, Any]) -> dict[str, str]:
    """Return the facts as lines."""
    from multilayer._cli import report

    classes, features, n_classes = facts["classes"], facts["features"], facts["n_classes"]
    shown: dict[str, Any] = {
        "kind": facts["kind"],
        "network": ", ".join(
            (report.network(facts["layers"], facts["n_parameters"]), str(facts["activation"]))
        ),
        "classes": n_classes and f"{n_classes:,}" + (f": {listed(classes)}" if classes else ""),
        "features": f"{facts['n_features']:,}" + (f": {listed(features)}" if features else ""),
        "trained on": facts["data"],
        "target": facts["target"],
        "training": _training(facts),
        "versions": ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
    }
    return {name: value for name, value in shown.items() if value}


def _training(facts: dict[str, Any]) -> str:
    from multilayer._cli.report import percent, seconds

    epochs = count(facts["n_iter"], "epoch")
    if facts["fit_seconds"] is not None:
        epochs += f" in {seconds(facts['fit_seconds'])}"
    parts = [str(facts["solver"]), epochs]
    if facts["loss"] is not None:
        parts.append(f"loss {facts['loss']:.4f}")
    if facts["best_validation_score"] is not None:
        best = facts["best_validation_score"]
        numbers = facts["n_classes"] is None
        parts.append(
            f"best validation {f'R2 {best:.4f}' if numbers else f'accuracy {percent(best)}'}"
        )
    if facts["stop_reason"] in ("interrupted", "diverged"):
        parts.append(facts["stop_reason"])
    return ", ".join(parts)
