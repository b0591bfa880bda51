"""Reading ``random_state``."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

# For ``_parameter_constraints``: scikit-learn's, and numpy's newer generators.
RANDOM_STATE = ["random_state", np.random.Generator]


def read_random_state(random_state: Any) -> np.random.RandomState:
    """What draws, from a seed, a generator of either kind, or None.

    A `numpy.random.Generator` gives one seed, so that two draws differ as those from a
    RandomState do. None is never numpy's global generator, which is the caller's to advance.
    """
    if random_state is None:
        return np.random.RandomState()
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(int(random_state.integers(2**32)))
    return check_random_state(random_state)
