"""Which Hessian the next step takes: forecasts of what the ways to the end cost."""

from __future__ import annotations

import math

from skmtl.linear.objective._losses import DataLoss

KEEP, ROUGH, EXACT = "keep", "rough", "exact"

ENOUGH_ROWS, ROWS_PER_FEATURE = 2000, 30
"""Rows that stand for many more: their Hessian is close to that of all."""

STEPS_AFTER = {EXACT: 2.5, ROUGH: 7.0}
"""Steps that are still to go with a new Hessian, about."""

FASTEST, SLOWEST = 1e-3, 0.9
"""Factors on the gap per step that a forecast believes in."""


class HessianChoice:
    """The cheapest forecast.

    Costs are in microseconds, of one thread of a machine of 2024; what counts are their ratios.

    Parameters
    ----------
    loss : DataLoss
        Loss of the data.
    shape : tuple (n_features, n_outputs)
        Shape of W.
    is_regular : bool
        Whether all coefficients are penalised. Otherwise the certificate needs the Hessian.
    """

    def __init__(self, loss: DataLoss, shape: tuple[int, int], is_regular: bool) -> None:
        p, n_outputs = shape
        n, is_long = loss.n_samples, loss.task_index is not None
        K = n_outputs // loss.n_tasks
        per_row = K if is_long else n_outputs
        per_product = 2e-3 if is_long else 2.5e-4 if n_outputs < 4 else 1e-4
        factor = loss.n_tasks * (10 + ((p + 1) * K) ** 3 / 10e3)
        self.step = 60 + n * per_row * (4e-3 + p * per_product)
        per_sample = per_row * (K + 1) / 2 * p * p * 3e-5
        self.costs = {EXACT: 60 + n * per_sample + factor}
        n_rows = max(ENOUGH_ROWS, ROWS_PER_FEATURE * p)
        self.row_step = n // n_rows
        if self.row_step > 1 and not is_long:
            self.costs[ROUGH] = 60 + n_rows * per_sample + factor
        self.is_regular = is_regular
        self.last: float | None = None

    def __call__(self, target: float, expected: float) -> str:
        """What to do where the gap is about ``expected``, to bring it to ``target``."""
        if not self.is_regular and expected <= target:
            return EXACT
        costs = {way: cost + STEPS_AFTER[way] * self.step for way, cost in self.costs.items()}
        if self.last is not None:
            rate = min(max(expected / self.last, FASTEST), SLOWEST)
            costs[KEEP] = math.log(target / expected) / math.log(rate) * self.step
            if not self.is_regular:
                costs[KEEP] += self.costs[EXACT] + self.step
            costs.pop(ROUGH, None)
        self.last = expected
        return min(costs, key=costs.__getitem__)
