r"""How much of each of several predictions goes into one.

Members :math:`m` predict rows that they were not fitted to. The weights of task t are the point of
the simplex (:math:`w_m \ge 0`, :math:`\sum_m w_m = 1`) with the smallest

.. math:: \frac{1}{v_t} \frac{\sum_i s_{ti} \lVert y_{ti} - \sum_m w_m p_{mti} \rVert^2}
          {\sum_i s_{ti}} + \lambda e \lVert w - c \rVert^2,

where y and p are numbers, or an indicator of the class and probabilities (the Brier score),
:math:`v_t` is what the best constant leaves, and e the first term of the best member alone. Weights
common to all tasks minimise the mean over all labels, with c equal weights; those of a task have
the common ones for c, and a :math:`\lambda` that falls with its number of labels, as the weight of
a prior does. On emotions and yeast, blending log-odds by log loss gained a tenth of a point of
ROC-AUC at most; shares of probabilities are probabilities.

This is Breiman's stacking of out-of-fold predictions by non-negative least squares [1]_, with
weights that are shrunk instead of chosen by a few rows.

References
----------
.. [1] L. Breiman, "Stacked regressions", Machine Learning 24, 1996, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from skmtl.tasks._base import Task
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import LabelColumn, Targets
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

TO_EQUAL = 0.1
"""Pull of the common weights to equal ones, over the number of members; chosen as `TO_COMMON`."""
OF_FEW = 50.0
"""What is added to it is the square of this over the number of rows, not labels: those of a row are
off together.

Measured on draws of slump, enb, atp1d and sarcos, with four kernels as members: the mean error is
10 % smaller with 10 rows, 4 % with 20, .7 % with 40, and the same with 80.
"""
TO_COMMON = 30.0
"""Pull of the weights of a task to the common ones, over the number of its labels.

Measured on slump, enb, atp1d and sarcos by the protocol of benchmarks/accuracy: from 10 to 100 the
mean error differs by .3 %.
"""
FEWEST = 20
"""Labels below which a task has the common weights."""
OF_CONSTANT = 0.3
"""Weight of the best constant, where it is a member, that blends of few rows are drawn to.

Measured on draws of 10 rows with networks: noise 108 % of the constant (112 with 0, 107 with .4),
slump 89 (94, 88), diabetes 82 (81, 84); with 40 rows it is the same.
"""


def blend_weights(
    expected: Sequence[list[Array]],
    targets: Targets,
    *,
    per_task: bool | str = "auto",
    centre: Array | None = None,
) -> Array:
    """Weights (n_members, n_tasks) of predictions of held-out rows; those of a task sum to 1.

    ``expected`` has what every member expects of the rows of ``targets``: a list with one array
    (n_samples,) or (n_samples, n_classes) per column of y, in long form one. Only observed labels
    count of which a member has a finite prediction. A member some of whose predictions for these
    are not finite has no weight in the task.
    ``per_task=False`` gives all tasks the common weights, which are pulled to ``centre``, by
    default to equal ones.
    """
    n_members, n_tasks = len(expected), targets.tasks.n_tasks
    columns = [
        _Residuals.of(column, [member[k] for member in expected])
        for k, column in enumerate(targets.columns())
    ]
    equal = np.full(n_members, 1.0 / n_members) if centre is None else centre
    counts = np.array([column.n_labels() for column in columns])
    parts = [column.root() * np.sqrt(n) for column, n in zip(columns, counts, strict=True)]
    root = np.vstack(parts) / np.sqrt(counts.sum() or 1.0)
    pull = TO_EQUAL + (OF_FEW / max(_n_rows(columns, len(targets.values)), 1.0)) ** 2
    common = _on_simplex(root, equal, pull / n_members)
    weights = np.repeat(common[:, None], n_tasks, axis=1)
    for t, column, rows in _by_task(columns, targets):
        usable = column.is_usable(rows)
        if not usable.any():
            continue
        found = common[usable] if common[usable].any() else np.ones(usable.sum())
        found = found / found.sum()
        n_labels = column.n_labels(rows)
        if per_task and n_labels >= FEWEST:
            found = _on_simplex(column.root(rows)[:, usable], found, TO_COMMON / n_labels)
        weights[:, t] = 0.0
        weights[usable, t] = found
    return weights


def before_a_constant(n_members: int) -> Array:
    """What weights are drawn to where a constant is the last of the members."""
    n_others = n_members - 1
    return np.append(np.full(n_others, (1.0 - OF_CONSTANT) / n_others), OF_CONSTANT)


def mix(
    expected: Sequence[list[Array]],
    weights: Array,
    task_index: Array | None = None,
    tasks: Sequence[Task] | None = None,
) -> list[Array]:
    r"""Weighted means :math:`\sum_m w_{mt} p_{mti}` of the members' predictions, as theirs.

    ``task_index`` has the task of each row in long form; -1, an unknown one, gets the mean of the
    weights over tasks. What has no weight is not looked at: it may be NaN. With ``tasks`` the mean
    is that on the scale on which each compares predictions.
    """
    mixed = []
    for k in range(len(expected[0])):
        parts = np.array([member[k] for member in expected])
        if tasks is not None:
            parts = tasks[k].to_blend(parts)
        if task_index is None:
            of_rows = weights[:, k, None]
        else:
            of_rows = np.column_stack([weights, weights.mean(axis=1)])[:, task_index]
        of_rows = of_rows.reshape(*of_rows.shape, *[1] * (parts.ndim - 2))
        mean = np.where(of_rows > 0, of_rows * parts, 0.0).sum(axis=0)
        mixed.append(mean if tasks is None else tasks[k].from_blend(mean))
    return mixed


@dataclass(frozen=True, eq=False)
class _Residuals:
    """Residuals (n_labels, n_columns, n_members) of one column of y, in units of its spread.

    ``rows`` are those with a label, ``weights`` theirs; ``is_finite`` is (n_labels, n_members).
    """

    values: Array
    weights: Array
    rows: Array
    is_finite: Array

    @classmethod
    def of(cls, column: LabelColumn, members: list[Array]) -> Self:
        """Residuals of every member where there is a label."""
        task, values, weights = column
        by_row = [np.isfinite(m).all(axis=tuple(range(1, m.ndim))) for m in members]
        rows = np.flatnonzero((weights > 0) & np.any(by_row, axis=0))
        values, weights = values[rows], in_range(weights[rows])
        labels, judged = task.blend_labels(values, weights)
        kept = judged > 0
        if not kept.any():
            empty = np.empty((0, len(members)))
            return cls(empty[:, None], weights[kept], rows[kept], empty > 0)
        constant = task.to_blend(task.prior(values, weights))
        rows, weights, labels = rows[kept], judged[kept], labels[kept].reshape(kept.sum(), -1)
        spread = _spread(labels - np.reshape(constant, (1, -1)), weights)
        predicted = np.stack(
            [task.to_blend(m[rows]).reshape(len(rows), -1) for m in members], axis=-1
        )
        with np.errstate(invalid="ignore", over="ignore"):
            residuals = (labels[..., None] - predicted) / spread
        is_finite = np.isfinite(residuals).all(axis=1)
        # In the common weights such a member counts as the mean of the others.
        n_finite = np.maximum(is_finite.sum(axis=1), 1)[:, None]
        filled = np.where(is_finite[:, None], residuals, 0.0)
        mean = filled.sum(axis=2) / n_finite
        residuals = np.where(is_finite[:, None], residuals, mean[..., None])
        return cls(residuals, weights, rows, is_finite)

    def n_labels(self, rows: Any = ...) -> float:
        """Effective number of labels."""
        return _effective_number(self.weights[rows])

    def root(self, rows: Any = ...) -> Array:
        """Matrix A with the mean products of residuals A'A."""
        if not len(self.weights[rows]):
            return np.empty((0, self.values.shape[2]))
        weights = self.weights[rows] / self.weights[rows].sum()
        scaled = self.values[rows] * np.sqrt(weights)[:, None, None]
        root: Any = np.linalg.qr(scaled.reshape(-1, scaled.shape[2]), mode="r")
        return root

    def is_usable(self, rows: Any = ...) -> Array:
        """Members all of whose predictions are finite."""
        usable: Array = self.is_finite[rows].all(axis=0)
        return usable


def _effective_number(weights: Array) -> float:
    r"""Equal weights that leave as much noise in a mean: :math:`(\sum_i s_i)^2 / \sum_i s_i^2`.

    The scale of weights is then no matter, as it is none in the losses. A weight of 2 does not
    count as two rows: it could not do both, and a second copy tells nothing new of the members.
    """
    return float(weights.sum() ** 2 / (weights @ weights)) if weights.any() else 0.0


def _n_rows(columns: list[_Residuals], n: int) -> float:
    """Effective number of rows with labels."""
    total = np.zeros(n)
    for column in columns:
        total[column.rows] += column.weights / (column.weights.sum() or 1.0)
    return _effective_number(total)


def _spread(deviation: Array, weights: Array) -> float:
    """Root mean square deviation from the best constant; 1 where there is none."""
    largest = float(np.abs(deviation).max())
    if largest == 0.0:
        return 1.0
    squares = np.square(deviation / largest).sum(axis=1)
    return largest * float(np.sqrt(np.average(squares, weights=weights)))


def _by_task(columns: list[_Residuals], targets: Targets) -> Iterator[Any]:
    """Every task with labels: its position, its column, and which of the column's labels it has."""
    if targets.task_index is None:
        yield from ((t, column, ...) for t, column in enumerate(columns) if len(column.rows))
        return
    index = targets.task_index[columns[0].rows]
    for t, rows in enumerate(rows_by_task(index, targets.tasks.n_tasks)):
        if len(rows):
            yield t, columns[0], rows


def _on_simplex(root: Array, centre: Array, pull: float) -> Array:
    r"""Weights of sum 1 with the least :math:`\lVert A w \rVert^2 + \lambda \lVert w - c \rVert^2`.

    Lambda is ``pull`` times the least squared length of a column of A.

    Such weights have :math:`w - c = (I - c 1') w`, so that this is :math:`\lVert B w \rVert^2`:
    the shortest vector in the hull of the columns of B. With u >= 0 of least
    :math:`\lVert B u \rVert^2 + (1 - 1'u)^2` it is w = u / 1'u, since the best length of u leaves
    :math:`b / (1 + b)`, :math:`b = \lVert B w \rVert^2`.
    """
    lengths = np.linalg.norm(root, axis=0)
    # The length of a member without a flaw is no measure.
    root = root / (lengths.min() or 1e-8 * lengths.max() or 1.0)
    to_centre = np.sqrt(pull) * (np.eye(len(centre)) - centre[:, None])
    rows = np.vstack([root, to_centre, np.ones(len(centre))])
    target = np.append(np.zeros(len(rows) - 1), 1.0)
    found, _ = nnls(rows, target, maxiter=100 * len(centre))
    weights: Array = found / found.sum()
    return weights
