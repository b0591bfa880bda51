r"""A task that comes later, learned from few labels and from the functions of the other tasks.

With raw scores :math:`f_t` of the tasks that are known and a representation :math:`\phi` of the
rows (X itself, what heads of a network read, a kernel), the scores of the new task are

.. math:: f(x) = b + c \bar f(x) + \sum_t u_t f_t(x) + v' \phi(x),

u and v Gaussian. As :math:`f_t = w_t' \phi`, this says of the coefficients of the new task what
those of the others say: with :math:`\bar w` and S their mean and their covariance,

.. math:: w \sim N(c \bar w, \, s_1 S + s_2 I).

The strengths :math:`s_1, s_2` and c, 0 or 1, are averaged over by the likelihood of the labels
(`_likely_strengths`), times that of each known task given the others (`_known_tasks`) where their
functions, but not the representation, come from the fit. Beyond 200 labels their best values hold,
and all labels decide on the rest.

References
----------
A. Gelman et al., "Bayesian data analysis", 3rd ed., CRC Press 2013, section 5.4 (a group that comes
later). J. Baxter, "A Bayesian/information theoretic model of learning to learn via multiple task
sampling", Machine Learning 28, 1997 (a prior that is learned from tasks).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl._feature_group import Group
from skmtl._known_tasks import known_tasks_say
from skmtl._likely_strengths import OF_INTERCEPT, Labels, Trial, likelihoods, try_strengths

Array = NDArray[Any]

FEW = 200
"""Labels that decide on strengths: their covariance is decomposed for each of them."""


@dataclass(frozen=True, eq=False)
class Head:
    """Raw scores of a task, linear in several parts of what is known of a row.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_features_of_part, n_outputs)
        Coefficients of each part.
    intercept : ndarray of shape (n_outputs,)
        Intercepts.
    shape : ndarray
        What stands behind the scores, where the likelihood of the task has a shape.
    """

    coefs: list[Array]
    intercept: Array
    shape: Array

    def __call__(self, parts: Sequence[Any]) -> Array:
        """Raw scores (n, n_outputs) of rows."""
        raw = np.tile(self.intercept, (parts[0].shape[0], 1))
        if not raw.size:
            return raw
        for part, coef in zip(parts, self.coefs, strict=True):
            raw = raw + part @ coef
        return np.hstack([raw, np.broadcast_to(self.shape, (len(raw), len(self.shape)))])


def fit_head(
    labels: Labels, mean: Array | None, parts: Sequence[Any], owners: Array | None = None
) -> Head:
    """Learn a task from rows that all have a label.

    Parameters
    ----------
    labels : Labels
        Of the new task.
    mean : ndarray of shape (m, n_outputs) or None
        What of the first part is the mean of tasks of the same type, if there are such.
    parts : sequence of {ndarray, sparse matrix} of shape (n, ...)
        Raw scores of the other tasks, and what coefficients of the task itself are on.
    owners : ndarray of shape (m,), default=None
        The task of each score; None where they are not those of single tasks.
    """
    task = copy(labels.task)
    if task.n_shapes:
        task.let_shape_vary(varies=False)
    labels = labels._replace(task=task)
    share = labels.counts / labels.counts.sum()
    groups = [Group(A, share, centred=labels.has_intercept) for A in parts]
    offset = None if mean is None else parts[0] @ mean
    some = _some_rows(labels)
    few = [group.take(some) for group in groups]
    of_few = labels._replace(values=labels.values[some], counts=labels.counts[some])
    trials = try_strengths(
        of_few, None if offset is None else offset[some], [group.gram() for group in few]
    )
    weights = likelihoods(trials, known_tasks_say(trials, parts[0][some], owners, mean, few[1:]))
    share_of_mean, intercept, coefs = _average(trials, weights, few)
    if len(some) < len(labels.values) or task.n_shapes or not task.is_smooth:
        best = trials[int(weights.argmax())]
        start = _average([best], np.ones(1), few)
        share_of_mean, o = best.share, 0.0 if offset is None else best.share * offset
        intercept, coefs = _refine(labels, o, groups, best, start[1:])
    coefs = [coef / group.size for coef, group in zip(coefs, groups, strict=True)]
    for group, coef in zip(groups, coefs, strict=True):
        intercept = intercept - group.mean @ coef
    if mean is not None:
        coefs[0] = coefs[0] + share_of_mean * mean
    return Head(coefs, intercept, task.shape_[: task.n_shapes].copy())


def _some_rows(labels: Labels) -> Array:
    """Rows that decide on strengths: of many, those of evenly spread labels."""
    n = len(labels.values)
    if n <= FEW:
        return np.arange(n)
    order = np.argsort(labels.values.reshape(n, -1)[:, 0], kind="stable")
    return np.sort(order[np.linspace(0, n - 1, FEW).round().astype(int)])


def _average(
    trials: list[Trial], weights: Array, groups: list[Group]
) -> tuple[float, Array, list[Array]]:
    """Share of the mean, intercepts, and coefficients of the groups."""
    pairs = list(zip(trials, weights, strict=True))
    share = float(sum(w * trial.share for trial, w in pairs))
    intercept = sum((w * trial.intercept for trial, w in pairs), np.zeros(()))
    parts = []
    for j, group in enumerate(groups):
        duals = sum((w * trial.strengths[j] * trial.duals for trial, w in pairs), np.zeros(()))
        parts.append(group.transposed_times(duals))
    return share, np.asarray(intercept), parts


def _refine(
    labels: Labels, offset: Any, groups: list[Group], best: Trial, start: tuple[Array, list[Array]]
) -> tuple[Array, list[Array]]:
    """Coefficients for all labels with the strengths of a trial, and the best shape."""
    task, counts = labels.task, labels.counts / best.noise
    used = [j for j, s in enumerate(best.strengths) if s > 0]
    roots = [np.sqrt(best.noise * best.strengths[j]) for j in used]
    n_outputs = len(start[0])
    free = [start[0] * labels.has_intercept]
    free += [start[1][j] / root for j, root in zip(used, roots, strict=True)]
    shapes = [part.shape for part in free]
    ends = np.cumsum([part.size for part in free])

    def unpacked(x: Array) -> list[Array]:
        parts = np.split(x, ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=False)]

    def loss(x: Array) -> tuple[float, Array]:
        b, *V = unpacked(x)
        if task.n_shapes:
            task.shape_ = x[ends[-1] :].copy()
        raw = offset + np.broadcast_to(b, (len(counts), n_outputs))
        for j, root, v in zip(used, roots, V, strict=True):
            raw = raw + root * groups[j].times(v)
        losses, gradient = task.loss_and_grad(raw, labels.values)
        slope = counts[:, None] * gradient
        slopes = [(slope.sum(axis=0) + b / OF_INTERCEPT) * labels.has_intercept]
        for j, root, v in zip(used, roots, V, strict=True):
            slopes.append(root * groups[j].transposed_times(slope) + v)
        of_shape = counts @ task.shape_slope(raw, labels.values)
        value = counts @ losses + 0.5 * sum(float(np.vdot(v, v)) for v in V)
        value += 0.5 * float(b @ b) / OF_INTERCEPT
        return float(value), np.concatenate([*(s.ravel() for s in slopes), np.ravel(of_shape)])

    x = np.concatenate([*(part.ravel() for part in free), task.shape_[: task.n_shapes]])
    with np.errstate(over="ignore", invalid="ignore"):
        x = minimize(loss, x, jac=True, method="L-BFGS-B", options={"maxiter": 1000}).x
    loss(x)
    b, *V = unpacked(x)
    parts = [np.zeros((group.A.shape[1], n_outputs)) for group in groups]
    for j, root, v in zip(used, roots, V, strict=True):
        parts[j] = root * v
    return b, parts
