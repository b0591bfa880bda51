"""Block descent: squared loss with a sum of row norms, on Gram matrices or on rows.

`_working_sets` has the algorithm, `_spaces` the places where it does its arithmetic, `compiled`
the inner loops. All of these are imported on first use: loading numba takes longer than many a
fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._statistics import (
    MAX_GRAM_BYTES,
    Statistics,
    gram_bytes,
    statistics_of,
)
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import L1, L21
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._convergence import warn_unless_converged
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._needs import FEW_FEATURES, lacks_grams
from skmtl.tasks._targets import Targets

if TYPE_CHECKING:
    from skmtl.linear.solvers._spaces import Space
    from skmtl.linear.solvers._working_sets import RowNorms

Array = NDArray[Any]

NUMBERS_AT_ONCE = 20_000
"""Coefficients of so many alphas get their intercepts together: few operations, few copies."""


class BlockDescent(Solver):
    """Squared loss with a sum of L1, L21 and L2: sweeps over the rows of W."""

    name = "block_descent"
    needs_grams = True
    is_compiled = True

    def lacks(self, case: Case) -> str | None:
        if not case.tasks.has_squared_loss:
            return lacks_grams(case)
        if case.n_grams > 1 and (missing := lacks_grams(case, one_per_task=True)):
            return missing
        return lacks_row_norms(case)

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        from skmtl.linear.solvers._working_sets import block_descent

        assert isinstance(problem.loss, StatisticsLoss)
        found = block_descent(
            _gram_space(problem.loss.statistics),
            row_norms(problem.parts[0]),
            alpha=1.0,
            max_gap=stopping.max_gap,
            max_iter=stopping.max_iter,
            W0=start.W,
        )
        return Solution(problem.start(found.W, start.b), found.gap, found.n_iter)

    def path(
        self,
        X: Any,
        targets: Targets,
        label_weights: Any,
        part: PenaltyPart,
        options: FitOptions,
        warm: Start | None = None,
        alphas: Sequence[float] | Array = (1.0,),
    ) -> Iterator[LinearFit]:
        """Fits along a path, on rows where a Gram matrix would be larger."""
        from skmtl.linear.solvers._working_sets import block_descent_path

        space, intercepts = _space(X, targets, label_weights, options)
        null_loss = 0.5 * space.squares
        path = block_descent_path(
            space,
            row_norms(part),
            alphas,
            max_gap=options.tol * options.margin * null_loss,
            max_iter=options.max_iter,
            W0=None if warm is None else warm.W,
        )
        n_at_once = max(1, NUMBERS_AT_ONCE // (X.shape[1] * targets.tasks.n_tasks))
        while some := list(islice(path, n_at_once)):
            W = np.stack([found.W for found in some])
            for found, W_k, b_k in zip(some, W, intercepts(W), strict=True):
                warn_unless_converged(found.gap, null_loss, options)
                yield LinearFit(W_k, b_k, None, found.gap, found.n_iter)


def forms_gram(X: Any) -> bool:
    """Whether block descent goes on the Gram matrix of X, or on its rows.

    A sweep is a product with the Gram matrix, or two with X. With few features the number of
    rows does not decide, so that weights and repeated rows take the very same steps.
    """
    n_samples, n_features = X.shape
    n_stored = X.nnz if sparse.issparse(X) else n_samples * n_features
    return n_features <= FEW_FEATURES or n_features**2 <= min(n_stored, MAX_GRAM_BYTES // 8)


def row_space(X: Any, Y: Array, weights: Array, x_mean: Array | None) -> Space:
    """Weighted rows for block descent: Y centred, X to be centred by ``x_mean`` (None: do not)."""
    from skmtl.linear.solvers._spaces import DenseRows, SparseRows

    root = np.sqrt(weights)[:, None]
    if sparse.issparse(X):
        if x_mean is not None:
            X, x_mean = without_large_means(X, x_mean, weights)
        return SparseRows(X.multiply(root).tocsr(), Y * root, x_mean, weights.sum())
    return DenseRows((X if x_mean is None else X - x_mean) * root, Y * root)


def lacks_row_norms(case: Case) -> str | None:
    """What is missing for sweeps over the rows of W; None if nothing is."""
    if case.has_shrunk_intercepts or case.options.center:
        return "intercept_alpha=0 and center=False"
    part = case.parts[0]
    if len(case.parts) > 1 or not takes_rows(part) or not has_one_feature_weight(part):
        return "alpha > 0 and a sum of L1, L21 and L2 (one feature_weight)"
    return None


def takes_rows(part: PenaltyPart) -> bool:
    """Whether a part is a sum of row norms and a ridge that block descent knows."""
    kinds = {type(atom) for atom in part.prox_atoms}
    if not kinds or not kinds <= {L1, L21} or part.over_tasks:
        return False
    return part.Q.is_zero or part.Q.is_ridge


def _space(
    X: Any, targets: Targets, label_weights: Any, options: FitOptions
) -> tuple[Space, Callable[[Array], Array]]:
    """Where the descent happens, and the intercepts that belong to W."""
    n_grams = gram_bytes(X, targets, label_weights) // (8 * X.shape[1] ** 2)
    if isinstance(X, Statistics) or n_grams > 1 or forms_gram(X):
        stats = statistics_of(X, targets, label_weights, centred=options.fit_intercept)
        return _gram_space(stats), stats.intercepts
    weights = label_weights.reshape(len(label_weights), -1)[:, 0]
    Y = targets.values.reshape(len(label_weights), -1)
    if not options.fit_intercept:
        return row_space(X, Y, weights, None), lambda W: np.zeros(Y.shape[1])
    x_mean, y_mean = X.T @ weights / weights.sum(), weights @ Y / weights.sum()
    return row_space(X, Y - y_mean, weights, x_mean), lambda W: y_mean - x_mean @ W


def _gram_space(statistics: Statistics) -> Space:
    """Where the descent happens on Gram matrices: on one, or on one of each task."""
    from skmtl.linear.solvers._spaces import GramSpace
    from skmtl.linear.solvers._task_space import TaskGramSpace

    if len(statistics.gram) > 1:
        return TaskGramSpace(statistics)
    return GramSpace(statistics.gram[0], statistics.cross, statistics.squares.sum())


def row_norms(part: PenaltyPart) -> RowNorms:
    """The penalty of a part in the words of block descent."""
    from skmtl.linear.solvers._working_sets import RowNorms

    strength = {"l1": 0.0, "l21": 0.0}
    weights = None
    atom: Any
    for atom in part.prox_atoms:
        strength[atom.alias] += part.alpha * atom.weight
        if atom.feature_weight is not None:
            weights = np.asarray(atom.feature_weight, dtype=np.float64)
    return RowNorms(**strength, l2=part.Q.on_mean, positive=part.positive, weights=weights)


def has_one_feature_weight(part: PenaltyPart) -> bool:
    """Whether the norms agree on the weights of the features."""
    found = [atom.feature_weight for atom in part.prox_atoms]
    return len(found) == 1 or all(weight is None for weight in found)
