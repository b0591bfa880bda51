"""What several solvers need of a case."""

from __future__ import annotations

import numpy as np

from skmtl.linear.objective._statistics import MAX_GRAM_BYTES
from skmtl.linear.solvers._base import Case

FEW_FEATURES = 500
"""Up to here the Gram matrix is formed whatever the number of rows."""


def lacks_grams(case: Case, *, one_per_task: bool = False) -> str | None:
    """What is missing for Gram matrices, or for one of each task; None if nothing is."""
    if not case.tasks.has_squared_loss:
        found = sorted({task.alias for task in case.tasks.tasks})
        return f"squared loss, but got tasks {found} or another loss"
    n_bytes = case.n_gram_bytes
    if one_per_task:
        n_bytes = float(8 * case.n_features * np.prod(case.parts[0].shape))
    if n_bytes > MAX_GRAM_BYTES:
        return (
            f"Gram matrices of at most {MAX_GRAM_BYTES / 2**30:g} GiB, but they would take "
            f"{n_bytes / 2**30:.1f} GiB"
        )
    return None
