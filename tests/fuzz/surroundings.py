"""What a fit must leave as it was: inputs, generators, filters, modes."""

import random
import warnings

import joblib
import numpy as np
import torch
from scipy import sparse


class Surroundings:
    """Everything global that a fit could touch, and the inputs it is given."""

    def __init__(self, *inputs):
        self.inputs = inputs
        self.before = self._now()

    def _now(self):
        return {
            "numpy's generator": joblib.hash(np.random.get_state()),
            "Python's generator": random.getstate(),
            "torch's generator": joblib.hash(torch.get_rng_state().numpy()),
            "warning filters": list(warnings.filters),
            "numpy's error state": np.geterr(),
            "torch's modes": (
                torch.is_grad_enabled(),
                torch.get_num_threads(),
                torch.get_default_dtype(),
            ),
            "the inputs": [_hashed(given) for given in self.inputs],
        }

    def changed(self):
        """Names of what is not as before."""
        now = self._now()
        return [name for name, value in self.before.items() if now[name] != value]


def _hashed(given):
    """Of the values: containers keep caches that nobody sees."""
    if isinstance(given, dict):
        return [_hashed(value) for value in given.values()]
    if hasattr(given, "to_pylist"):
        return repr(given.to_pylist())
    if hasattr(given, "columns"):
        return repr([(c, given[c].to_list()) for c in given.columns])
    if hasattr(given, "to_list"):
        return repr(given.to_list())
    if isinstance(given, np.ma.MaskedArray):
        return joblib.hash([given.data, np.ma.getmaskarray(given)])
    if sparse.issparse(given):
        return joblib.hash([given.data, given.indices, given.indptr])
    return repr(given) if isinstance(given, list) else repr(given.tolist())
