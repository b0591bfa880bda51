"""The kernel of rows where none is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Matern


def default_kernel(n_features: int) -> Any:
    """Kernel of standardised features."""
    width = float(np.sqrt(n_features))
    return Matern(width, (0.03 * width, 100.0 * width), nu=1.5)
