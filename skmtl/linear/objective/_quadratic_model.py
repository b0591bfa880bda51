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

from skmtl.linear.objective._losses import DataPoint
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

FLATTEST = 1e-3
"""Curvature of a label, relative to the mean of its task: Huber's loss has none at an outlier."""


class QuadraticModel(Statistics):
    """`Statistics` of the squared loss that has the slope and the curvature of a loss.

    Outputs of the same task do not depend on each other in squared loss: the curvature of an
    output then is the sum of the absolute values of its row, which bounds the loss's from above.

    Parameters
    ----------
    point : DataPoint
        The loss at some coefficients.
    centred : bool
        Whether intercepts are free, and follow from the means.
    """

    def __init__(self, point: DataPoint, *, centred: bool) -> None:
        design, h = point.loss.design, _curvature(point)
        self.n_features, n_outputs = design.n_features, design.sums(h).size
        self.shape = len(h), self.n_features
        x_sums, self.omega = design.adjoint(h)
        self.x_mean, self.y_mean = np.zeros((n_outputs, self.n_features)), np.zeros(n_outputs)
        z = h * point.raw - point.slope
        if centred:
            self.x_mean = (x_sums / self.omega).T
            self.y_mean = design.sums(z) / self.omega
            z -= h * design.shift(self.y_mean)
        self.cross, _ = design.adjoint(z)
        self.squares = design.sums(np.divide(z**2, h, out=np.zeros_like(z), where=h > 0))
        self.gram = design.grams(h)
        self.gram -= (self.omega[:, None] * self.x_mean)[:, :, None] * self.x_mean[:, None, :]
        self.group = np.arange(n_outputs)


def _curvature(point: DataPoint) -> Array:
    """Curvature of each raw score, none of a label too small to divide by; 0 without weight."""
    loss, design = point.loss, point.loss.design
    if point.curvature.is_diagonal:
        h = point.curvature.diagonal
    else:
        h = np.empty_like(point.raw)
        for outputs, blocks in point.curvature.blocks():
            h[:, outputs] = np.abs(blocks).sum(axis=3).reshape(len(h), -1)
    weights = np.empty_like(point.raw)
    for block in loss.blocks:
        repeated = np.repeat(block.label_weights, block.task.n_outputs_, axis=1)
        weights[:, block.outputs] = repeated
    mean = design.sums(h) / design.sums(weights)
    # Where all labels lie on straight lines, any curvature is one.
    mean[mean == 0.0] = 1.0
    return np.asarray(np.maximum(h, FLATTEST * weights * design.shift(mean)))
