"""Data of given shapes, what is minimised on them, and the one gap by which all are judged."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.linear.losses import LOSSES

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


# What a norm sums; its dual norm is the largest of them.
SIZES = {
    "l1": np.abs,
    "l21": row_norms,
    "trace_norm": lambda W: np.linalg.svd(W, compute_uv=False),
}


@dataclass(frozen=True)
class Problem:
    r"""Minimise, for each alpha in turn, over W and, if ``has_intercept``, over b.

    .. math:: L(X W + 1 b', Y)
              + \alpha \bigl(\rho \Omega(W) + \tfrac{1 - \rho}2 \|W\|_F^2 \bigr)

    L is one of `LOSSES`. With squared loss and without intercept, X (unless sparse) and Y are
    centred, so that b = 0 is optimal.
    """

    X: Any
    Y: np.ndarray
    alphas: np.ndarray
    l1_ratio: float = 1.0
    norm: str = "l21"
    has_intercept: bool = False
    loss: str = "squared"

    @property
    def penalty(self):
        """Alias of the penalty in skmtl; that of a mix does not say its parts."""
        return {0.0: "l2", 1.0: self.norm}.get(self.l1_ratio, "elastic_net")

    @cached_property
    def labels(self):
        """What estimators are given: a column of classes for softmax, whole numbers."""
        if self.loss == "squared":
            return self.Y
        labels = self.Y.argmax(axis=1) if self.loss == "softmax" else self.Y.astype(int)
        return labels.squeeze()

    def at(self, fractions):
        """The same with alphas that are these fractions of the smallest one with W = 0.

        There is none where all of the penalty is a ridge: fractions are of the number of rows.
        """
        largest = float(len(self.Y))
        if self.l1_ratio:
            at_zero = evaluate(self, np.zeros((self.X.shape[1], self.Y.shape[1])))
            largest = SIZES[self.norm](at_zero.gradient).max() / self.l1_ratio
        return replace(self, alphas=largest * np.atleast_1d(fractions))

    def small(self):
        """A few rows and columns, to compile on what will be timed."""
        n_rows = 3000 if sparse.issparse(self.X) else 60
        rows = slice(None, None, max(1, len(self.Y) // n_rows))
        X, Y = self.X[rows, :30], self.Y[rows]
        if self.loss == "squared":
            X = X if sparse.issparse(X) else X - X.mean(axis=0)
            Y = Y - Y.mean(axis=0)
        X = X if sparse.issparse(X) else np.asfortranarray(X)
        fractions = np.linspace(0.6, 0.4, min(2, len(self.alphas)))
        return replace(self, X=X, Y=np.asfortranarray(Y)).at(fractions)

    def gap(self, path):
        """Largest `relative_gap` of some of the W, one for each alpha; the last among them."""
        pairs = list(zip(path, self.alphas, strict=True))[::-CHECK_EVERY]
        return max(relative_gap(self, W, alpha) for W, alpha in pairs)

    @cached_property
    def scale(self):
        """Of gaps: the loss of constants, or twice that, the sum of squares of centred Y."""
        loss = evaluate(self, np.zeros((self.X.shape[1], self.Y.shape[1]))).loss
        return 2.0 * loss if self.loss == "squared" else loss


@dataclass(frozen=True)
class Point:
    """With the best intercepts for W: loss, expected labels, and X'(expected - Y)."""

    loss: float
    expected: np.ndarray
    gradient: np.ndarray


def evaluate(problem, W):
    loss, F = LOSSES[problem.loss], problem.X @ W
    if problem.has_intercept or problem.loss == "squared":
        F = F + loss.intercepts(F, problem.Y)
    M = loss.expected(F)
    return Point(loss.value(F, problem.Y), M, problem.X.T @ (M - problem.Y))


def bounds(problem, W, alpha):
    r"""Objective at W, with the best intercepts for it, and a lower bound on the optimum.

    The dual point is made of the residuals R = M - Y, whose sums are 0 for those intercepts. With a
    ridge :math:`\alpha (1 - \rho)` any R is feasible, and the penalty has the conjugate

    .. math:: \sum_j \max(\sigma_j(X'R) - \alpha \rho, 0)^2 \; / \; 2 \alpha (1 - \rho),

    where :math:`\sigma_j` are what the norm sums; without, R is scaled into the dual ball.
    """
    sizes, at_W = SIZES[problem.norm], evaluate(problem, W)
    ridge, strength = alpha * (1.0 - problem.l1_ratio), alpha * problem.l1_ratio
    primal = at_W.loss + strength * sizes(W).sum() + 0.5 * ridge * (W**2).sum()
    dual_sizes, M = sizes(at_W.gradient), at_W.expected
    conjugate = 0.0
    if ridge:
        conjugate = (np.maximum(dual_sizes - strength, 0.0) ** 2).sum() / (2.0 * ridge)
    elif dual_sizes.max() > strength:
        M = problem.Y + strength / dual_sizes.max() * (M - problem.Y)
    return primal, -LOSSES[problem.loss].conjugate(M, problem.Y) - conjugate


def relative_gap(problem, W, alpha):
    """Duality gap of W over the scale of the problem."""
    primal, dual = bounds(problem, W, alpha)
    return (primal - dual) / problem.scale


def features(n_samples, n_features, density, rng, correlation=0.5):
    """Normal X, sparse or with neighbours that are correlated."""
    if density < 1:
        return sparse.random_array(
            (n_samples, n_features), density=density, rng=rng, format="csc",
            data_sampler=rng.standard_normal,
        )  # fmt: skip
    X = rng.normal(size=(n_samples, n_features))
    for j in range(1, n_features):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


def row_sparse(name, seed, *, has_intercept=False):
    """Problem of a shape in `SHAPES`: a tenth of the features matter, half of Y is noise."""
    n_samples, n_features, n_tasks, density = SHAPES[name]
    rng = np.random.default_rng(seed)
    X = features(n_samples, n_features, density, rng)
    X = X if sparse.issparse(X) else np.asfortranarray(X - X.mean(axis=0))
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
