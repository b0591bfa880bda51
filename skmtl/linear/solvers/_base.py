"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Solution:
    """Coefficients with their certificate.

    Attributes
    ----------
    x : ndarray
        Parameters as `Problem.split` understands them.
    gap : float
        Primal value minus a lower bound of the optimum; inf where none was found.
    n_iter : int
        Iterations; 1 for a closed form.
    """

    x: NDArray[Any]
    gap: float
    n_iter: int
