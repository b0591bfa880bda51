r"""How large residuals are, learned from X where the estimator does not say.

A clone of the estimator learns :math:`\log |r|`, with the residuals r of training rows by models
of inner folds, and its exponential is the scale: noise whose logarithm is linear in X [1]_, for
linear models. Held-out labels have no part in it.

References
----------
.. [1] A. C. Harvey, "Estimating regression models with multiplicative heteroscedasticity",
   Econometrica 44, 1976, eq. 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._meta import expected_of, fit_prepared
from skmtl.tasks import Regression, Task
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._bands import Band

Array = NDArray[Any]

N_INNER = 3
"""Inner folds: residuals of models of two thirds of the rows have the same pattern in X."""

LEAST = 1e-3
"""Share of the typical residual that counts as one, so that there is a logarithm."""

SHARE = 0.01
"""Of residuals beyond the ends: predictions stay between, as an exponential runs away."""


@dataclass(frozen=True, eq=False)
class LearnedScale:
    """What learned the logarithms of residuals of some columns, and their ends.

    ``middles`` are for tasks of which it knows no residual, in long form.
    """

    estimator: Any
    columns: list[int]
    tasks: list[Task]
    ends: list[Array]
    middles: list[float]
    is_long: bool

    @classmethod
    def fit(cls, X: Any, targets: Targets, held_out: Sequence[Any], prepare: Any) -> Self | None:
        """From the labels that models of inner folds did not see; None where there are too few."""
        known = [k for k, c in enumerate(held_out) if isinstance(c.said, Band) and len(c.rows) > 1]
        if not known:
            return None
        values, weights = np.zeros((2, len(targets.weights), len(known)))
        given = targets.weights.reshape(len(weights), -1)
        ends, middles = [], []
        for j, k in enumerate(known):
            column = held_out[k]
            size = np.abs(column.values - column.said.centre)
            size = np.maximum(size, LEAST * np.sqrt(np.mean(size**2)))
            logs = np.log(np.where(size > 0, size, 1.0))
            values[column.rows, j], weights[column.rows, j] = logs, given[column.rows, k]
            ends.append(np.quantile(logs, [SHARE, 1.0 - SHARE]))
            middles.append(float(np.median(logs)))
        tasks = [_number() for _ in known]
        old = targets.tasks
        task_set = old if old.is_long else old.take(np.array(known))
        shape = targets.weights.shape[:1] if targets.weights.ndim == 1 else values.shape
        learned = Targets(
            replace(task_set, tasks=tuple(tasks), is_1d=old.is_1d),
            values.reshape(shape),
            weights.reshape(shape),
            targets.task_index,
        )
        estimator = fit_prepared(*prepare(X, learned))
        return cls(estimator, known, tasks, ends, middles, old.is_long)

    def of(self, X: Any, columns: Sequence[int]) -> list[Array | None]:
        """Scales (n,) of these columns; None where none was learned."""
        found = expected_of(self.estimator, X, self.tasks, is_long=self.is_long)
        parts = zip(self.columns, found, self.ends, self.middles, strict=True)
        scales = {
            k: np.exp(np.clip(np.where(np.isnan(logs), middle, logs), *ends))
            for k, logs, ends, middle in parts
        }
        return [scales.get(k) for k in columns]


def _number() -> Task:
    task = Regression()
    task.location_, task.scale_ = 0.0, 1.0
    return task
