r"""Quasi-Newton directions: a matrix close to the inverse Hessian, corrected by the last steps.

A step s along which the gradient changed by y says :math:`H^{-1} y = s`. The two-loop recursion
of L-BFGS applies to a gradient the inverse that all the last steps agree on, and that is
otherwise the one it starts from.

References
----------
J. Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35,
1980, section 2.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers.newton._task_sums import TaskSums

Array = NDArray[Any]

N_STEPS = 10
"""Steps that are remembered."""


class Secants:
    """The last steps and changes of the gradient, group by group."""

    def __init__(self, sums: TaskSums) -> None:
        self.sums = sums
        self.pairs: deque[tuple[Array, Array, Array]] = deque(maxlen=N_STEPS)

    def add(self, step: Array, gradient: Array, before: Array) -> None:
        """Remember a step, and the gradients after and before it."""
        change = gradient - before
        curvature = self.sums.of_coefficients(step, change)
        inverse = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=curvature > 0)
        self.pairs.append((step, change, inverse))

    def forget(self) -> None:
        """Begin anew."""
        self.pairs.clear()

    def apply(self, gradient: Array, solve: Callable[[Array], Array]) -> Array:
        """Inverse Hessian times the gradient; ``solve`` is the inverse to start from."""
        sums, found = self.sums, []
        for step, change, inverse in reversed(self.pairs):
            a = inverse * sums.of_coefficients(step, gradient)
            gradient = gradient - sums.to_coefficients(a, change)
            found.append(a)
        direction = solve(gradient)
        for (step, change, inverse), a in zip(self.pairs, reversed(found), strict=True):
            b = inverse * sums.of_coefficients(change, direction)
            direction = direction + sums.to_coefficients(a - b, step)
        return direction
