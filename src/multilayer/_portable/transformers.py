"""Transformers of scikit-learn in NumPy: forth, and back where targets were transformed."""

from multilayer._portable import categories, columns, scaling, splines
from multilayer._portable.inverses import INVERSES
from multilayer._portable.predictor import Step, Transforms
from multilayer._sklearn.saving.model_steps import TransformerValues
from multilayer._sklearn.saving.steps.table import TRANSFORMERS as KINDS

TRANSFORMERS: Transforms = {
    **scaling.TRANSFORMS,
    **columns.TRANSFORMS,
    **categories.TRANSFORMS,
    **splines.TRANSFORMS,
}


def forward_step(values: TransformerValues) -> Step:
    """Return a transformer of these values."""
    transform = TRANSFORMERS[values.kind](values)
    return Step(transform, values.n_features_in_, values.feature_names)


def inverse_step(values: TransformerValues) -> Step:
    """Return what undoes a transformer of these values."""
    return Step(INVERSES[values.kind](values), KINDS[values.kind].n_out(values), None)
