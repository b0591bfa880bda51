r"""Block descent on working sets: squared loss with a penalty on each row of W.

.. math:: \min_W \tfrac12 \|Y - X W\|_F^2 + \alpha \Bigl( \sum_j \omega_j (\lambda_{21}
          \|W_{j \cdot}\|_2 + \lambda_1 \|W_{j \cdot}\|_1) + \tfrac12 \lambda_2 \|W\|_F^2 \Bigr)

Given the others, a row has a closed form. Sweeps go over a working set of rows [2]_, which
grows until no row outside wants in, and are extrapolated [3]_. Along a path of alphas the next
solution is looked for on the line through the last two [4]_. The duality gap
(`compiled._row.duality_gap`) says when to stop, and nothing else does.

Rotating the tasks changes neither the loss nor the norms of rows. Where these are all there is
and Y has more columns than its rank, Y V is solved for, V an orthonormal basis of the row space
of Y, and W = (W V) V'.

References
----------
.. [1] E. Ndiaye, O. Fercoq, A. Gramfort and J. Salmon, "Gap safe screening rules for sparsity
   enforcing penalties", JMLR 18, 2017, theorem 6.
.. [2] M. Massias, A. Gramfort and J. Salmon, "Celer: a fast solver for the lasso with dual
   extrapolation", ICML 2018, section 3.
.. [3] Q. Bertrand and M. Massias, "Anderson acceleration of coordinate descent", AISTATS 2021.
.. [4] M. Y. Park and T. Hastie, "L1-regularization path algorithm for generalized linear
   models", JRSS B 69, 2007, section 2 (predictor and corrector).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from skmtl.linear.solvers._spaces import GramSpace, Point, Space, Terms
from skmtl.linear.solvers.compiled._gram import sweep_path
from skmtl.linear.solvers.compiled._row import duality_gap, penalty_value, slacks

Array = NDArray[Any]

SMALLEST = 64
"""Rows to begin with: sweeping over them costs about as much as looking at all rows once."""

ROUNDING = 1e-15
"""Part of the sum of squares of Y below which the gap is noise."""

ALL_ROWS, FEW_SWEEPS = 256, 30
"""Rows, of a Gram matrix, up to which a path takes no working sets, and sweeps over all of them
for an alpha, from which on it does: with acceleration. Measured: benchmarks/linear, "path"."""

AT_A_TIME = 10
"""Alphas that are solved for in one call: more are in vain where a path ends early."""

INNER = 0.03
"""A working set that may change is solved to this part of the gap over all rows."""


@dataclass(frozen=True)
class RowNorms:
    r"""The penalty: weights of its terms, at least one of ``l21`` and ``l1`` positive.

    Attributes
    ----------
    l21, l1, l2 : float
        :math:`\lambda_{21}`, :math:`\lambda_1` and :math:`\lambda_2`.
    positive : bool
        Whether coefficients must not be negative.
    weights : ndarray of shape (n_features,) or None
        :math:`\omega`, positive; None stands for ones.
    """

    l21: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    positive: bool = False
    weights: Array | None = None

    @property
    def is_rotation_invariant(self) -> bool:
        """Whether the penalty of W V is that of W, for orthogonal V."""
        return self.l1 == 0.0 and not self.positive

    def terms(self, alpha: float, n_features: int) -> Terms:
        """Ridge, band and radius of every row at ``alpha``."""
        weights = np.ones(n_features) if self.weights is None else np.asarray(self.weights, float)
        high = alpha * self.l1 * weights
        low = np.full(n_features, -np.inf) if self.positive else -high
        return alpha * self.l2, low, high, alpha * self.l21 * weights


class BlockSolution(NamedTuple):
    """Coefficients with their certificate.

    Attributes
    ----------
    W : ndarray of shape (n_features, n_tasks)
        Coefficients.
    gap : float
        Duality gap at W.
    n_iter : int
        Sweeps, each over a working set.
    """

    W: Array
    gap: float
    n_iter: int


def block_descent(
    space: Space,
    norms: RowNorms,
    *,
    alpha: float,
    max_gap: float,
    max_iter: int,
    W0: Array | None = None,
) -> BlockSolution:
    """Solve from ``W0`` (or zero) until the duality gap is at most ``max_gap``.

    Ends without where ``max_iter`` sweeps were not enough, or rounding allows no better.
    """
    return next(
        block_descent_path(space, norms, [alpha], max_gap=max_gap, max_iter=max_iter, W0=W0)
    )


def block_descent_path(
    space: Space,
    norms: RowNorms,
    alphas: Iterable[float],
    *,
    max_gap: float,
    max_iter: int,
    W0: Array | None = None,
) -> Iterator[BlockSolution]:
    """`block_descent` for each alpha in turn, from the solutions before; best from the largest."""
    basis = _basis(space, norms)
    if basis is not None:
        space = space.rotated(basis)
        W0 = None if W0 is None else W0 @ basis
    n_features = len(space.diagonal)
    W = np.zeros((n_features, space.targets.shape[1]))
    if W0 is not None:
        W[:] = W0
    alphas = list(map(float, alphas))
    n_done = 0
    if isinstance(space, GramSpace) and n_features <= ALL_ROWS and len(alphas) > 1:
        for solution in _sweeps(space, norms, np.array(alphas), W, max_gap, max_iter):
            W, n_done = solution.W, n_done + 1
            yield solution if basis is None else solution._replace(W=W @ basis.T)
        W = W.copy()
    point = space.at(W)
    past: list[tuple[float, Array]] = []
    for alpha in alphas[n_done:]:
        terms = norms.terms(alpha, n_features)
        if len(past) == 2:
            point = _predict(space, W, point, past, alpha, terms)
        point, gap, n_iter = _solve(space, W, point, terms, max_gap, max_iter)
        past = [*past[-1:], (alpha, W.copy())]
        yield BlockSolution(W.copy() if basis is None else W @ basis.T, gap, n_iter)


def _sweeps(
    space: GramSpace, norms: RowNorms, alphas: Array, W: Array, max_gap: float, max_iter: int
) -> Iterator[BlockSolution]:
    """Solutions of a path by sweeps over all rows, as long as a few are enough."""
    found, gaps = np.empty((len(alphas) + 1, *W.shape)), np.empty(len(alphas))
    found[0], n_sweeps = W, np.zeros(len(alphas), dtype=np.intp)
    ridge, *bounds = norms.terms(1.0, len(W))
    max_gap = max(max_gap, ROUNDING * space.squares)
    for first in range(0, len(alphas), AT_A_TIME):
        stop = min(first + AT_A_TIME, len(alphas))
        done = sweep_path(
            space.gram, space.targets, space.squares, alphas, first, stop, ridge, *bounds,
            max_gap, min(FEW_SWEEPS, max_iter), found, gaps, n_sweeps,
        )  # fmt: skip
        of_alphas = zip(found[1:], gaps.tolist(), n_sweeps.tolist(), strict=True)
        yield from map(BlockSolution._make, islice(of_alphas, first, done))
        if done < stop:
            return


def _predict(
    space: Space, W: Array, point: Point, past: list[tuple[float, Array]], alpha: float,
    terms: Terms,
) -> Point:  # fmt: skip
    """Move W, the last solution, along the line from the one before if that is better.

    While the support does not change, a path is nearly straight in alpha.
    """
    (first, start), (last, _) = past
    if not first > last > alpha:
        return point
    guess = np.where(W == 0.0, 0.0, W + (last - alpha) / (first - last) * (W - start))
    ahead = space.at(guess)

    def value(W: Array, point: Point) -> float:
        return 0.5 * point.error + float(penalty_value(W, *terms)[0])

    if not value(guess, ahead) < value(W, point):
        return point
    W[:] = guess
    return ahead


def _basis(space: Space, norms: RowNorms) -> Array | None:
    """Orthonormal basis of the tasks' row space (T, rank), where it is smaller and allowed."""
    if not norms.is_rotation_invariant or space.targets.shape[1] <= len(space.targets):
        return None
    basis: Array = linalg.qr(space.targets.T, mode="economic", check_finite=False)[0]
    return basis


def _solve(
    space: Space, W: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
) -> tuple[Point, float, int]:
    """Change W until the gap is small: (point at W, gap, sweeps)."""
    n_iter = 0
    max_gap = max(max_gap, ROUNDING * space.squares)
    while True:
        gap, scale = duality_gap(point.H, W, point.fit, point.error, *terms)
        if gap <= max_gap or n_iter >= max_iter:
            return point, gap, n_iter
        distance = slacks(point.H, W, space.diagonal, *terms, scale)
        rows, is_safe = _working_set(distance, radius=np.sqrt(2.0 * gap))
        target = max(0.0 if is_safe else INNER * gap, 0.9 * max_gap)
        ridge, low, high, l21 = terms
        part, part_terms = W[rows], (ridge, low[rows], high[rows], l21[rows])
        n_done = space.descend(part, rows, point, part_terms, target, max_iter - n_iter)
        if n_done == 0:
            return point, gap, n_iter
        W[rows] = part
        n_iter += n_done
        point = space.at(W)


def _working_set(distance: Array, radius: float) -> tuple[Array, bool]:
    r"""The support (distance -inf), and as many of the rows closest to entering it.

    Rows further away than :math:`\sqrt{2 \mathrm{gap}}` are zero at the optimum [1]_: left out.
    Also whether these are the only ones, so that the set need not change.
    """
    size = max(2 * int(np.isneginf(distance).sum()), SMALLEST)
    nearest = np.inf
    if size < len(distance):
        nearest = np.partition(distance, size - 1)[size - 1]
    return np.flatnonzero(distance <= min(radius, nearest)), bool(radius <= nearest)
