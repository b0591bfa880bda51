r"""Scores that tasks with few labels borrow from the others.

A quantile of few scores is the largest of them, or infinite. Tasks are alike up to the size of
their residuals: of a task with n held-out labels it is taken to be [1]_

.. math:: \hat\sigma_t^2 = \frac{d_0 s_0^2 + \sum_i r_{ti}^2}{d_0 + n}

with :math:`d_0` and :math:`s_0` from all tasks in long form; columns of y have units of their own,
and :math:`d_0 = 0`. What a new score of such a task is like in units
of :math:`\hat\sigma_t`, other tasks tell: each is treated as if it too had n labels, and the score
of another label of it divided by the size that these n, or all of fewer, give. As tasks count the
same, whatever their number of labels, that holds for a new one of them [2]_. Probabilities have no
size.

Labels are few where less than 3 of them are expected beyond the quantile; borrowed scores count as
many labels as are missing to that number, so that nothing is borrowed at it. The label that is new
counts less for them: with m labels of its own a task of few, f, and of L lenders

.. math:: w_0 = \frac mf + \Bigl(1 - \frac mf\Bigr) \min\Bigl(1, \frac fL\Bigr)

labels, as what makes the new one count is that few say where the quantile is.

References
----------
.. [1] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression
   in microarray experiments", Statistical Applications in Genetics and Molecular Biology 3, 2004,
   section 6.
.. [2] Y. Lee, R. Foygel Barber and R. Willett, "Distribution-free inference with hierarchical
   data", arXiv 2306.06342, 2023, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.bayesian._moderated import FEWEST, moderated
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._ranks import Ranked

Array = NDArray[Any]

BEYOND = 3.0
"""Labels expected beyond the quantile from which a task stands on its own feet."""
MOST_LENDERS, POINTS = 1_000, 500
"""Tasks that lend, and quantiles of what they lend: more would not change the third digit."""
MANY = 500
SEED = 0


def few(coverage: float) -> float:
    """Number of labels below which a task borrows."""
    return BEYOND / (1.0 - coverage)


class Filled(NamedTuple):
    """Scores of a task, the share of them that is borrowed, and what a new label counts."""

    ranked: Ranked
    share: float
    new_label: float


@dataclass(frozen=True, eq=False)
class Lenders:
    """Scores of all tasks, and squared residuals, which tell the size of each task's.

    ``freedom`` and ``variance`` are those of all tasks, :math:`d_0` and :math:`s_0^2`.
    """

    scores: list[Array]
    squares: list[Array]
    freedom: float
    variance: float
    _lent: dict[tuple[int, int], tuple[Array, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: Sequence[Array], tasks: TaskSet) -> Self:
        """From task, score and square of all labels of one kind."""
        (of_task, scores, squares), n_tasks = labels, tasks.n_tasks
        # Neighbours may be alike: which labels tell the size of others is drawn.
        order = np.random.RandomState(SEED).permutation(len(scores))
        rows = [order[part] for part in rows_by_task(of_task[order], n_tasks)]
        lists = [scores[part] for part in rows], [squares[part] for part in rows]
        prior = 0.0, 1.0
        if tasks.is_long:
            counts = np.array([len(part) for part in rows], dtype=np.float64)
            prior = _prior(np.bincount(of_task, squares, n_tasks), counts)
        return cls(*lists, *prior)

    @classmethod
    def of_classes(cls, labels: Sequence[Array], tasks: TaskSet) -> Self:
        """The same of scores that need no size."""
        return replace(cls.of(labels, tasks), freedom=np.inf, variance=1.0)

    def size(self, squares: Any, n_labels: Any) -> Any:
        """Size of residuals, of which there are so many with this sum of squares."""
        if np.isinf(self.freedom):
            return np.sqrt(np.full(np.shape(squares), self.variance))
        total = self.freedom + n_labels
        return np.sqrt((self.freedom * self.variance + squares) / total)

    def fill(self, task: int, own: Ranked, models: Array, coverage: float) -> Filled:
        """Scores of a task with borrowed ones; ``models`` are those that know the task."""
        missing = few(coverage) - own.weights.sum()
        n_own = len(self.scores[task])
        points, n_lenders = np.zeros(0), 0
        if missing > 0 and len(models):
            points, n_lenders = self.lent(n_own, task)
        if not n_lenders:
            return Filled(own, 0.0, 1.0)
        scores = points * self.size(self.squares[task].sum(), n_own)
        weights = np.full(len(points), missing / len(points))
        lent = Ranked(scores, weights, np.resize(models, len(points)))
        share = float(missing / few(coverage))
        counts = 1.0 - share + share * min(1.0, few(coverage) / n_lenders)
        return Filled(Ranked.join([own, lent]), share, counts)

    def lent(self, n_labels: int, to: int) -> tuple[Array, int]:
        """Scores of tasks with so many labels in units of the size that these tell; how many do."""
        # Among very many it makes no difference that one of them is the one that borrows.
        key = n_labels, to if len(self.scores) < MANY else -1
        if key not in self._lent:
            self._lent[key] = self._lend(*key)
        return self._lent[key]

    def _lend(self, n_labels: int, to: int) -> tuple[Array, int]:
        if not n_labels and not self.freedom:
            # Nothing tells of what size the residuals may be.
            return np.zeros(0), 0
        # Where nothing else tells the size of a task, a label has to.
        least = 1 if self.freedom else 2
        lenders = [t for t, scores in enumerate(self.scores) if len(scores) >= least and t != to]
        if not lenders:
            return np.zeros(0), 0
        scores, weights = [], []
        for t in lenders[:: -(-len(lenders) // MOST_LENDERS)]:
            squares, n = self.squares[t], len(self.squares[t])
            n_behind = min(n_labels, n - 1)
            total = np.append(0.0, np.append(squares, squares[:n_behind]).cumsum())
            # Of each label the squares of those behind it, in a ring.
            behind = total[n_behind + 1 :][:n] - total[1 : n + 1]
            size = self.size(np.maximum(behind, 0.0), n_behind)
            scores.append(self.scores[t] / np.where(size > 0, size, 1.0))
            weights.append(np.full(n, 1.0 / n))
        return _points(np.concatenate(scores), np.concatenate(weights)), len(lenders)


def _prior(squares: Array, counts: Array) -> tuple[float, float]:
    """Degrees of freedom and variance that tasks have in common."""
    found = moderated(squares, counts)
    if found is None:
        total = counts.sum()
        is_alike = np.count_nonzero(counts) >= FEWEST
        return (np.inf if is_alike else 0.0), float(squares.sum() / total) if total else 1.0
    variance, total = found
    freedom = float((total - counts)[0])
    return freedom, float((variance[0] * total[0] - squares[0]) / freedom)


def _points(scores: Array, weights: Array) -> Array:
    """Scores of equal weight in place of weighted ones: quantiles, rounded up."""
    order = np.argsort(scores, kind="stable")
    share = weights[order].cumsum()
    levels = np.arange(1, POINTS + 1) / POINTS * share[-1]
    rank = np.searchsorted(share, levels * (1.0 - 1e-12), side="left")
    return scores[order][np.minimum(rank, len(order) - 1)]
