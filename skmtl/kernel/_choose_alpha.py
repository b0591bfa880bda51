r"""alpha, and how similar tasks are, by generalised cross-validation for all tasks together.

With the eigenvalues :math:`\lambda_k` of the dual system without its ridge, the components
:math:`q_k` of the weighted, centred labels along its eigenvectors, the degrees of freedom
:math:`d(\alpha) = \sum_k \lambda_k / (\lambda_k + \alpha)`, one more per intercept, and n labels,
alpha has the smallest

.. math:: V(\alpha) = \frac{\sum_k \big(\tfrac{\alpha}{\lambda_k + \alpha} \, q_k\big)^2}
          {(1 - c \, d(\alpha) / n)^2}

of Golub, Heath and Wahba [1]_, with c = 1.4 against the overfits that c = 1 has now and then [2]_.
Labels that are repeated, with their rows, count as one in n, and in V with their weights: weights
that are whole numbers are then rows that often. V compares intercepts of every task with a common
one, too: for few labels per task the latter is better, and the functions tell tasks apart. And it
compares task kernels, each at its best alpha.

References
----------
.. [1] G. Golub, M. Heath and G. Wahba, "Generalized cross-validation as a method for choosing a
   good ridge parameter", Technometrics 21, 1979, eq. 1.4.
.. [2] Y.-J. Kim and C. Gu, "Smoothing spline Gaussian regression: more scalable computation via
   efficient approximation", Journal of the Royal Statistical Society B 66, 2004, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._labels import Labels
from skmtl.kernel._problem import KernelProblem

Array = NDArray[Any]

MOST_LABELS = 2_000
"""Labels whose system is decomposed for this; of more a part, drawn with a fixed seed."""
MOST_TO_COMPARE = 1_000
"""The same where task kernels are compared: that is a decomposition for each."""
INFLATION = 1.4
"""The factor c on the degrees of freedom."""
ALPHAS = np.geomspace(1e2, 1e-10, 49)
"""Over the largest eigenvalue."""
TIE = 1e-6
"""V that differ by no larger a share are the same, but for rounding."""


class Choice(NamedTuple):
    """alpha, whether tasks have one intercept, and the position of the task kernel."""

    alpha: float
    pooled: bool
    position: int


def choose(
    kernel: Array,
    labels: Labels,
    task_kernels: Sequence[Array],
    X: Any,
    *,
    alpha: float | None,
    centred: bool,
    may_pool: bool,
) -> Choice:
    """What has the least V; of equal ones the first kernel, with the largest alpha.

    ``alpha`` is the only one to try, if it is a number.
    """
    positions = list(range(len(task_kernels)))
    given: dict[str, Any] = {"alpha": alpha, "centred": centred, "may_pool": may_pool}
    if len(positions) > 1 and not labels.is_complete and len(labels.rows) > MOST_TO_COMPARE:
        part = _part(kernel, labels, X, MOST_TO_COMPARE)
        positions = [_least_of_all(part, task_kernels, positions, **given).position]
    most = np.inf if labels.is_complete else MOST_LABELS
    return _least_of_all(_part(kernel, labels, X, most), task_kernels, positions, **given)


class _Part(NamedTuple):
    """Labels to choose by, with the kernel of their rows, and their tasks."""

    kernel: Array
    labels: Labels
    tasks: Array
    n_labels: int


def _part(kernel: Array, labels: Labels, X: Any, most: float) -> _Part:
    """All labels, or ``most`` of them where there are more: of rows that are drawn."""
    if len(labels.rows) > most:
        n_rows = int(len(kernel) * most) // len(labels.rows)
        rows = np.sort(np.random.RandomState(0).permutation(len(kernel))[:n_rows])
        kernel, X, labels = kernel[np.ix_(rows, rows)], X[rows], labels.take(rows, len(kernel))
    tasks, position = np.unique(labels.tasks, return_inverse=True)
    n_labels = _n_distinct(X, labels)
    return _Part(kernel, labels._replace(tasks=position), tasks, n_labels)


def _least_of_all(
    part: _Part,
    task_kernels: Sequence[Array],
    positions: list[int],
    *,
    alpha: float | None,
    centred: bool,
    may_pool: bool,
) -> Choice:
    """The choice of least V among the task kernels at ``positions``."""
    found = []
    for pooled in (False, True) if may_pool else (False,):
        problem = KernelProblem(part.kernel, part.labels, 0.0, centred=centred, pooled=pooled)
        for k in positions:
            B = task_kernels[k][np.ix_(part.tasks, part.tasks)]
            best, score = _least(problem, B, part.n_labels, alpha)
            found.append((score, Choice(best, pooled, k)))
    # One is no better than the other where neither is finite.
    return min(found, key=lambda each: each[0])[1]


def _least(
    problem: KernelProblem, task_kernel: Array, n_labels: int, alpha: float | None = None
) -> tuple[float, float]:
    """The alpha of least V, and V."""
    values, components = problem.system.spectrum(task_kernel)
    values = np.maximum(values, 0.0)
    largest = values.max(initial=0.0) or 1.0
    alphas = ALPHAS * largest if alpha is None else np.array([alpha])
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
