"""The rule of the perceptron by the native engine, see ``_native/perceptron.h``.

Weights, biases and updates are those of ``rule.py`` to the last bit, and so is the loss without a
penalty. With one, the loss is the same but for rounding: norms of the weights are added up in
another order. Everything that the library is to read is checked here before it is called.
"""

import numpy as np

from multilayer._core.checks import refuse
from multilayer._data.csr_rows import checked_csr
from multilayer._data.row_blocks import RowBlocks
from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import pointer
from multilayer._sklearn.perceptron.rule import Lesson, Passes, Penalty, Rule, Tally, Unit

ROW_TYPES = (*lib.X_TYPES, "int32", "int64")
"""Types of dense rows, in the order of ``visit_rows``; all others become float64."""

SPARSE = -1
CALL_ENTRIES = 1 << 24  # numbers that a call looks at: some hundredths of a second


class NativeRule:
    """The rule over rows that the library reads: dense in their own type, or sparse in float64."""

    def __init__(self, rows: RowBlocks) -> None:
        n_rows, n_features = rows.X.shape
        norms = np.ascontiguousarray(rows.norms, np.float64)
        self._owners: tuple[np.ndarray, ...]  # alive as long as the pointers
        if rows.sparse:
            values, indices, starts = checked_csr(rows.X)
            entries = len(values) // n_rows
            self._visit = lib.Visit(
                X_type=SPARSE,
                index_bytes=indices.itemsize,
                indices=pointer(indices),
                indptr=pointer(starts),
                n_entries=len(values),
            )
            self._owners = norms, values, indices, starts
        else:
            as_it_is = rows.X.dtype.name in ROW_TYPES and rows.X.dtype.isnative
            values = np.ascontiguousarray(rows.X, None if as_it_is else np.float64)
            entries = n_features
            self._visit = lib.Visit(X_type=ROW_TYPES.index(values.dtype.name))
            self._owners = norms, values
        self._visit.X, self._visit.norms = pointer(values), pointer(norms)
        self._visit.n_rows, self._visit.n_features = n_rows, n_features
        self.rows_per_call = max(1, CALL_ENTRIES // max(1, entries))

    def passes_of(self, unit: Unit, lesson: Lesson, rule: Rule) -> Passes:
        """Return the passes of a unit over these rows."""
        visitor = Visitor(self, unit, lesson, rule)
        return visitor.visit, visitor.settle

    def visit(self) -> lib.Visit:
        """Return a structure with the rows, for one unit."""
        return lib.Visit.from_buffer_copy(self._visit)


class Visitor:
    """A unit that visits rows: its weights and its bias are changed in place."""

    def __init__(self, native: NativeRule, unit: Unit, lesson: Lesson, rule: Rule) -> None:
        self._unit, self._rows_per_call, visit = unit, native.rows_per_call, native.visit()
        for name, array, n in (
            ("targets", lesson.targets, visit.n_rows),
            ("sizes", lesson.sizes, visit.n_rows),
            ("weights", unit.weights, visit.n_features),
        ):
            usable = array.flags.c_contiguous and array.dtype == np.float64
            if not (usable and array.shape == (n,)):
                refuse(name, f"{n} contiguous numbers of float64", array)
        paid = np.zeros_like(unit.weights) if rule.alpha else None
        visit.targets, visit.sizes = pointer(lesson.targets), pointer(lesson.sizes)
        visit.weights, visit.paid = pointer(unit.weights), pointer(paid)
        visit.learns_bias, visit.bias_share = rule.learns_bias, rule.bias_share
        visit.alpha, visit.l1_ratio = rule.alpha, rule.l1_ratio
        visit.owed_step, visit.shrink_by, visit.factor = rule.owed, rule.shrunk, 1.0
        if rule.alpha:
            penalty = Penalty.on(unit)
            visit.square, visit.absolute = penalty.square, penalty.absolute
        self._visit, self._owners = visit, (native, lesson, paid)

    def visit(self, order: np.ndarray) -> Tally:
        """Visit rows in this order."""
        visit, library = self._visit, lib.library()
        order = np.ascontiguousarray(order, np.int64)
        if len(order) and not (order.min() >= 0 and order.max() < visit.n_rows):
            refuse("order", f"numbers of rows from 0 to {visit.n_rows - 1}", order)
        visit.order, visit.n_order = pointer(order), len(order)
        visit.bias, visit.loss, visit.updates = self._unit.bias, 0.0, 0
        # A short call at a time: signals wait for its end.
        for first in range(0, len(order), self._rows_per_call):
            visit.first, visit.stop = first, min(first + self._rows_per_call, len(order))
            lib.check(library.ml_visit(visit))
        self._unit.bias = float(visit.bias)
        return Tally(float(visit.loss), int(visit.updates))

    def settle(self) -> None:
        """Multiply into the weights by what a penalty has shrunk all of them."""
        if self._visit.factor != 1:
            self._unit.weights *= self._visit.factor
            self._visit.factor = 1.0


def permutation(n_rows: int, seed: int) -> np.ndarray:
    """Return the permutation of ``_data.order.drawn_permutation``."""
    order = np.empty(n_rows, np.int64)
    lib.check(lib.library().ml_shuffle(seed, n_rows, pointer(order)))
    return order
