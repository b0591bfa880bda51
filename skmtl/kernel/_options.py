"""Parameters of `MultiTaskKernelRidgeCV` as a fit uses them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._kernel_choice import Options
from skmtl.kernel._pairs import KERNELS

Array = NDArray[Any]

ALPHAS = np.geomspace(10.0, 1e-9, 21)
"""From hardly anything learned to interpolation, for kernels of about 1 on the diagonal."""


def read_options(estimator: Any) -> Options:
    """Kernels, widths and alphas to try.

    Raises
    ------
    ValueError
        If there is no such kernel, or a width or an alpha is not above 0.
    """
    kernels = estimator.kernels
    kernels = [kernels] if isinstance(kernels, str) else list(kernels)
    odd = [kernel for kernel in kernels if kernel not in KERNELS]
    if odd or not kernels:
        found = repr(odd[0]) if odd else "none"
        raise ValueError(f"kernels has {found}; expected some of {list(KERNELS)}.")
    alphas = ALPHAS if estimator.alphas is None else _positive(estimator.alphas, "alphas")
    return Options(
        kernels,
        np.sort(_positive(estimator.widths, "widths")),
        estimator.linear_share,
        np.sort(alphas)[::-1],
        estimator.n_landmarks,
    )


def _positive(values: Any, name: str) -> Array:
    """Finite numbers above 0, one at least."""
    found = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if found.ndim > 1 or not len(found) or not ((found > 0) & np.isfinite(found)).all():
        raise ValueError(f"{name}={values!r}; expected finite numbers above 0.")
    return found
