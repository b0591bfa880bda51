"""Data of given shapes, what is minimised on them, and the one gap by which all are judged."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

# Samples, features, tasks, share of entries that are not zero.
SHAPES = {
    "A": (1000, 200, 20, 1.0),
    "B": (200, 2000, 50, 1.0),
    "C": (20_000, 100, 10, 1.0),
    "D": (5000, 1000, 500, 1.0),
    "S": (20_000, 5000, 10, 0.01),
    # More tasks than samples.
    "T": (500, 100, 3000, 1.0),
    "U": (300, 1000, 2000, 1.0),
}
# For the trace norm: rank of the signal last.
LOW_RANK_SHAPES = {
    "E": (500, 60, 30, 5),
    "F": (1000, 200, 50, 5),
    "G": (2000, 300, 200, 10),
    "H": (200, 1000, 100, 5),
}
N_ALPHAS = 100
CHECK_EVERY = 5
"""Alphas of a path from one whose gap is computed to the next."""


def row_norms(W):
    return np.linalg.norm(W, axis=1)


# The norm of the penalty, and its dual norm.
NORMS = {
    "l21": (lambda W: row_norms(W).sum(), lambda Z: row_norms(Z).max()),
    "trace_norm": (lambda W: np.linalg.norm(W, "nuc"), lambda Z: np.linalg.norm(Z, 2)),
}


@dataclass(frozen=True)
class Problem:
    r"""Minimise, for each alpha in turn, over W and, if ``has_intercept``, over b.

    .. math:: \tfrac12 \|Y - X W - 1 b'\|_F^2
              + \alpha \bigl(\rho \Omega(W) + \tfrac{1 - \rho}2 \|W\|_F^2 \bigr)

    Without intercept X (unless sparse) and Y are centred, so that b = 0 is optimal.
    """

    X: Any
    Y: np.ndarray
    alphas: np.ndarray
    l1_ratio: float = 1.0
    norm: str = "l21"
    has_intercept: bool = False

    def at(self, fractions):
        """The same with alphas that are these fractions of the smallest one with W = 0."""
        Z = self.X.T @ (self.Y - self.Y.mean(axis=0))
        alpha_max = NORMS[self.norm][1](Z) / self.l1_ratio
        return replace(self, alphas=alpha_max * np.atleast_1d(fractions))

    def small(self):
        """A few rows and columns, to compile on what will be timed."""
        n_rows = 3000 if sparse.issparse(self.X) else 60
        X, Y = self.X[:n_rows, :30], self.Y[:n_rows]
        if not sparse.issparse(X):
            X = X - X.mean(axis=0)
        Y = np.asfortranarray(Y - Y.mean(axis=0))
        X = X if sparse.issparse(X) else np.asfortranarray(X)
        return replace(self, X=X, Y=Y).at(np.linspace(0.6, 0.4, min(2, len(self.alphas))))

    def gap(self, path):
        """Largest `relative_gap` of some of the W, one for each alpha; the last among them."""
        pairs = list(zip(path, self.alphas, strict=True))[::-CHECK_EVERY]
        return max(relative_gap(self, W, alpha) for W, alpha in pairs)


def relative_gap(problem, W, alpha):
    """Duality gap of W, with the best intercepts for it, over the sum of squares of centred Y."""
    norm, dual_norm = NORMS[problem.norm]
    Y = problem.Y - problem.Y.mean(axis=0)
    R = Y - problem.X @ W
    R -= R.mean(axis=0)
    # A ridge is as many rows more, with labels 0.
    ridge = alpha * (1.0 - problem.l1_ratio)
    errors = (R**2).sum() + ridge * (W**2).sum()
    strength = alpha * problem.l1_ratio
    scale = min(1.0, strength / dual_norm(problem.X.T @ R - ridge * W))
    primal = 0.5 * errors + strength * norm(W)
    return (primal - scale * np.vdot(R, Y) + 0.5 * scale**2 * errors) / (Y**2).sum()


def row_sparse(name, seed, *, has_intercept=False):
    """Problem of a shape in `SHAPES`: a tenth of the features matter, half of Y is noise.

    Dense X has neighbours correlated by 0.5.
    """
    n_samples, n_features, n_tasks, density = SHAPES[name]
    rng = np.random.default_rng(seed)
    if density < 1:
        X = sparse.random_array(
            (n_samples, n_features), density=density, rng=rng, format="csc",
            data_sampler=rng.standard_normal,
        )  # fmt: skip
    else:
        X = rng.normal(size=(n_samples, n_features))
        for j in range(1, n_features):
            X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
        X = np.asfortranarray(X - X.mean(axis=0))
    W = np.zeros((n_features, n_tasks))
    used = rng.choice(n_features, n_features // 10, replace=False)
    W[used] = rng.normal(size=(len(used), n_tasks))
    return _with_noise(X, W, rng, has_intercept)


def low_rank(name, seed):
    """Problem of a shape in `LOW_RANK_SHAPES`, half of Y is noise."""
    n_samples, n_features, n_tasks, rank = LOW_RANK_SHAPES[name]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    X = np.asfortranarray(X - X.mean(axis=0))
    W = rng.normal(size=(n_features, rank)) @ rng.normal(size=(rank, n_tasks))
    return replace(_with_noise(X, W, rng, False), norm="trace_norm")


def _with_noise(X, W, rng, has_intercept):
    signal = X @ W
    Y = signal + signal.std() * rng.normal(size=signal.shape)
    Y = np.asfortranarray(Y - Y.mean(axis=0))
    if has_intercept:
        # There is something for it to find.
        X, Y = (X if sparse.issparse(X) else X + 1.0), Y + 1.0
    return Problem(X, Y, np.ones(1), has_intercept=has_intercept)


def label(name, problem):
    return f"{name} {' x '.join(map(str, (*problem.X.shape, problem.Y.shape[1])))}"
