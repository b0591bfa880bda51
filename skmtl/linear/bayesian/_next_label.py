r"""How much less uncertain the predictions of all tasks are with one label more.

With the notation of `skmtl.linear.bayesian._likelihood`, the coefficients of two tasks have the
covariance

.. math:: \mathrm{Cov}(v_t, v_u) = F_t K^{-1} F_u' + [t = u] (\Sigma - \Sigma B_t \Sigma), \qquad
    F_t = I - \Sigma B_t

and a label of task t at w makes the variance at z in task u less by

.. math:: \frac{(w' \mathrm{Cov}(v_t, v_u) z)^2}{w' \mathrm{Cov}(v_t) w + \sigma_t^2},

whatever it is. With :math:`S_u = \sum zz'` of the rows that are asked about, the sum of the
numerators over these and over tasks is :math:`|S_t^{1/2} \mathrm{Cov}(v_t) w|^2 +
g' \sum_{u \ne t} F_u' S_u F_u g` with :math:`g = K^{-1} F_t'w`.

References
----------
D. MacKay, "Information-based objective functions for active data selection", Neural Computation 4,
1992, section 4; of a set of inputs: D. Cohn, Z. Ghahramani and M. Jordan, "Active learning with
statistical models", Journal of Artificial Intelligence Research 4, 1996, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.bayesian._predictor import RandomCoefficients

Array = NDArray[Any]


@dataclass(frozen=True)
class RowsOfTask:
    """A, and where the intercept is free, the means of the rows and their number."""

    A: Array
    noise: float
    means: Array | None
    n: float

    def with_row(self, w: Array) -> RowsOfTask:
        """One more."""
        if self.means is None:
            return replace(self, A=self.A + np.outer(w, w), n=self.n + 1.0)
        off = np.r_[0.0, w[1:] - self.means]
        A = self.A + self.n / (self.n + 1.0) * np.outer(off, off)
        return replace(self, A=A, means=self.means + off[1:] / (self.n + 1.0), n=self.n + 1.0)


class NextLabels:
    """What labels of tasks would tell, given those that are known and those asked for."""

    def __init__(self, found: RandomCoefficients) -> None:
        self.Sigma, self.C = found.L @ found.L.T, found.C
        self.found, self._rows = found, dict[int, RowsOfTask]()

    def ask(self, task: int, W: Array) -> None:
        r"""Take the labels of rows for known: :math:`K^{-1}` follows from B before and after."""
        rows = before = self._of(task)
        for w in W:
            rows = rows.with_row(w)
        self._rows[task] = rows
        if self.C.any():
            more = self._B(rows) - self._B(before)
            self.C = np.linalg.solve(np.eye(len(self.C)) + self.C @ more, self.C)

    def values(self, asked: dict[int, Array], about: dict[int, Array]) -> dict[int, Array]:
        """Sums of variances less, by a label at each of some rows (n, d) of tasks.

        ``about`` are the :math:`S_u` of the tasks, (d, d).
        """
        total = nothing = np.zeros_like(self.C)
        left: dict[int, Array] = {}
        if self.C.any():
            answers = {u: self._answer(self._of(u)) for u in about}
            left = {u: F.T @ about[u] @ F for u, F in answers.items()}
            total = sum(left.values(), nothing)
        found = {}
        for task, W in asked.items():
            rows = self._of(task)
            F = self._answer(rows)
            covariance = self._covariance(rows, F)
            own, g = W @ covariance, W @ F @ self.C
            gained = ((own @ about.get(task, nothing)) * own).sum(axis=1)
            gained += ((g @ (total - left.get(task, nothing))) * g).sum(axis=1)
            found[task] = gained / ((own * W).sum(axis=1) + rows.noise)
        return found

    def _of(self, task: int) -> RowsOfTask:
        if task not in self._rows:
            found, free = self.found, self.found.intercepts
            U, noise = found.U[found.group[task]], float(found.noise[task])
            means, n = (None, 0.0) if free is None else (free.means[task], float(free.n[task]))
            self._rows[task] = RowsOfTask(U @ U.T, noise, means, n)
        return self._rows[task]

    def _B(self, rows: RowsOfTask) -> Array:
        d = len(rows.A)
        return np.linalg.solve(rows.noise * np.eye(d) + rows.A @ self.Sigma, rows.A)

    def _intercept(self, rows: RowsOfTask) -> Array:
        """What makes (b, w) of (0, w), where the intercept is free."""
        found = np.eye(len(rows.A))
        if rows.means is not None:
            found[0, 1:] = -rows.means
        return found

    def _answer(self, rows: RowsOfTask) -> Array:
        """F: how coefficients follow the mean of all."""
        F: Array = np.eye(len(rows.A)) - self.Sigma @ self._B(rows)
        return self._intercept(rows) @ F

    def _covariance(self, rows: RowsOfTask, F: Array) -> Array:
        moved = self._intercept(rows) @ self.Sigma
        within = self._intercept(rows) @ moved.T - moved @ self._B(rows) @ moved.T
        if rows.means is not None:
            within[0, 0] += rows.noise / rows.n
        found: Array = within + F @ self.C @ F.T
        return found
