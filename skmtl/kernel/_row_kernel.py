"""The kernel of rows: a function of two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils.sparsefuncs import mean_variance_axis

from skmtl.kernel._pairs import products_of_rows, squared_distances
from skmtl.linear.objective._centring import large_means, shifted

Array = NDArray[Any]


def gamma_of_spread(kernel: Any, X: Any, share: Array) -> float | None:
    r"""gamma for rows with weights ``share`` of sum 1; None where the kernel has its own.

    With the variances :math:`v_j` of the features, :math:`1 / (8 \sum_j v_j)` for "rbf", whose
    width is then :math:`\sqrt 2` times the root mean square distance of two rows, and
    :math:`\sqrt\pi / (4 \sum_j \sqrt{v_j})` for "laplacian", half of one over the mean distance
    of Gaussian rows (factors measured: benchmarks/accuracy).
    """
    if kernel not in ("rbf", "laplacian"):
        return None
    if sparse.issparse(X):
        _, variances = mean_variance_axis(X, axis=0, weights=share)
        variances = np.maximum(variances, 0.0)
    else:
        variances = share @ np.square(X - share @ X)
    total = float(np.sqrt(variances).sum() if kernel == "laplacian" else variances.sum())
    factor = 0.25 * np.sqrt(np.pi) if kernel == "laplacian" else 0.125
    # Rounding is no spread.
    size = float(abs(X).max()) ** (1 if kernel == "laplacian" else 2)
    return float(factor / total) if total > 1e-24 * size else 1.0


class RowKernel:
    """A kernel with its parameters, for rows that X stands for.

    Parameters
    ----------
    kernel : str or callable
        As in `MultiTaskKernelRidge`.
    parameters : dict
        Of the kernel; a named one takes of them what it has.
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Rows of the fit.
    fit_intercept : bool
        Whether the model has intercepts.
    """

    def __init__(
        self, kernel: Any, parameters: dict[str, Any], X: Any, *, fit_intercept: bool
    ) -> None:
        self.kernel, self.parameters = kernel, parameters
        self.shift = None
        # Where that changes no function, large means of features are taken off first.
        if kernel == "rbf" or (kernel == "linear" and fit_intercept):
            mean = np.asarray(X.mean(axis=0)).ravel()
            shift = large_means(X, mean, np.ones(X.shape[0]))
            self.shift = shift if shift.any() else None

    def __call__(self, X: Any, Y: Any = None) -> Array:
        """Kernel of the rows of X and those of Y, by default X."""
        if self.kernel == "precomputed":
            return np.asarray(X.toarray() if hasattr(X, "toarray") else X)
        if self.shift is not None:
            X, Y = shifted(X, self.shift), None if Y is None else shifted(Y, self.shift)
        if self.kernel == "rbf":
            # Of plain numbers: `pairwise_kernels` checks them for longer than it takes.
            Y, gamma = X if Y is None else Y, self.parameters["gamma"]
            squares = squared_distances(X, Y, products_of_rows(X, Y))
            squares *= -1.0 / X.shape[1] if gamma is None else -gamma
            return np.exp(squares, out=squares)
        options = self.parameters
        if not callable(self.kernel):
            # A parameter left out is the kernel's own: chi2 does not take gamma=None.
            given = {name: value for name, value in options.items() if value is not None}
            options = {"filter_params": True, **given}
        K = pairwise_kernels(X, Y, metric=self.kernel, **options)
        return np.asarray(K.toarray() if hasattr(K, "toarray") else K, dtype=np.float64)
