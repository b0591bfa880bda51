r"""What isotonic regression sees in the labels of a task beyond slope and shifts.

Of a class with probability g after `Scaling`, and the isotonic regression f of its indicator on g,

.. math:: p' = \frac{n_t f(g) + n_0 g}{n_t + n_0},

for :math:`n_t` labels: g counts as :math:`n_0` labels more, so that tasks with few of them keep it.
As g rises, so does p': there are no ties that were none before. Several classes have a map each;
their sum is made 1.

References
----------
B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability
estimates", KDD 2002, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from skmtl.tasks._rows import rows_by_task

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Isotonic:
    """``corners[t]``: of every class, of two the second, g and f at the corners of its map.

    ``n_labels`` (n_tasks,).
    """

    corners: list[list[tuple[Array, Array]]]
    n_labels: Array

    @classmethod
    def fit(
        cls, probabilities: Array, codes: Array, weights: Array, task: Array, n_tasks: int
    ) -> Self:
        """Learn the maps of all tasks from probabilities (n, K) beside labels."""
        classes = _mapped(probabilities.shape[1])
        corners = [
            [_corners(probabilities[rows, k], codes[rows] == k, weights[rows]) for k in classes]
            if len(rows)
            else []
            for rows in rows_by_task(task, n_tasks)
        ]
        return cls(corners, np.bincount(task, weights, n_tasks))

    def __call__(self, probabilities: Array, task: Array, n_imagined: float) -> Array:
        """Probabilities of rows; those of an unknown task, -1, stay."""
        if np.isinf(n_imagined):
            return probabilities
        found = probabilities.copy()
        classes = _mapped(probabilities.shape[1])
        for rows, corners, n in zip(
            rows_by_task(task, len(self.corners)), self.corners, self.n_labels, strict=True
        ):
            if not len(rows):
                continue
            share = n / (n + n_imagined)
            for k, (at, value) in zip(classes, corners, strict=False):
                g = probabilities[rows, k]
                found[rows, k] = share * np.interp(g, at, value) + (1.0 - share) * g
        if len(classes) == 1:
            found[:, 0] = 1.0 - found[:, 1]
            return found
        return found / found.sum(axis=1, keepdims=True)


def _mapped(n_classes: int) -> range:
    return range(1, 2) if n_classes == 2 else range(n_classes)


def _corners(g: Array, is_class: Array, weights: Array) -> tuple[Array, Array]:
    regression = IsotonicRegression(y_min=0.0, y_max=1.0).fit(g, is_class, weights)
    return regression.X_thresholds_, regression.y_thresholds_
