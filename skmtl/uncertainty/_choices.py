r"""Class probabilities as choices that a calibration map is for, and back.

Without an order a row is one choice among K classes. With one, it is a choice of "higher or not" at
each of the K - 1 thresholds: one map for all of them keeps their order.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._columns import match

Array = NDArray[Any]


class Choices(NamedTuple):
    """Of a task: its number of ``options``, ``order`` of its classes where they have one.

    Tasks with the same ``key`` may have maps that are alike.
    """

    key: Hashable
    options: int
    order: Array | None = None

    @classmethod
    def of(cls, task: Any) -> Choices:
        """Those of a task with classes."""
        if hasattr(task, "ordered_classes_"):
            return cls("ordered", 2, match(task.classes_, task.ordered_classes_))
        n_classes = len(task.classes_)
        # Of two classes the second is the positive one, whatever it is called.
        key = 2 if n_classes == 2 else tuple(task.classes_.tolist())
        return cls(key, n_classes)

    @property
    def per_row(self) -> int:
        """Choices of a row."""
        return 1 if self.order is None else len(self.order) - 1

    def split(self, expected: Array) -> Array:
        """Probabilities (n * per_row, options) of class probabilities (n, n_classes)."""
        if self.order is None:
            return expected
        above = expected[:, self.order[::-1]].cumsum(axis=1)[:, -2::-1].ravel()
        return np.column_stack([1.0 - above, above])

    def codes(self, values: Array) -> NDArray[np.intp]:
        """What was chosen (n * per_row,), of class codes (n,)."""
        codes = values.astype(np.intp)
        if self.order is None:
            return codes
        rank = np.argsort(self.order)[codes]
        above: Array = rank[:, None] > np.arange(self.per_row)
        return above.ravel().astype(np.intp)

    def join(self, probabilities: Array) -> Array:
        """The way back from `split`."""
        if self.order is None:
            return probabilities
        above = probabilities[:, 1].reshape(-1, self.per_row)
        ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
        by_rank = -np.diff(np.hstack([ends[0], above, ends[1]]), axis=1)
        expected = np.empty_like(by_rank)
        expected[:, self.order] = np.maximum(by_rank, 0.0)
        return expected
