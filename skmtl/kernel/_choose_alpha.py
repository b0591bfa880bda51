r"""alpha by generalised cross-validation, for all tasks together.

With the eigenvalues :math:`\lambda_k` of the dual system without its ridge, the components
:math:`q_k` of the weighted, centred labels along its eigenvectors, the degrees of freedom
:math:`d(\alpha) = \sum_k \lambda_k / (\lambda_k + \alpha)`, one more per intercept, and n labels,
alpha has the smallest

.. math:: V(\alpha) = \frac{\sum_k \big(\tfrac{\alpha}{\lambda_k + \alpha} \, q_k\big)^2}
          {(1 - c \, d(\alpha) / n)^2}

of Golub, Heath and Wahba [1]_, with c = 1.4 against the overfits that c = 1 has now and then [2]_.
Labels that are repeated, with their rows, count as one in n, and in V with their weights: weights
that are whole numbers are then rows that often. V compares intercepts of every task with a common
one, too: for few labels per task the latter is better, and the functions tell tasks apart.

References
----------
.. [1] G. Golub, M. Heath and G. Wahba, "Generalized cross-validation as a method for choosing a
   good ridge parameter", Technometrics 21, 1979, eq. 1.4.
.. [2] Y.-J. Kim and C. Gu, "Smoothing spline Gaussian regression: more scalable computation via
   efficient approximation", Journal of the Royal Statistical Society B 66, 2004, section 3.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._labels import Labels
from skmtl.kernel._problem import KernelProblem

Array = NDArray[Any]

MOST_LABELS = 2_000
"""Labels whose system is decomposed for this; of more a part, drawn with a fixed seed."""
INFLATION = 1.4
"""The factor c on the degrees of freedom."""
ALPHAS = np.geomspace(1e2, 1e-10, 49)
"""Over the largest eigenvalue."""
TIE = 1e-6
"""V that differ by no larger a share are the same, but for rounding."""


def choose_alpha(
    kernel: Array, labels: Labels, task_kernel: Array, X: Any, *, centred: bool, may_pool: bool
) -> tuple[float, bool]:
    """The alpha of least V, the largest where nothing is to be learned, and whether to pool."""
    if not labels.is_complete and len(labels.rows) > MOST_LABELS:
        n_rows = len(kernel) * MOST_LABELS // len(labels.rows)
        rows = np.sort(np.random.RandomState(0).permutation(len(kernel))[:n_rows])
        kernel, X, labels = kernel[np.ix_(rows, rows)], X[rows], labels.take(rows, len(kernel))
        kept = np.unique(labels.tasks)
        task_kernel = task_kernel[np.ix_(kept, kept)]
        labels = labels._replace(tasks=np.searchsorted(kept, labels.tasks))
    n_labels = _n_distinct(X, labels)
    found = []
    for pooled in (False, True) if may_pool else (False,):
        problem = KernelProblem(kernel, labels, 0.0, centred=centred, pooled=pooled)
        alpha, score = _least(problem, task_kernel, n_labels)
        found.append((score, alpha, pooled))
    # One is no better than the other where neither is finite.
    _, alpha, pooled = min(found, key=lambda each: each[0])
    return alpha, pooled


def _least(problem: KernelProblem, task_kernel: Array, n_labels: int) -> tuple[float, float]:
    """The alpha of least V, and V."""
    values, components = problem.system.spectrum(task_kernel)
    values = np.maximum(values, 0.0)
    alphas = ALPHAS * (values.max(initial=0.0) or 1.0)
    left = alphas[:, None] / (values + alphas[:, None])
    freedom = (1.0 - left).sum(axis=1) + problem.n_intercepts
    rest = 1.0 - INFLATION * freedom / n_labels
    squares = np.square(left * components).sum(axis=1)
    scores = np.divide(squares, rest**2, out=np.full(len(alphas), np.inf), where=rest > 0)
    least = scores.min()
    # The first of the equal is the largest; where none is finite, all are equal.
    return float(alphas[(scores <= (1.0 + TIE) * least).argmax()]), float(least)


def _n_distinct(X: Any, labels: Labels) -> int:
    """Number of labels that differ, in themselves, their task or their row."""
    if hasattr(X, "indptr"):
        cut = X.indptr[1:-1]
        parts = zip(np.split(X.indices, cut), np.split(X.data, cut), strict=True)
        rows = [indices.tobytes() + data.tobytes() for indices, data in parts]
    else:
        rows = [row.tobytes() for row in np.ascontiguousarray(X)]
    position = {row: k for k, row in enumerate(dict.fromkeys(rows))}
    of_row = np.array([position[row] for row in rows])
    keys = np.column_stack([of_row[labels.rows], labels.tasks, labels.values])
    return len(np.unique(keys, axis=0))
