"""``multilayer info``: what a model file says of itself; neither JAX nor scikit-learn is loaded."""

from typing import Any

from multilayer._cli import options as o
from multilayer._cli.console import listed, results, say, say_json
from multilayer._core.errors import ModelFileError


def info(model: o.MODEL, json: o.JSON = False) -> None:
    """Show what a model file holds."""
    from multilayer._cli import report
    from multilayer._persist.model_file import read_manifest

    manifest = read_manifest(model)
    try:
        facts = described(manifest)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{model} is damaged: its description lacks {error}.") from error
    if json:
        say_json({"model": str(model), **facts})
        return
    console = results()
    say(console, (str(model), "bold"))
    report.print_pairs(console, list(_pairs(facts).items()))


def described(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the facts in a manifest."""
    from multilayer._cli.report import n_parameters
    from multilayer._persist.values import decode

    steps, data = manifest["steps"], manifest.get("data") or {}
    network = steps[-1]
    fitted = {name: decode(value) for name, value in network["fitted"].items() if name != "classes"}
    params = {name: decode(value) for name, value in network["params"].items()}
    figures = ("loss", "best_validation_score", "n_iter", "fit_seconds", "stop_reason")
    return {
        "kind": " + ".join(step["kind"] for step in steps),
        "layers": fitted["layer_sizes"],
        "n_parameters": n_parameters(
            fitted["layer_sizes"], normalised=params.get("norm") is not None
        ),
        "activation": params["activation"],
        "classes": _classes(network["fitted"].get("classes")),
        "n_features": fitted["layer_sizes"][0],
        "features": data.get("features") or steps[0]["fitted"]["feature_names"],
        "target": data.get("target"),
        "data": data.get("source"),
        "solver": params["solver"],
        **{name: fitted.get(name) for name in figures},
        "versions": manifest["versions"],
    }


def _classes(encoded: Any) -> list[Any] | None:
    """Return class labels, a list of them for several outputs, None for a regressor."""
    if encoded is None:
        return None
    if isinstance(encoded, list):
        return [each["values"] for each in encoded]
    return encoded["values"]


def _pairs(facts: dict[str, Any]) -> dict[str, str]:
    """Return the facts as lines."""
    from multilayer._cli import report

    classes, features = facts["classes"], facts["features"]
    shown: dict[str, Any] = {
        "kind": facts["kind"],
        "network": ", ".join(
            (report.network(facts["layers"], facts["n_parameters"]), str(facts["activation"]))
        ),
        "classes": f"{len(classes):,}: {listed(classes)}" if classes else None,
        "features": f"{facts['n_features']:,}" + (f": {listed(features)}" if features else ""),
        "trained on": facts["data"],
        "target": facts["target"],
        "training": _training(facts),
        "versions": ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
    }
    return {name: value for name, value in shown.items() if value}


def _training(facts: dict[str, Any]) -> str:
    from multilayer._cli.console import count
    from multilayer._cli.report import percent, seconds

    epochs = count(facts["n_iter"], "epoch")
    if facts["fit_seconds"] is not None:
        epochs += f" in {seconds(facts['fit_seconds'])}"
    parts = [facts["solver"], epochs]
    if facts["loss"] is not None:
        parts.append(f"loss {facts['loss']:.4f}")
    if facts["best_validation_score"] is not None:
        best = facts["best_validation_score"]
        numbers = facts["classes"] is None
        parts.append(
            f"best validation {f'R2 {best:.4f}' if numbers else f'accuracy {percent(best)}'}"
        )
    if facts["stop_reason"] in ("interrupted", "diverged"):
        parts.append(facts["stop_reason"])
    return ", ".join(parts)
