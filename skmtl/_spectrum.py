r"""Ridge regression in a kernel for every alpha, with the rows it is fitted to and without them.

With shares s of the rows (of sum 1), :math:`u = \sqrt s`, :math:`D = \mathrm{diag}(u)` and a free
intercept, the fit minimises

.. math:: \sum_i s_i \, \tfrac12 (y_i - f(x_i) - b)^2 + \frac{\alpha}{2} \|f\|^2 .

One eigendecomposition :math:`(I - uu') D K D (I - uu') = Q \,\mathrm{diag}(w) \, Q'` solves it for
all alphas and targets. The scaled residuals are :math:`M \tilde y`, and those of a fit without the
rows F, at the same alpha and with the shares of the others,

.. math:: M = I - uu' - Q \,\mathrm{diag}\Big(\frac{w}{w + \alpha}\Big) Q', \qquad
          e_F = M_{FF}^{-1} (M \tilde y)_F,

one division per row where F is one row [1]_ [2]_. M is computed as what Q does not span, plus
:math:`Q \,\mathrm{diag}(\alpha / (w + \alpha)) \, Q'`: nothing cancels for small alphas.

References
----------
.. [1] D. M. Allen, "The relationship between variable selection and data augmentation and a
   method for prediction", Technometrics 16, 1974, eq. 4.
.. [2] R. Rifkin and R. Lippert, "Notes on regularized least squares", MIT-CSAIL-TR-2007-025,
   section 3 (one eigendecomposition for all alphas and many targets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Array = NDArray[Any]

NEGLIGIBLE = 1e-13
"""Eigenvalues below this share of the largest count as 0."""
SMALLEST = 1e-14
"""What a row leaves to the others: less is rounding, and the row is predicted by itself alone."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvectors Q (n, r) and eigenvalues w (r,) of a centred kernel.

    Functions are the kernel of new rows with anchors, times coefficients, which ``basis``
    (n_anchors, r) makes from those of Q: :math:`D Q`, for None. ``mean`` (n_anchors,) is the mean
    kernel of the rows with the anchors.
    """

    vectors: Array
    values: Array
    share: Array
    mean: Array
    basis: Array | None = None

    @classmethod
    def of_kernel(cls, K: Array, share: Array) -> Self:
        """From the kernel (n, n) of the rows: each is an anchor."""
        u, mean = np.sqrt(share), share @ K
        # (I - uu') D K D (I - uu') = D (K - 1m' - m1' + s'm) D with the mean kernel m = K s.
        centred = K - mean - mean[:, None] + mean @ share
        centred *= u
        centred *= u[:, None]
        # u has the eigenvalue 0, as rounding has others: made the largest, it is told from them.
        largest = 2.0 * float(np.trace(centred)) or 1.0
        centred += largest * np.outer(u, u)
        values, vectors = linalg.eigh(centred, driver="evd", overwrite_a=True, check_finite=False)
        values, vectors = values[:-1], vectors[:, :-1]
        used = values > NEGLIGIBLE * values.max(initial=0.0)
        return cls(vectors[:, used], values[used], share, mean)

    @classmethod
    def of_features(cls, features: Array, share: Array) -> Self:
        """From features (n, m), whose products are the kernel: each of them is an anchor."""
        u, mean = np.sqrt(share), share @ features
        scaled = (features - mean) * u[:, None]
        values, vectors = linalg.eigh(scaled.T @ scaled, driver="evd", check_finite=False)
        used = values > NEGLIGIBLE * values.max(initial=0.0)
        values, vectors = values[used], vectors[:, used]
        root = np.sqrt(values)
        return cls(scaled @ (vectors / root), values, share, mean, vectors * root)

    @cached_property
    def root(self) -> Array:
        """u: what rows are multiplied by."""
        return np.sqrt(self.share)

    def scaled(self, targets: Array) -> Array:
        """Centred targets times u."""
        return np.asarray((targets - self.share @ targets) * self.root[:, None])

    def held_out(
        self, targets: Array, alphas: Array, folds: Sequence[tuple[Array, Array]] | None
    ) -> Array:
        """Residuals (n_alphas, n, n_targets) of fits without the row, or the rows of its fold.

        A fold has the rows that are left out, and those of them that are predicted; the mean
        where there are several of a row, NaN where there is none.
        """
        Q, y = self.vectors, self.scaled(targets)
        left = alphas[:, None] / (self.values + alphas[:, None])
        along = Q.T @ y
        # All alphas in one product of matrices.
        shape = (len(Q), len(alphas), y.shape[1])
        moved = left.T[:, :, None] * along[:, None]
        spanned = Q @ moved.reshape(len(along), shape[1] * shape[2])
        found = spanned.reshape(shape).transpose(1, 0, 2) + (y - Q @ along)
        if folds is None:
            squares = np.square(Q)
            outside = np.maximum(1.0 - self.share - squares.sum(axis=1), 0.0)
            own = np.maximum(outside[:, None] + squares @ left.T, SMALLEST)
            return np.asarray(found / (own * self.root[:, None]).T[:, :, None])
        total, times = np.zeros_like(found), np.zeros(len(Q))
        for left_out, test in folds:
            if 0 < len(left_out) < len(Q):
                without = self._without(left_out, left, found[:, left_out])
                total[:, test] += without[:, np.searchsorted(left_out, test)]
                times[test] += 1.0
        times[times == 0.0] = np.nan
        return np.asarray(total / (times * self.root)[:, None])

    def _without(self, rows: Array, left: Array, residuals: Array) -> Array:
        """Scaled residuals of fits without some rows, from those with them."""
        Q, u = self.vectors[rows], self.root[rows]
        outside = np.eye(len(rows)) - np.outer(u, u) - Q @ Q.T
        found = np.empty_like(residuals)
        for j, factor in enumerate(left):
            own = outside + (Q * factor) @ Q.T
            try:
                lower = linalg.cho_factor(own, lower=True, check_finite=False)
                found[j] = linalg.cho_solve(lower, residuals[j], check_finite=False)
            except linalg.LinAlgError:
                # Rows that no others say anything of.
                values, vectors = linalg.eigh(own, driver="evd", check_finite=False)
                scaled = (vectors.T @ residuals[j]) / np.maximum(values, SMALLEST)[:, None]
                found[j] = vectors @ scaled
        return found

    def coefficients(self, targets: Array, alphas: Array) -> tuple[Array, Array]:
        """Coefficients (n_anchors, n_targets) and intercepts, with an alpha for each target."""
        along = (self.vectors.T @ self.scaled(targets)) / (self.values[:, None] + alphas)
        basis = self.vectors * self.root[:, None] if self.basis is None else self.basis
        coef = basis @ along
        return coef, self.share @ targets - self.mean @ coef
