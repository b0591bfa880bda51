r"""What is kept of rows whose loss is not squared: a quadratic model of it for each task.

Around the coefficients that were found when a label was new, with raw score :math:`f_0`, slope s
and curvature h of its loss,

.. math:: \ell(f) \approx \tfrac12 (f - y)' h (f - y) + \mathrm{const}, \quad y = f_0 - h^{-1} s,

and the sum over the labels of a task is a quadratic function of its K (p + 1) coefficients, whose
memory does not depend on the rows. It is exact for squared losses. The curvature of a label is
taken to be at least a thousandth of the mean of its chunk: there is none at an outlier of Huber's.

References
----------
M. Opper, "A Bayesian approach to on-line learning", in "On-line learning in neural networks",
Cambridge 1998 (a Gaussian for all that was seen, new labels exactly). T. Broderick et al.,
"Streaming variational Bayes", NeurIPS 2013.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._quadratic_model import FLATTEST
from skmtl.linear.solvers.newton._hessians import of_pairs

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Quadratics:
    r""":math:`\tfrac12 \theta_t' H_t \theta_t - r_t' \theta_t + \tfrac12 c_t` of tasks alike.

    The unknowns of a task are the coefficients and the intercept of its first output, of the second
    and so on.

    Attributes
    ----------
    tasks : ndarray of shape (m,)
        Positions of the tasks.
    H : ndarray of shape (m, K q, K q)
        Curvature, for q = n_features + 1.
    r : ndarray of shape (m, K q)
        Minus the slope where all coefficients are 0.
    c : ndarray of shape (m,)
        Twice the value there.
    """

    tasks: Array
    H: Array
    r: Array
    c: Array

    def plus(self, other: Self) -> Self:
        """Of the labels of both, of the same tasks."""
        return replace(self, H=self.H + other.H, r=self.r + other.r, c=self.c + other.c)

    def times(self, factors: Array) -> Self:
        """Of every task times a factor (m,)."""
        return replace(
            self,
            H=self.H * factors[:, None, None],
            r=self.r * factors[:, None],
            c=self.c * factors,
        )

    def moved(self, d: Array) -> Self:
        """In the intercepts about an origin that is ``d`` (m, p) less than the one before."""
        if not d.any():
            return self
        m, q = len(self.tasks), d.shape[1] + 1
        H, r = self.H.reshape(m, -1, q, self.H.shape[1]).copy(), self.r.reshape(m, -1, q).copy()
        H[:, :, :-1] += H[:, :, -1:] * d[:, None, :, None]
        r[:, :, :-1] += r[:, :, -1:] * d[:, None, :]
        H = H.reshape(m, self.H.shape[1], -1, q)
        H[:, :, :, :-1] += H[:, :, :, -1:] * d[:, None, None, :]
        return replace(self, H=H.reshape(self.H.shape), r=r.reshape(self.r.shape))


@dataclass(frozen=True, eq=False)
class Past:
    """Quadratic models of all labels so far.

    Attributes
    ----------
    sizes : ndarray of int, shape (n_tasks,)
        Outputs of each task.
    center : ndarray of shape (n_features,)
        Where the intercepts are.
    groups : tuple of Quadratics
        Tasks with as many outputs, which are at least 1.
    """

    sizes: Array
    center: Array
    groups: tuple[Quadratics, ...]

    @classmethod
    def none(cls, sizes: Array, center: Array) -> Self:
        """Without labels."""
        groups = []
        for K in np.unique(sizes[sizes > 0]):
            tasks, n = np.flatnonzero(sizes == K), K * (len(center) + 1)
            nothing = np.zeros((len(tasks), n))
            groups.append(
                Quadratics(tasks, np.zeros((len(tasks), n, n)), nothing, np.zeros(len(tasks)))
            )
        return cls(sizes, center, tuple(groups))

    def plus(self, other: Self) -> Self:
        """Of the labels of both, of the same tasks."""
        pairs = zip(self.groups, other.groups, strict=True)
        return replace(self, groups=tuple(one.plus(more) for one, more in pairs))

    def times(self, factors: Array) -> Self:
        """Of every task times a factor (n_tasks,)."""
        return replace(self, groups=tuple(g.times(factors[g.tasks]) for g in self.groups))

    def about(self, origins: Array) -> Self:
        """With the intercepts at an origin for each task (n_tasks, n_features)."""
        groups = tuple(g.moved(self.center - origins[g.tasks]) for g in self.groups)
        return replace(self, groups=groups)

    def among(self, places: Array, sizes: Array) -> Self:
        """The tasks at their places among others (of these ``sizes``), that have no labels yet."""
        if len(sizes) == len(self.sizes):
            return self
        every = type(self).none(sizes, self.center)
        of_size = {wider.r.shape[1]: wider for wider in every.groups}
        for group in self.groups:
            wider = of_size[group.r.shape[1]]
            at = np.searchsorted(wider.tasks, places[group.tasks])
            wider.H[at], wider.r[at], wider.c[at] = group.H, group.r, group.c
        return every

    def take(self, tasks: Array) -> Self:
        """Some of the tasks, in order."""
        groups = []
        for g in self.groups:
            used = np.isin(g.tasks, tasks)
            if used.any():
                places = np.searchsorted(tasks, g.tasks[used])
                groups.append(Quadratics(places, g.H[used], g.r[used], g.c[used]))
        return type(self)(self.sizes[tasks], self.center, tuple(groups))

    def columns(self, group: Quadratics) -> Array:
        """Columns (m, K) of the coefficients of all tasks that belong to those of a group."""
        starts = np.cumsum(self.sizes) - self.sizes
        at: Array = starts[group.tasks][:, None] + np.arange(self.sizes[group.tasks[0]])
        return at


def model_of(point: DataPoint, sizes: Array) -> Past:
    """Quadratic models of the loss of a chunk at a point, with intercepts where its design has.

    ``sizes`` are the outputs of its tasks, at least 1 each.
    """
    loss = point.loss
    design, is_long = loss.design, loss.task_index is not None
    past = Past.none(sizes, np.zeros(design.n_features))
    hy, squares = np.zeros_like(point.raw), np.zeros(len(sizes))
    slope = point.slope
    for block, (outputs, matrices) in zip(loss.blocks, _matrices(point), strict=True):
        members = np.arange(len(sizes)) if is_long else _members(past, outputs)
        raw, s = (a[:, outputs].reshape(matrices.shape[:3]) for a in (point.raw, slope))
        h = _curved(matrices, block.label_weights, loss.task_index, len(sizes))
        used = block.label_weights > 0
        z = np.einsum("nmkl,nml->nmk", h, raw) - s
        hy[:, outputs] = z.reshape(len(raw), -1)
        y = np.zeros_like(z)
        y[used] = np.linalg.solve(h[used], z[used][..., None])[..., 0]
        of_labels = (z * y).sum(axis=2)
        if loss.task_index is not None:
            squares += np.bincount(loss.task_index, of_labels[:, 0], len(sizes))
        else:
            squares[members] = of_labels.sum(axis=0)
        grams = of_pairs(loss, h, True)
        for g in past.groups:
            at = np.flatnonzero(np.isin(g.tasks, members))
            if len(at) and g.H.shape[1] == grams.shape[1]:
                g.H[at] = grams
    slopes, sums = design.adjoint(hy)
    theta = np.vstack([slopes, sums])
    for g in past.groups:
        g.r[:] = theta[:, past.columns(g)].transpose(1, 2, 0).reshape(g.r.shape)
        g.c[:] = squares[g.tasks]
    return past


def _members(past: Past, outputs: Any) -> Array:
    """Tasks of a block, in wide form."""
    starts = np.cumsum(past.sizes) - past.sizes
    found: Array = np.flatnonzero(np.isin(starts, np.arange(past.sizes.sum())[outputs]))
    return found


def _matrices(point: DataPoint) -> Any:
    """Outputs and curvatures (n, m, K, K) of every block."""
    if not point.curvature.is_diagonal:
        return point.curvature.blocks()
    diagonal = point.curvature.diagonal
    return [(b.outputs, diagonal[:, b.outputs][:, :, None, None]) for b in point.loss.blocks]


def _curved(matrices: Array, weights: Array, task_index: Array | None, n_tasks: int) -> Array:
    """Curvatures that are large enough to divide by, where labels count."""
    K = matrices.shape[2]
    traces = np.einsum("nmkk->nm", matrices) / K
    if task_index is None:
        sums, total = traces.sum(axis=0), weights.sum(axis=0)
        mean = np.divide(sums, total, out=np.ones_like(sums), where=(total > 0) & (sums > 0))
        least = FLATTEST * weights * mean
    else:
        sums, total = (np.bincount(task_index, a[:, 0], n_tasks) for a in (traces, weights))
        mean = np.divide(sums, total, out=np.ones_like(sums), where=(total > 0) & (sums > 0))
        least = FLATTEST * weights * mean[task_index][:, None]
    if K == 1:
        return np.maximum(matrices, least[:, :, None, None])
    curved: Array = matrices + least[:, :, None, None] * np.eye(K)
    return curved
