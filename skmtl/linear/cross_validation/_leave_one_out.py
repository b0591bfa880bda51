r"""Leave-one-out errors of quadratic penalties from one decomposition of all rows.

With weights s of the rows that all tasks share (of sum 1) and Q = sum over k of
:math:`q_k P_k`, the parts :math:`Y P_k` of the targets are ridge regressions of their own.
Without row i the loss is a mean over the others: the ridge is :math:`(1 - s_i) \alpha q_k`, and

.. math:: e_i = \sum_k \frac{(y_i - \hat y_i) P_k}{1 - h_{ik}}, \qquad
          h_{ik} = s_i + \omega s_i \, x_i' (G + (1 - s_i) \alpha q_k I)^{-1} x_i

with the fit :math:`\hat y_i` to all rows at that ridge, centred rows, their Gram matrix G, and
the weight :math:`\omega` of the tasks [1]_. The first term of h is that of the intercept.

References
----------
.. [1] D. M. Allen, "The relationship between variable selection and data augmentation and a
   method for prediction", Technometrics 16, 1974, eq. 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.cross_validation._ridge_path import is_quadratic
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

SMALLEST = 1e-10
"""Curvature, as a part of the largest, and what a row leaves to the others: less is rounding."""


class LeaveOneOut:
    """Errors for any penalty of every row, predicted by a fit to all others.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features.
    Y : ndarray of shape (n_samples, n_tasks)
        Labels.
    weights : ndarray of shape (n_samples,)
        Weights of the rows, for every task.
    omega : float
        Weight of every task.
    fit_intercept : bool
        Whether tasks have intercepts.
    """

    def __init__(
        self,
        X: Any,
        Y: Array,
        weights: Array,
        omega: float,
        *,
        fit_intercept: bool,
    ) -> None:
        self.shares = weights / weights.sum()
        self.x_mean: Any = 0.0
        self.y_mean: Any = 0.0
        self.own = np.zeros(len(Y))
        if fit_intercept:
            self.x_mean, self.y_mean, self.own = self.shares @ X, self.shares @ Y, self.shares
        self.Y = Y - self.y_mean
        rows = (X.toarray() if hasattr(X, "toarray") else X) - self.x_mean
        weighted = omega * self.shares[:, None] * rows
        values, vectors = np.linalg.eigh(weighted.T @ rows)
        self.values = np.maximum(values, 0.0)
        self.rows = rows @ vectors
        self.pull = (weighted @ vectors).T @ self.Y
        self.leverage = (weighted @ vectors) * self.rows

    def determines(self, Q: TaskMatrix) -> bool:
        """Whether no coefficient is left open, by the penalty or by the rows."""
        ridge = min(q for q, _ in Q.eigenspaces()) * (1.0 - self.shares.max())
        return self.values[0] + ridge > SMALLEST * self.values[-1]

    def errors(self, Q: TaskMatrix) -> Array:
        """Label less prediction (n_samples, n_tasks)."""
        found = np.zeros_like(self.Y)
        for q, project in Q.eigenspaces():
            ridge = q * (1.0 - self.shares)[:, None]
            inverse = 1.0 / (self.values + ridge)
            residuals = project(self.Y) - (self.rows * inverse) @ project(self.pull)
            left = 1.0 - self.own - (self.leverage * inverse).sum(axis=1)
            found += residuals / np.maximum(left, SMALLEST)[:, None]
        return found


def leave_one_out(model: PathModel, X: Any, targets: Targets, alphas: Array) -> Array | None:
    """Mean squared errors (n_alphas, n_samples) of every row, predicted by a fit to all others.

    None where one decomposition does not give them: other penalties, shrunk intercepts, labels
    that some tasks lack, or coefficients that the rows do not determine.
    """
    options = model.options
    problem = PathProblem.of_rows(model, X, targets, on_rows=True)
    if problem is None or problem.label_weights is None:
        return None
    if len(problem.label_weights) < len(targets.values):
        return None
    label_weights = problem.label_weights.reshape(len(problem.label_weights), -1)
    parts = problem.parts()
    if (label_weights != label_weights[:, :1]).any() or not is_quadratic(parts, options):
        return None
    if options.fit_intercept and options.intercept_alpha:
        return None
    Y, weights = problem.targets.values.reshape(label_weights.shape), label_weights[:, 0]
    fit = LeaveOneOut(problem.X, Y, weights, weights.sum(), fit_intercept=options.fit_intercept)
    matrices = [problem.parts_on_W(alpha)[0][0].Q for alpha in alphas]
    if not fit.determines(matrices[np.argmin(alphas)]):
        return None
    return np.array([(fit.errors(Q) ** 2).mean(axis=1) for Q in matrices])
