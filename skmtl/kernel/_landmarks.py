r"""Features whose products are close to a kernel, for more rows than a kernel has room for.

With m landmarks among the rows, their kernel :math:`K_{mm} = U \Lambda U'` and the kernel
:math:`K_{nm}` of all rows with them, the features are :math:`\Phi = K_{nm} U \Lambda^{-1/2}`, so
that :math:`\Phi \Phi' = K_{nm} K_{mm}^{+} K_{mn}`: the kernel itself for landmarks, and where
m = n [1]_.

References
----------
.. [1] C. Williams and M. Seeger, "Using the Nystroem method to speed up kernel machines",
   NeurIPS 2001, eq. 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Array = NDArray[Any]

NEGLIGIBLE = 1e-12
"""Eigenvalues of the landmarks below this share of the largest have no feature."""


def nystroem_map(K: Array) -> Array:
    """Matrix (m, r) that makes features from the kernel with landmarks, from theirs (m, m)."""
    values, vectors = linalg.eigh(K, driver="evd", check_finite=False)
    used = values > NEGLIGIBLE * max(values[-1], 0.0)
    return np.asarray(vectors[:, used] / np.sqrt(values[used]))


def choose_landmarks(n_rows: int, n_landmarks: int, task_index: Array | None, rng: Any) -> Array:
    """Some of the rows, at random; in long form one of every task before a second of any."""
    order = rng.permutation(n_rows)
    if task_index is not None:
        _, first = np.unique(task_index[order], return_index=True)
        order = np.concatenate([order[np.sort(first)], np.delete(order, first)])
    return np.sort(order[:n_landmarks])
