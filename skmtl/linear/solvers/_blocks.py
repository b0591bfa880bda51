"""Block descent on validated data: shared rows, squared loss, penalties on rows of W."""

import numpy as np
from scipy import sparse

from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES, gram_bytes, statistics_of
from skmtl.linear.penalties import L1, L21

FEW_FEATURES = 500
"""Up to here the Gram matrix is formed whatever the number of rows."""


def forms_gram(X):
    """Whether block descent goes on the Gram matrix of X, or on its rows.

    A sweep is a product with the Gram matrix, or two with X. With few features the number of
    rows does not decide, so that weights and repeated rows take the very same steps.
    """
    n_samples, n_features = X.shape
    n_stored = X.nnz if sparse.issparse(X) else n_samples * n_features
    return n_features <= FEW_FEATURES or n_features**2 <= min(n_stored, MAX_GRAM_BYTES // 8)


def row_space(X, Y, weights, x_mean):
    """Weighted rows for block descent: Y centred, X to be centred by ``x_mean`` (None: do not)."""
    from skmtl.linear.solvers._spaces import DenseRows, SparseRows

    root = np.sqrt(weights)[:, None]
    if sparse.issparse(X):
        if x_mean is not None:
            X, x_mean = without_large_means(X, x_mean, weights)
        return SparseRows(X.multiply(root).tocsr(), Y * root, x_mean, weights.sum())
    return DenseRows((X if x_mean is None else X - x_mean) * root, Y * root)


def takes_rows(part):
    """Whether a part is a sum of row norms and a ridge that block descent knows."""
    kinds = {type(atom) for atom in part.chain}
    if not kinds or not kinds <= {L1, L21} or part.over_tasks:
        return False
    return part.Q.is_zero or part.Q.is_ridge


def solve_blocks(X, targets, label_weights, part, settings, warm=None, alphas=(1.0,)):
    """Yield (W, b, gap, n_iter, null_loss) of the fit with the penalty times each alpha."""
    # On first use: importing numba takes longer than many a fit.
    from skmtl.linear.solvers._block_descent import block_descent_path

    space, null_loss, intercepts = _space(X, targets, label_weights, settings)
    path = block_descent_path(
        space,
        _row_norms(part),
        alphas,
        max_gap=settings.tol * getattr(settings, "margin", 1.0) * null_loss,
        max_iter=settings.max_iter,
        W0=None if warm is None else warm[0],
    )
    for found in path:
        yield found.W, intercepts(found.W), found.gap, found.n_iter, null_loss


def _space(X, targets, label_weights, settings):
    """Where the descent happens, half the sum of squares, and the intercepts that belong to W."""
    from skmtl.linear.solvers._spaces import GramSpace
    from skmtl.linear.solvers._task_space import TaskGramSpace

    n_grams = gram_bytes(X, targets, label_weights) // (8 * X.shape[1] ** 2)
    if n_grams > 1 or forms_gram(X):
        stats = statistics_of(X, targets, label_weights, centred=settings.fit_intercept)
        if n_grams > 1:
            space = TaskGramSpace(stats)
        else:
            space = GramSpace(stats.gram[0], stats.cross, stats.squares.sum())
        return space, 0.5 * space.squares, lambda W: stats.y_mean - stats.mean_product(W)
    weights = label_weights.reshape(len(label_weights), -1)[:, 0]
    Y = targets.values.reshape(len(label_weights), -1)
    if not settings.fit_intercept:
        space = row_space(X, Y, weights, None)
        return space, 0.5 * space.squares, lambda W: np.zeros(Y.shape[1])
    x_mean, y_mean = X.T @ weights / weights.sum(), weights @ Y / weights.sum()
    space = row_space(X, Y - y_mean, weights, x_mean)
    return space, 0.5 * space.squares, lambda W: y_mean - x_mean @ W


def _row_norms(part):
    """The penalty of a part in the words of block descent."""
    from skmtl.linear.solvers._block_descent import RowNorms

    strength = {"l1": 0.0, "l21": 0.0}
    weights = None
    for atom in part.chain:
        strength[atom.alias] += part.alpha * atom.weight
        if atom.feature_weight is not None:
            weights = np.asarray(atom.feature_weight, dtype=np.float64)
    return RowNorms(**strength, l2=part.Q.on_mean, positive=part.positive, weights=weights)


def has_one_feature_weight(part):
    """Whether the terms of the chain agree on the weights of the features."""
    found = [atom.feature_weight for atom in part.chain]
    return len(found) == 1 or all(weight is None for weight in found)
