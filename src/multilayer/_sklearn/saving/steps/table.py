"""The kinds of preprocessing and composition in model files."""

from multilayer._sklearn.saving.steps import (
    categories,
    column_transformer,
    compositions,
    numbers,
    projections,
)
from multilayer._sklearn.saving.steps.compositions import CompositionKind
from multilayer._sklearn.saving.steps.transformer_kind import TransformerKind

TRANSFORMERS: dict[str, TransformerKind] = {
    kind.name: kind for kind in (*numbers.KINDS, *categories.KINDS, *projections.KINDS)
}
COMPOSITIONS: dict[str, CompositionKind] = {
    kind.name: kind for kind in (*compositions.KINDS, *column_transformer.KINDS)
}
"""Kinds with members."""
KINDS = (*TRANSFORMERS, *COMPOSITIONS)
