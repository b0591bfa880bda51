r"""A loss near some coefficients as squared loss, on the statistics that this takes.

With the slope s and the curvature h of the labels at raw scores :math:`f_0`, the quadratic model
is squared loss with weights h and labels y, up to a constant:

.. math:: F(f) \approx \sum_i s_i (f_i - f_{0i}) + \tfrac12 h_i (f_i - f_{0i})^2
          = \tfrac12 \sum_i h_i (f_i - y_i)^2 + \mathrm{const}, \quad y = f_0 - s / h
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

FLATTEST = 1e-3
"""Curvature of a label, relative to the mean of its task: Huber's loss has none at an outlier."""


class QuadraticModel(Statistics):
    """`Statistics` of the squared loss that has the slope and the curvature of a loss.

    Parameters
    ----------
    point : DataPoint
        The loss of tasks with one output each at some coefficients.
    centred : bool
        Whether intercepts are free, and follow from the means.
    """

    def __init__(self, point: DataPoint, *, centred: bool) -> None:
        design, h = point.loss.design, _curvature(point)
        x_sums, self.omega = design.adjoint(h)
        n_tasks = len(self.omega)
        self.n_features, self.group = len(x_sums), np.arange(n_tasks)
        self.shape = len(h), self.n_features
        self.x_mean, self.y_mean = np.zeros((n_tasks, self.n_features)), np.zeros(n_tasks)
        # Weight times label.
        hy = h * point.raw - point.slope
        if centred:
            self.x_mean, self.y_mean = (x_sums / self.omega).T, design.sums(hy) / self.omega
            hy -= h * design.shift(self.y_mean)
        self.cross, _ = design.adjoint(hy)
        self.squares = design.sums(np.divide(hy**2, h, out=np.zeros_like(hy), where=h > 0))
        self.gram = design.grams(h)
        self.gram -= (self.omega[:, None] * self.x_mean)[:, :, None] * self.x_mean[:, None, :]


def _curvature(point: DataPoint) -> Array:
    """Curvature of each raw score, never too small to divide by; 0 where the weight is."""
    design, h, weights = point.loss.design, point.curvature.diagonal, np.empty_like(point.raw)
    for block in point.loss.blocks:
        weights[:, block.outputs] = block.label_weights
    mean = design.sums(h) / design.sums(weights)
    # Where all labels lie on straight lines, any curvature is one.
    mean[mean == 0.0] = 1.0
    return np.maximum(h, FLATTEST * weights * design.shift(mean))
