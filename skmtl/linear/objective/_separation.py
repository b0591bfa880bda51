"""Classes that some coefficients tell apart without an error: the loss has no finite minimum.

Where nothing is penalised, multiples of such coefficients bring the loss of the task as close to
0 as one likes. That is its infimum, which a dual variable of 0 certifies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def margins(scores: Array, values: Array) -> Array:
    """Score of the label less the largest of the others (n, tasks), of scores (.., n_outputs)."""
    if scores.shape[2] == 1:
        return np.where(values > 0, scores[:, :, 0], -scores[:, :, 0])
    label = values.astype(np.intp)[:, :, None]
    others = scores.copy()
    np.put_along_axis(others, label, -np.inf, axis=2)
    return np.take_along_axis(scores, label, axis=2)[:, :, 0] - others.max(axis=2)
