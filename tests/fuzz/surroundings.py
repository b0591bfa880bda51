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
    if type(given).__module__.startswith("polars"):
        return str(given.to_numpy().tolist() if hasattr(given, "columns") else given.to_list())
    if isinstance(given, np.ma.MaskedArray):
        return joblib.hash([given.data, np.ma.getmaskarray(given)])
    if sparse.issparse(given):
        return joblib.hash([given.data, given.indices, given.indptr])
    return joblib.hash(given)
