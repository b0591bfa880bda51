"""Which Hessian the next step takes: forecasts of what the ways to the end cost."""

from __future__ import annotations

import math

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.solvers.newton._factors import FEW
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty

KEEP, DIAGONAL, ROUGH, EXACT = "keep", "diagonal", "rough", "exact"

ENOUGH_ROWS, ROWS_PER_FEATURE = 2000, 30
"""Rows that stand for many more: their Hessian is close to that of all."""

FEW_FEATURES = 50
"""Features, times outputs of a task, up to which nothing is gained by leaving out some of H."""

SMALLEST = 1e-300
"""In place of gaps of 0, which have no logarithm."""

MAX_NUMBERS = 2**28
"""Numbers of Hessians of all tasks: 2 GiB, and as much again on the way."""

MAX_UNKNOWN = 5000
"""Largest system in all coefficients, for graphs over tasks."""

NEWTON_STEPS = 2.5
"""Steps that are still to go with the Hessian, about."""

SOME_ROWS, SINGLE, DIAGONALS = (0.03, 3), (0.15, 8), (0.6, 30)
"""Factors on the gap per step that other matrices bring, and steps to take before the next one.

They are of some rows; of outputs or tasks by themselves; diagonals.
"""

STEPS_OF_A_GAP = 50.0
"""What a gap costs where its free directions take conjugate gradients."""

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
    penalty : QuadraticPenalty
        What is penalised.

    Attributes
    ----------
    row_step : int
        A rough Hessian takes every ``row_step``-th row.
    certifies_with_hessian : bool
        Whether the certificate comes with a step that solves with the whole Hessian: where not all
        coefficients are penalised, and it is not too large for that.
    """

    def __init__(self, loss: DataLoss, shape: tuple[int, int], penalty: QuadraticPenalty) -> None:
        p, n_outputs = shape
        n, is_long, n_tasks = loss.n_samples, loss.task_index is not None, loss.n_tasks
        K = n_outputs // n_tasks
        per_row = K if is_long else n_outputs
        per_number = 2e-2 if K > 1 else 1e-2
        self.step = 50.0 + n * per_row * (per_number + p * (2e-3 if is_long else 2e-4))
        self.costs = {}
        self.rates = {DIAGONAL: DIAGONALS, ROUGH: SINGLE}
        n_rows = max(ENOUGH_ROWS, ROWS_PER_FEATURE * p)
        self.row_step = 1 if is_long else max(n // n_rows, 1)
        n_weights, n_some = n * per_row * (K + 1) / 2, n * per_row / self.row_step
        n_unknown = n_outputs * len(penalty.own)
        has_exact = n_unknown**2 <= n_tasks * MAX_NUMBERS
        if penalty.Q.dense is not None:
            has_exact = n_unknown <= MAX_UNKNOWN
            if n_unknown**2 <= n_tasks * MAX_NUMBERS:
                self.costs[ROUGH] = _hessian(n_weights, p, n_tasks, p * K)
            n_tasks, K = 1, n_outputs
        elif (
            p * K > FEW_FEATURES
            and K > 1
            and not penalty.couples
            and n_unknown**2 <= n_outputs * MAX_NUMBERS
        ):
            self.costs[ROUGH] = _hessian(n_some, p, n_outputs, p)
        elif self.row_step > 1 and has_exact:
            self.rates[ROUGH] = SOME_ROWS
            self.costs[ROUGH] = _hessian(n_some * (K + 1) / 2, p, n_tasks, p * K)
        if has_exact:
            self.costs[EXACT] = _hessian(n_weights, p, n_tasks, p * K)
        if not has_exact or p > FEW_FEATURES:
            self.costs[DIAGONAL] = 45.0 + n * per_row * p * 5e-3
        self.certifies_with_hessian = (
            not penalty.is_regular and self.costs.get(EXACT, math.inf) < STEPS_OF_A_GAP * self.step
        )
        self.last: float | None = None
        self.n_since = 0

    def __call__(self, target: float, expected: float) -> str:
        """What to do where the gap is about ``expected``, to bring it to ``target``."""
        if self.certifies_with_hessian and expected <= target:
            return EXACT
        target, expected = max(target, SMALLEST), max(expected, SMALLEST)
        distance = math.log(target / expected)
        costs = {}
        for way, cost in self.costs.items():
            steps, at_least = NEWTON_STEPS, 0
            if way != EXACT:
                rate, at_least = self.rates[way]
                steps = max(distance / math.log(rate), 1.0)
            if self.last is None or self.n_since >= at_least:
                costs[way] = cost + steps * self.step
        if self.last is not None:
            rate = min(max(expected / self.last, FASTEST), SLOWEST)
            costs[KEEP] = distance / math.log(rate) * self.step
            if self.certifies_with_hessian:
                costs[KEEP] += self.costs[EXACT] + self.step
        choice = min(costs, key=costs.__getitem__)
        self.last, self.n_since = expected, self.n_since + 1 if choice == KEEP else 0
        return choice


def _hessian(n_weights: float, p: int, n_systems: int, size: int) -> float:
    """What Gram matrices and the factors of systems of a size cost."""
    per_cube = 1e-4 if n_systems <= FEW else 6e-4
    grams = n_weights * p * (8e-4 + 3e-5 * p)
    return 45.0 + grams + n_systems * (10.0 + per_cube * size**3)
