"""Norms row by row, with a weight for each feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.linear.penalties._atoms import NormAtom
from skmtl.linear.penalties._base import Array


class RowNorm(NormAtom):
    r"""Base class of a norm that is a sum over the rows of W, with a weight for each.

    .. math:: \Omega(W) = \sum_j \omega_j \, \mathrm{norm}(W_{j \cdot})

    A subclass writes `value`, `prox` and `dual_norm`, with the help of `row_weights` and
    `largest_ratio`. As a norm of rows that does not grow where an entry moves towards 0, it
    allows ``positive=True``; set ``allows_positive = False`` where that is not so.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.
    feature_weight : array-like of shape (n_features,), default=None
        Factor on each row; 1 by default.

    Examples
    --------
    `L21`, written out:

    >>> import numpy as np
    >>> from skmtl.linear.penalties import RowNorm
    >>> class Rows(RowNorm):
    ...     def value(self, W):
    ...         return float(np.linalg.norm(self.row_weights(W) * W, axis=1).sum())
    ...
    ...     def prox(self, W, step):
    ...         size = np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-300)
    ...         return W * np.maximum(1 - step * self.row_weights(W) / size, 0)
    ...
    ...     def dual_norm(self, Z):
    ...         return self.largest_ratio(np.linalg.norm(Z, axis=1))
    >>> Rows(feature_weight=[1, 10]).prox(np.array([[3.0, 4.0], [3.0, 4.0]]), 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """

    allows_positive = True

    def __init__(self, weight: float = 1.0, *, feature_weight: Any = None) -> None:
        self.weight = weight
        self.feature_weight = feature_weight

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        if self.feature_weight is None:
            return
        name, factors = type(self).__name__, np.asarray(self.feature_weight)
        if factors.dtype.kind not in "biuf" or factors.ndim != 1:
            raise ValueError(
                f"{name}(feature_weight={self.feature_weight!r}); expected one number per feature."
            )
        if n_features is not None and len(factors) != n_features:
            raise ValueError(
                f"{name}: feature_weight has shape {factors.shape}; X has {n_features} features."
            )
        bad = np.flatnonzero(~(np.isfinite(factors) & (factors > 0)))
        if len(bad):
            raise ValueError(
                f"{name}: feature_weight is {factors[bad[0]]} for feature {bad[0]}; expected "
                "finite numbers > 0."
            )

    def row_weights(self, W: Array) -> Array:
        """Weight of each row of W, that of the penalty included.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_outputs)
            Coefficients, of which the number of rows counts.

        Returns
        -------
        weights : ndarray of shape (n_features, 1)
            Factors on the norms of the rows.
        """
        if self.feature_weight is None:
            return np.full((len(W), 1), self.weight)
        return self.weight * np.asarray(self.feature_weight, dtype=np.float64)[:, None]

    def largest_ratio(self, sizes: Array) -> float:
        """The dual norm, from those of the rows.

        Parameters
        ----------
        sizes : ndarray of shape (n_features,)
            Dual norms of the rows.

        Returns
        -------
        norm : float
            Largest of them over the weight of its row, that of the penalty left out.
        """
        ratios = sizes * self.weight / self.row_weights(sizes)[:, 0] if self.weight else sizes
        return float(ratios.max(initial=0.0))
