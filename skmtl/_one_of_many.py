r"""A task that comes later, as one more of many tasks of one kind.

In long form tasks have one type and one unit, so that coefficients and intercept of the new one,
:math:`\theta = (w, b)`, have the distribution of those that are known: with their mean m and their
covariance S,

.. math:: \theta \sim N\bigl(m, \, s (S + \rho \, \mathrm{diag} S)\bigr).

Nothing is measured on the few rows of the new task, among which features may hardly vary, and its
level is not free. s and :math:`\rho` are averaged over by the likelihood of the labels times a
prior around s = 1; for squared loss, whose noise is not known, s is relative to it.

References
----------
N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics 38, 1982,
section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._likely_strengths import Labels, Laplace, Squared
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

MANY = 10
"""Tasks from which on their covariance is used."""
FEW = 30
"""Labels from which on they say more of their task than the shrunk coefficients of others."""
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Of the covariance; the prior of log s is Gaussian, its standard deviation log 3."""
OF_NOISE = 0.3
"""What s = 1 is for squared loss: the variance of a score over that of the noise."""
OWN = (0.05, 1.0)
"""Share of what each coefficient has for itself, each larger one e times less likely."""


def is_one_of_many(tasks: TaskSet, labels: Labels) -> bool:
    """Whether what the known tasks are like says what a new one with these labels is like."""
    task = labels.task
    is_plain = task.n_outputs_ == 1 and not task.n_shapes and task.is_smooth
    is_known = tasks.is_long and int((tasks.n_labels > 0).sum()) >= MANY
    return is_known and is_plain and len(labels.values) < FEW


def learn_one_of_many(
    labels: Labels, X: Any, coef: Array, intercept: Array, *, has_own: bool
) -> tuple[Array, float]:
    """Coefficients (d,) and intercept of a task with one score for each row.

    Parameters
    ----------
    labels : Labels
        Of the new task.
    X : {ndarray, sparse matrix} of shape (n, d)
        Its rows.
    coef, intercept : ndarray of shape (T, d) and (T,)
        Those of the known tasks, in units of the encoded labels.
    has_own : bool
        Whether the task may leave the span of the others.
    """
    mean, level = coef.mean(axis=0), float(intercept.mean())
    root = np.sqrt(len(coef) - 1.0)
    D, e = (coef - mean) / root, (intercept - level) / root
    alone, alone_e = np.sqrt(np.square(D).sum(axis=0)), float(np.sqrt(e @ e))
    of_others = np.asarray(X @ D.T) + e
    scaled = X.multiply(alone).tocsr() if sparse.issparse(X) else X * alone
    own = np.asarray((scaled @ scaled.T).todense() if sparse.issparse(X) else scaled @ scaled.T)
    grams = of_others @ of_others.T, own + alone_e**2
    offset = (np.asarray(X @ mean) + level)[:, None]
    labels = labels._replace(has_intercept=False)
    is_squared = labels.task.has_squared_loss
    logs, found = [], []
    for s in STRENGTHS:
        for rank, rho in enumerate(OWN if has_own else (0.0,)):
            P = grams[0] + rho * grams[1]
            size = float(np.trace(P)) / len(P)
            strength = s * OF_NOISE / size if is_squared and size > 0 else s
            solve = Squared(labels, strength * P) if is_squared else Laplace(labels, strength * P)
            solved = solve(offset)
            prior = -0.5 * (np.log(s) / np.log(3.0)) ** 2 - rank
            logs.append(solved[0] + prior)
            d = solved[2][:, 0]
            v = D.T @ (of_others.T @ d) + rho * alone**2 * np.asarray(X.T @ d)
            b = float(e @ (of_others.T @ d)) + rho * alone_e**2 * float(d.sum())
            found.append(np.r_[strength * v, strength * b])
    weights = np.exp(np.array(logs) - max(logs))
    theta = np.average(found, axis=0, weights=weights)
    return mean + theta[:-1], level + float(theta[-1])
