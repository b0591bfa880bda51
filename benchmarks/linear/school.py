"""School: 139 tasks with rows of their own, to a certified gap.

Minimises half the sum of squares over all pupils plus alpha times the penalty, on the 28 columns
as they are, without intercepts. The peer is cvxpy with SCS, on one triangular factor a task.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy import linalg, sparse

from benchmarks.common.report import Table, cells
from benchmarks.linear.peers import MAX_ITER, PEERS, Competitor, decades
from benchmarks.linear.problems import SIZES, row_norms
from benchmarks.linear.timing import time_to_gaps

# Norm, alpha, certified optimum.
CASES = (("l21", 200, 783_909.2025), ("l21", 500, 869_988.4998), ("trace_norm", 500, 824_648.8867))

N_PROJECTIONS = 20


@dataclass(frozen=True)
class School:
    """Rows sorted by task, and what to fit to them."""

    X: np.ndarray
    y: np.ndarray
    task: np.ndarray
    norm: str = "l21"
    alpha: float = 500.0

    @cached_property
    def long(self):
        return np.column_stack([self.task, self.X])

    @cached_property
    def starts(self):
        return np.flatnonzero(np.diff(self.task, prepend=-1))

    @cached_property
    def _index(self):
        return np.unique(self.task, return_inverse=True)[1]

    def small(self):
        return School(self.X[:400], self.y[:400], self.task[:400], self.norm, self.alpha)

    def objective(self, W):
        """Objective at W (n_features, n_tasks), and its duality gap."""
        R = self.y - np.einsum("ij,ji->i", self.X, W[:, self._index])
        theta = self._almost_feasible(R)
        sizes = SIZES[self.norm]
        theta *= min(1.0, self.alpha / sizes(self._by_task(theta)).max())
        primal = 0.5 * R @ R + self.alpha * sizes(W).sum()
        return primal, primal - theta @ self.y + 0.5 * theta @ theta

    def _almost_feasible(self, R):
        """Residuals, moved within the span of each task's X to where the dual ball is close.

        Scaling all of them, which is enough elsewhere, would lose too much here: one row of the
        gradient outside the ball costs all the others.
        """
        gradient = Z = self._by_task(R)
        for _ in range(N_PROJECTIONS):
            step = _into_ball(Z, self.norm, self.alpha) - gradient
            moves = np.einsum("tij,jt->it", self._pseudo_inverses, step)
            theta = R + np.einsum("ij,ji->i", self.X, moves[:, self._index])
            Z = self._by_task(theta)
        return theta

    def _by_task(self, R):
        """X_t' R_t for every task, (n_features, n_tasks)."""
        return np.add.reduceat(self.X * R[:, None], self.starts).T

    @cached_property
    def _pseudo_inverses(self):
        blocks = np.split(self.X, self.starts[1:])
        return np.stack([np.linalg.pinv(X.T @ X, hermitian=True) for X in blocks])

    def gap(self, W):
        """Duality gap over the objective."""
        primal, gap = self.objective(W)
        return gap / primal


def _into_ball(Z, norm, radius):
    """The closest point where the dual norm is at most ``radius``."""
    if norm == "trace_norm":
        U, s, Vt = np.linalg.svd(Z, full_matrices=False)
        return U * np.minimum(s, radius) @ Vt
    return Z * (radius / np.maximum(row_norms(Z), radius))[:, None]


def skmtl(problem, tol):
    from skmtl import MultiTaskLinearRegressor

    # "labels" is the sum over all labels, over the mean number of labels of a task.
    mean_labels = len(problem.y) / len(problem.starts)
    model = MultiTaskLinearRegressor(
        problem.norm, alpha=problem.alpha / mean_labels, task_weight="labels", task_feature=0,
        fit_intercept=False, tol=tol, max_iter=MAX_ITER,
    )  # fmt: skip
    return model.fit(problem.long, problem.y).coef_.T


def cvxpy(problem, tol):
    import cvxpy as cp

    factors, targets = zip(*_factors(problem), strict=True)
    W = cp.Variable((problem.X.shape[1], len(factors)))
    errors = sparse.block_diag(factors, format="csc") @ cp.vec(W, order="F")
    norm = cp.normNuc(W) if problem.norm == "trace_norm" else cp.mixed_norm(W, 2, 1)
    loss = 0.5 * cp.sum_squares(errors - np.concatenate(targets))
    cp.Problem(cp.Minimize(loss + problem.alpha * norm)).solve(
        solver=cp.SCS, eps_abs=tol, eps_rel=tol, max_iters=MAX_ITER
    )
    return W.value


def _factors(problem):
    """R and Q'y of every task's QR: the loss but for a constant."""
    blocks = zip(
        np.split(problem.X, problem.starts[1:]), np.split(problem.y, problem.starts[1:]),
        strict=True,
    )  # fmt: skip
    for X, y in blocks:
        Q, R = linalg.qr(X, mode="economic")
        yield R, Q.T @ y


COMPETITORS = {
    "skmtl": Competitor(skmtl, ladder=decades(-4, -13)),
    "cvxpy": Competitor(cvxpy, "cvxpy", ladder=decades(-3, -9)),
}


def school(settings):
    """Table of certified gaps and times; skipped where the data are not there."""
    if not Path(settings.data).is_file():
        print(f"\nSchool: skipped, there is no file {settings.data}; --data names it")
        return
    data = np.load(settings.data)
    order = np.argsort(data["task"], kind="stable")
    rows = [data[name][order] for name in ("X", "y", "task")]
    columns = ["penalty", "gap asked for", *_competitors(settings), "objective", "over optimum",
               "gap left"]  # fmt: skip
    table = Table("School, gap over the objective", columns, markdown=settings.markdown)
    for norm, alpha, optimum in CASES:
        problem = School(*rows, norm, float(alpha))
        for gap, results, found in time_to_gaps(
            _competitors(settings), problem, settings.tols, settings
        ):
            # Of skmtl, which comes first.
            primal, left = problem.objective(found["skmtl"])
            table.row(
                f"{norm}, {alpha}", f"{gap:.0e}", *cells(results), f"{primal:,.1f}",
                f"{primal / optimum - 1:+.0e}", f"{left / primal:.0e}",
            )  # fmt: skip


def _competitors(settings):
    return {n: c for n, c in COMPETITORS.items() if n not in PEERS or n in settings.peers}
