"""Tasks in a few clusters."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from skmtl.linear.penalties._atoms import Atom, of_trace_one
from skmtl.linear.penalties._base import Array, Penalty, is_number
from skmtl.linear.penalties._l2 import L2


class Clustered(Atom):
    r"""Tasks in k clusters, relaxed to a convex problem; also convex alternating structure.

    .. math:: \Omega(W) = \min_M \tfrac12 c \, \mathrm{tr}(W (\eta I + M)^{-1} W'), \quad
              \mathrm{tr} M = k,\ 0 \preceq M \preceq I,\ c = \eta (1 + \eta)

    The best :math:`\eta I + M`, of trace 1, is the fitted ``task_covariance_``.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of clusters k; below the number of tasks.
    eta : float, default=1.0
        Distance within a cluster against the size of its centre: small means tight clusters.
    weight : float, default=1.0
        Factor on the penalty.

    Notes
    -----
    The penalty depends on the singular values :math:`s_i` of W only. For its prox with step t,
    :math:`m_i = \mathrm{clip}(\lambda s_i - \eta - t c, 0, 1)` with the :math:`\lambda` that
    gives trace k, and :math:`s_i` shrinks by :math:`(\eta + m_i) / (\eta + m_i + t c)`.

    References
    ----------
    Zhou, Chen and Ye, "Clustered multi-task learning via alternating structure optimization",
    NIPS 2011, eq. 11; Jacob, Bach and Vert, "Clustered multi-task learning: a convex
    formulation", NIPS 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import Clustered
    >>> round(Clustered(1, eta=1.0).value(np.array([[1.0, 1.0], [0.0, 0.0]])), 6)
    1.0
    """

    alias = "clustered"
    over_tasks = True
    is_rotation_invariant = True

    def __init__(self, n_clusters: int = 2, *, eta: float = 1.0, weight: float = 1.0) -> None:
        self.n_clusters = n_clusters
        self.eta = eta
        self.weight = weight

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        if not (is_number(self.n_clusters, Integral) and self.n_clusters >= 1):
            raise ValueError(f"Clustered(n_clusters={self.n_clusters!r}); expected an int >= 1.")
        if not (is_number(self.eta) and self.eta > 0):
            raise ValueError(f"Clustered(eta={self.eta!r}); expected a finite number > 0.")

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        """As many clusters as tasks are left, in a fold for example: M = I, a ridge."""
        if len(kept) <= self.n_clusters < n_tasks:
            return L2(self.eta * self.weight)
        return self

    def _check(self, n_tasks: int) -> None:
        if not 1 <= self.n_clusters < n_tasks:
            raise ValueError(
                f"Clustered(n_clusters={self.n_clusters}) for {n_tasks} tasks; expected "
                "1 <= n_clusters < n_tasks."
            )

    @property
    def _c(self) -> float:
        return self.eta * (1.0 + self.eta)

    def spectrum(self, s: Array, n_tasks: int, shift: float = 0.0) -> Array:
        """Eigenvalues of M that are best for given singular values.

        Parameters
        ----------
        s : ndarray of shape (n_values,)
            Singular values s; those beyond ``n_values`` are 0.
        n_tasks : int
            Number of tasks.
        shift : float, default=0.0
            Added to eta below the squares of s; a prox has the length of its step here.

        Returns
        -------
        m : ndarray of shape (n_tasks,)
            The eigenvalues.
        """
        self._check(n_tasks)
        s = np.concatenate([s, np.zeros(n_tasks - len(s))]) if len(s) < n_tasks else s
        k = self.n_clusters
        positive = s > 1e-15 * s.max(initial=0.0)
        if positive.sum() <= k:
            # All that matter can have 1; what is left of the trace goes to the others.
            rest = (k - positive.sum()) / max(len(s) - positive.sum(), 1)
            return np.where(positive, 1.0, rest)
        base = self.eta + shift
        low, high = 0.0, (1.0 + base) / s[positive].min()
        for _ in range(200):
            middle = 0.5 * (low + high)
            if np.clip(middle * s - base, 0.0, 1.0).sum() < k:
                low = middle
            else:
                high = middle
        return np.clip(high * s - base, 0.0, 1.0)

    def value(self, W: Array) -> float:
        s = np.linalg.svd(W, compute_uv=False)
        m = self.spectrum(s, W.shape[1])[: len(s)]
        return 0.5 * self.weight * self._c * float((s**2 / (self.eta + m)).sum())

    def prox(self, W: Array, step: float) -> Array:
        U, s, Vt = np.linalg.svd(W, full_matrices=False)
        shift = step * self.weight * self._c
        m = self.spectrum(s, W.shape[1], shift)[: len(s)]
        return (U * (s * (self.eta + m) / (self.eta + m + shift))) @ Vt

    def dual_scale(self, Z: Array, alpha: float) -> float:
        return 1.0

    def conjugate(self, Z: Array, alpha: float) -> float:
        self._check(Z.shape[1])
        s = np.linalg.svd(Z, compute_uv=False)
        total = self.eta * (s**2).sum() + (s[: self.n_clusters] ** 2).sum()
        return 0.5 * float(total) / (alpha * self.weight * self._c)

    def task_covariance(self, W: Array) -> Array | None:
        _, s, Vt = np.linalg.svd(W, full_matrices=True)
        return of_trace_one(Vt, self.eta + self.spectrum(s, len(Vt)))
