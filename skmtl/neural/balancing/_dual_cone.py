"""Directions that raise no loss."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._cosines import Array, cosines_of, positive_definite
from skmtl.neural.balancing._nonnegative import nonnegative_minima


def project_on_dual_cone(gramian: Array, weights: Array) -> Array:
    r"""Weights of the closest directions that conflict with no gradient.

    With J the gradients as rows and u a row of weights, the projection of :math:`J'u` on
    :math:`\{d : Jd \geq 0\}` is :math:`J'(u + v)`, where v minimises
    :math:`\frac12 (u + v)' JJ' (u + v)` over :math:`v \geq 0`.

    Parameters
    ----------
    gramian : array of shape (n_tasks, n_tasks)
        JJ'.
    weights : array of shape (m, n_tasks)
        Rows u.

    Returns
    -------
    weights : ndarray of shape (m, n_tasks)
        Rows u + v.
    """
    norms, cosines = cosines_of(gramian)
    # A cone does not change with the lengths of what spans it.
    u = weights * norms
    sizes = np.abs(u).max(axis=1, keepdims=True)
    sizes[sizes == 0] = 1.0
    v = sizes * nonnegative_minima(positive_definite(cosines), -(u / sizes) @ cosines)
    return weights + v / np.where(norms > 0, norms, 1.0)
