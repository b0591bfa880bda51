r"""Regions for the labels of all tasks of a row at once.

With the residuals r of a row, each in the units of its task's size, the score of a row is

.. math:: \max_t s_t \quad \text{(box [1]_)}, \qquad
    \sqrt{r' R^{-1} r} \quad \text{(ellipsoid [2]_)},

where R is the correlation of the residuals. Rows of which all labels are known are used alone
where they are enough. Otherwise a row with the labels O counts with the score of a whole row that
is as likely: :math:`F^{-1}(F_O(s))`, with F and :math:`F_O` the distributions of the score of all
labels and of those in O, of normal residuals with correlation R; for ellipsoids they are those of
:math:`\chi` with T and \|O\| degrees of freedom. The R that a row is judged by does not know it.

References
----------
.. [1] C. Diquigiovanni, M. Fontana and S. Vantini, "Conformal prediction bands for multivariate
   functional data", Journal of Multivariate Analysis 189, 2022, eq. 5.
.. [2] C. Johnstone and B. Cox, "Conformal uncertainty sets for robust optimization", COPA 2021,
   section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from skmtl._warnings import name_tasks
from skmtl.uncertainty._bands import Band, possible
from skmtl.uncertainty._conformal_models import FittedModels
from skmtl.uncertainty._covariance import covariance_of, patterns_of
from skmtl.uncertainty._held_out_labels import HeldOut
from skmtl.uncertainty._ranks import Ranked

Array = NDArray[Any]

ENOUGH = 10.0
"""Whole rows expected beyond the quantile from which no other row is needed."""
DRAWS, CELLS, SEED = 2**13, 2**28, 0
"""Draws of normal residuals, fewer where they would be more numbers than that."""
MOST = 0.9
"""Share of a covariance that a single row may be: few rows tell little of one of them."""


@dataclass(frozen=True, eq=False)
class JointResiduals:
    """Residuals of the rows with held-out labels, in units of each task's size.

    Attributes
    ----------
    columns : ndarray of shape (n_columns,)
        The tasks of numbers that have held-out labels.
    scores, residuals : ndarray of shape (n_rows, n_columns)
        Scores, and residuals with their sign; NaN where unobserved.
    sizes : ndarray of shape (n_columns,)
        Root mean square of the residuals.
    models, weights : ndarray of shape (n_rows,)
        The model that speaks of a row, and how many rows it stands for.
    """

    columns: Array
    scores: Array
    residuals: Array
    sizes: Array
    models: Array
    weights: Array

    @classmethod
    def of(cls, held_out: Sequence[HeldOut], n_rows: int) -> Self:
        """From the labels of all columns of y."""
        known = [k for k, c in enumerate(held_out) if isinstance(c.said, Band) and len(c.rows)]
        scores = np.full((n_rows, len(known)), np.nan)
        residuals, weights = scores.copy(), np.zeros(scores.shape)
        models, sizes = np.zeros(n_rows, dtype=np.intp), np.ones(len(known))
        for j, k in enumerate(known):
            column = held_out[k]
            found = (column.values - column.said.centre) / column.said.scale
            size = np.sqrt(np.average(found**2, weights=column.weights))
            sizes[j] = size if size > 0 else 1.0
            residuals[column.rows, j] = found / sizes[j]
            scores[column.rows, j] = column.said.scores(column.values) / sizes[j]
            weights[column.rows, j], models[column.rows] = column.weights, column.model
        rows = np.flatnonzero(weights.any(axis=1))
        n_labels = (weights[rows] > 0).sum(axis=1)
        by_row = weights[rows].sum(axis=1) / n_labels
        columns = np.array(known, dtype=np.intp)
        return cls(columns, scores[rows], residuals[rows], sizes, models[rows], by_row)

    def box(self, coverage: float) -> Ranked:
        """The largest scores of rows."""
        rows, observed = self._rows(coverage)
        largest = np.where(observed, self.scores[rows], -np.inf).max(axis=1)
        if not observed.all():
            largest = self._of_whole_rows(largest, observed)
        return Ranked(largest, self.weights[rows], self.models[rows])

    def ellipsoid(self, coverage: float) -> tuple[Ranked, Array]:
        """Distances of rows, and the matrix (n_columns, n_columns) in which they are."""
        rows, observed = self._rows(coverage)
        covariance = covariance_of(self.residuals[rows], self.weights[rows])
        n_all, distance = len(self.columns), np.empty(len(rows))
        for labels, of_pattern in patterns_of(observed):
            block = covariance[np.ix_(labels, labels)]
            r = self.residuals[np.ix_(rows[of_pattern], labels)]
            n = self.weights[rows][observed[:, labels].all(axis=1)].sum()
            share = np.einsum("ij,ij->i", r, np.linalg.solve(block, r.T).T) / n
            # Sherman and Morrison: by the covariance of the other rows.
            square = (n - 1.0) * share / (1.0 - np.minimum(share, MOST))
            if len(labels) < n_all:
                square = chi2.isf(chi2.sf(square, len(labels)), n_all)
            distance[of_pattern] = np.sqrt(square)
        matrix = self.sizes[:, None] * covariance * self.sizes
        return Ranked(distance, self.weights[rows], np.zeros(len(rows), dtype=np.intp)), matrix

    def _rows(self, coverage: float) -> tuple[Array, Array]:
        """The rows that are used, and which labels they have."""
        observed = ~np.isnan(self.scores)
        whole = np.flatnonzero(observed.all(axis=1))
        is_enough = self.weights[whole].sum() * (1.0 - coverage) >= ENOUGH
        rows = whole if is_enough else np.arange(len(observed))
        return rows, observed[rows]

    def _of_whole_rows(self, largest: Array, observed: Array) -> Array:
        """Largest scores of some labels as those of all, by draws of normal residuals."""
        patterns = patterns_of(observed)
        n_draws = int(np.clip(CELLS // (len(patterns) * observed.shape[1]), 500, DRAWS))
        covariance = covariance_of(self.residuals, self.weights)
        root = np.linalg.cholesky(covariance)
        draws = np.random.RandomState(SEED).normal(size=(n_draws, len(root)))
        sizes = np.abs(draws @ root.T)
        whole, found = np.sort(sizes.max(axis=1)), largest.copy()
        for pattern, rows in patterns:
            if len(pattern) < len(root):
                part = np.sort(sizes[:, pattern].max(axis=1))
                # Beyond the draws both go on in proportion.
                end = np.array([2.0])
                found[rows] = np.interp(
                    largest[rows],
                    np.concatenate([-end, [0.0], part, 1e6 * end * part[-1]]),
                    np.concatenate([-end, [0.0], whole, 1e6 * end * whole[-1]]),
                )
        return found


def predict_box(models: FittedModels, X: Any, joint: JointResiduals, coverage: float) -> Array:
    """Boxes (n, n_tasks, 2); NaN for what has no numbers, infinite where nothing was held out."""
    tasks, said = models.final.tasks, models.say(X, None)
    ends = np.full((X.shape[0], tasks.n_tasks, 2), np.nan)
    for t, task in enumerate(tasks.tasks):
        if not task.is_classification and tasks.n_labels[t]:
            ends[:, t] = -np.inf, np.inf
    ranked = joint.box(coverage) if len(joint.columns) else None
    for t, size in zip(joint.columns, joint.sizes, strict=True):
        some = said[models.that_know(t)[0]][t]
        bands = [(some if of_model[t] is None else of_model[t]).times(size) for of_model in said]
        assert ranked is not None
        ends[:, t] = possible(tasks.tasks[t], ranked.ends(bands, coverage))
    return ends


def predict_ellipsoids(
    models: FittedModels, X: Any, joint: JointResiduals, coverage: float
) -> tuple[Array, Array]:
    """Centres (n, n_numbers) and matrices (n, n_numbers, n_numbers)."""
    tasks, said = models.final.tasks, models.final.say(X, None)
    numbers = [t for t, task in enumerate(tasks.tasks) if not task.is_classification]
    silent = np.setdiff1d(numbers, joint.columns)
    if len(silent):
        raise ValueError(
            f"{name_tasks(tasks.names[silent].tolist())}: no label was held out, so that an "
            "ellipsoid has no end there; leave it out of y, or use shape='box'."
        )
    ranked, matrix = joint.ellipsoid(coverage)
    unit = Band(np.zeros(1), np.zeros(1), np.ones(1))
    radius = ranked.ends([unit], coverage)[0, 1]
    scale = np.column_stack([said[t].scale for t in numbers])
    centre = np.column_stack([said[t].centre for t in numbers])
    return centre, radius**2 * scale[:, :, None] * matrix * scale[:, None, :]
