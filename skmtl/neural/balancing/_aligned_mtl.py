"""Gradients made orthogonal and of one length."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import PRECISION, cosines_of


class AlignedMTL(GramianBalancing):
    r"""Aligned components: the nearest orthogonal gradients, as long as the shortest component.

    With the gradients as rows of :math:`J = U S V'` of rank r, and singular values S,

    .. math:: d = \sigma_r (U V')' \tfrac{1}{T} 1 = J' w, \quad
        w = \sigma_r U S^{-1} U' \tfrac{1}{T} 1

    where U and :math:`S^2` are the eigenvectors and eigenvalues of the Gramian. The rank is that
    of the unit gradients, so that it does not depend on the scales of the losses.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Senushkin, Patakin, Kuznetsov and Konushin, "Independent component alignment for multi-task
    learning", CVPR 2023, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import AlignedMTL
    >>> AlignedMTL().weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.125, 0.5  ])
    """

    alias = "aligned_mtl"

    def weights(self, gramian: Array) -> Array:
        """Weights; those of the mean where all gradients are 0."""
        norms, cosines = cosines_of(gramian)
        mean = np.full(len(norms), 1 / len(norms))
        if not norms.any():
            return mean
        components = np.linalg.eigvalsh(cosines)
        rank = np.sum(components > len(norms) * PRECISION * components[-1])
        # Units of the longest gradient: weights do not depend on them.
        relative = norms / norms.max()
        squares, vectors = np.linalg.eigh(relative[:, None] * cosines * relative)
        vectors, singular = vectors[:, -rank:], np.sqrt(np.maximum(squares[-rank:], 1e-300))
        return singular[0] * vectors @ ((mean @ vectors) / singular)
