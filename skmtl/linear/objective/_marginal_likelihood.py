r"""The strength of a ridge by marginal likelihood, in closed form.

With coefficients :math:`w_t \sim N(0, \tau_t^2 I)` and noise of variance :math:`\sigma_t^2`, a
ridge of strength :math:`a = \sigma_t^2 / n_t \tau_t^2` on the mean squared error of a task is the
best prediction, and the likelihood of its n labels y, with the noise at its best,

.. math:: -2 \log L_t = \sum_j \log(1 + s_j / a) + n_t \log \hat\sigma_t^2, \qquad
          \hat\sigma_t^2 = \overline{y^2} - \sum_j \frac{r_{tj}^2}{s_j + a},

from the eigenvalues s of the Gram matrix over n and the products r with labels in its basis. One a
for all tasks has the largest product of likelihoods; where noise is one, too, its logarithm is that
of the mean over labels.

References
----------
D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4, 1992, section 4 (the evidence for
the strength of a ridge). J. K. Haseman and R. C. Elston, "The investigation of linkage between a
quantitative trait and a marker locus", Behavior Genetics 2, 1972 (variances by moments).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GRID = np.logspace(-8.0, 3.0, 67)
"""Ridges tried, over the sum of the eigenvalues: from no ridge that counts to hardly a signal."""

NOISE_FREE = 1e-12
"""Share of the squares of labels that is rounding."""

MOST_OPERATIONS = 1e9
"""Products in decompositions of Gram matrices: about a second."""

LEAST_SIGNAL = 1e-3
"""Share of the variance of labels that moments may say is signal: they may say none."""

LEAST_NOISE = 0.25
"""Share of the variance of classes that is noise at least: moments see none where rows are nearly
at right angles. Measured: benchmarks/published (tox21 and clintox have two thirds) and
examples/plot_reviews.py, where "l21" and "l1" want less, and "trace_norm" wants more."""


class LikelyRidge(NamedTuple):
    """What is found, with W (p, T) at strength a and the variance of the noise of every task (T,).

    ``deviance`` is -2 log L less that of no signal at all.
    """

    strength: float
    W: Array
    noise: Array
    deviance: float = 0.0


def likely_ridge(
    gram: Array,
    group: Array,
    cross: Array,
    squares: Array,
    n_labels: Array,
    *,
    is_exact: bool = True,
    one_noise: bool = False,
    known: Any = False,
) -> LikelyRidge:
    """The ridge of largest marginal likelihood.

    Parameters
    ----------
    gram : ndarray of shape (n_groups, n_features, n_features)
        Gram matrices over the number of rows.
    group : ndarray of shape (n_tasks,)
        Which belongs to a task.
    cross : ndarray of shape (n_features, n_tasks)
        Products with the labels, over the number of rows.
    squares : ndarray of shape (n_tasks,)
        Mean squares of the labels.
    n_labels : ndarray of shape (n_tasks,)
        Numbers of labels, less one where they are centred.
    is_exact : bool, default=True
        Whether Gram matrices are those of the rows of the task, not of more rows.
    one_noise : bool, default=False
        Whether the noise of all tasks is the same, as few labels of each cannot tell.
    known : ndarray of bool, shape (n_tasks,), or bool, default=False
        Whether the variance of the noise is that of the labels around a constant: of classes.
    """
    if not squares.any():
        return LikelyRidge(1.0, np.zeros_like(cross), squares)
    if not is_exact or len(gram) * float(gram.shape[1]) ** 3 > MOST_OPERATIONS:
        moments = gram.mean(axis=0), cross, squares, n_labels
        return _by_moments(*moments, is_exact=is_exact, known=known)
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0.0)[group]
    if len(gram) == 1:
        rotated = (vectors[0].T @ cross).T
    else:
        rotated = np.matmul(cross.T[:, None, :], vectors[group])[:, 0]
    size = float(values.sum(axis=1).mean())
    is_varied = (squares > 0) & (n_labels > 0)
    if not size or not is_varied.any():
        return LikelyRidge(1.0, np.zeros_like(cross), squares)
    s, r2, n = values[is_varied], rotated[is_varied] ** 2, n_labels[is_varied]
    y2, is_known = squares[is_varied], np.broadcast_to(known, squares.shape)[is_varied]

    def cost(a: float) -> float:
        left = np.maximum(y2 - (r2 / (s + a)).sum(axis=1), NOISE_FREE * y2)
        if one_noise:
            left = left * 0.0 + n @ left / (n @ y2)
        else:
            left = left / y2
        return float(np.log1p(s / a).sum() + n @ np.where(is_known, left, np.log(left)))

    ridges = size * GRID
    costs = [cost(a) for a in ridges]
    a, deviance = float(ridges[np.argmin(costs)]), min(costs)
    shrunk = rotated / (values + a)
    left = np.maximum(squares - (rotated * shrunk).sum(axis=1), NOISE_FREE * squares)
    noise = np.where(known, squares, left)
    if len(gram) == 1:
        return LikelyRidge(a, vectors[0] @ shrunk.T, noise, deviance)
    return LikelyRidge(a, np.matmul(vectors[group], shrunk[:, :, None])[:, :, 0].T, noise, deviance)


def _by_moments(
    gram: Array, cross: Array, squares: Array, n_labels: Array, *, is_exact: bool, known: Any
) -> LikelyRidge:
    r"""The same from :math:`E \|r\|^2 = \tau^2 \|G\|^2 + \sigma^2 \mathrm{tr}\, G / n`.

    Without a decomposition, where that takes long; W are coefficients of large ridges. The squared
    Gram matrix of the rows of a task is about that of all rows and :math:`(\mathrm{tr}\, G)^2 / n`.
    """
    total, n = float(np.trace(gram)), float(n_labels.mean())
    of_noise = squares.sum() * total / n
    spread = float(np.vdot(gram, gram)) - total**2 / n * is_exact
    tau2 = (float(np.vdot(cross, cross)) - of_noise) / spread if spread > 0 else 0.0
    signal = float(np.clip(tau2 * total / squares.sum(), LEAST_SIGNAL, 1.0 - LEAST_SIGNAL))
    # Of classes that of the ridge is known, and does not become less where moments say all is
    # signal. Norms are told of the noise around what the features explain.
    noise = np.where(known, max(1.0 - signal, LEAST_NOISE), 1.0 - signal) * squares
    of_ridge = np.where(known, squares, noise)
    a = total / n * float(of_ridge.sum() / squares.sum()) / signal
    deviance = float(n_labels.sum()) * float(np.log1p(-signal))
    return LikelyRidge(a, cross / (a + total), noise, deviance)
