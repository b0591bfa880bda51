"""How strongly a network is held back, where alpha and dropout are "auto"."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.neural.training._noise import Unexplained
from skmtl.tasks._task_set import TaskSet

# Epochs over which AdamW's weights are a moving average of steps, for the best of them hardly
# depends on the number of rows: Wang and Aitchison, "How to set AdamW's weight decay as you scale
# model and dataset size", ICML 2025, section 3. Where labels are noisy, weights are forgotten
# faster, in proportion to noise over signal, as in Bayesian regression; a share of that hardly
# depends on the number of rows (measured: benchmarks/accuracy.py).
MEMORY, MOST_OF_A_STEP = 50.0, 0.5
# Of labels that are numbers, and of classes, which networks are too sure of (measured as well):
# factor of the least share, what is added to that where labels are noisy, and dropout.
LEAST_SHARE, NOISY_SHARE = {False: 1.0, True: 2.0}, {False: 0.006, True: 0.0}
DROPOUT = {False: 0.1, True: 0.5}
# Few rows bend a network where a linear function explains more than a curved one: how the last part
# of the share grows with what the curved one leaves over what the linear one does, and up to which
# factor. On linear functions of 8 to 26 features with 100 to 200 rows the error is 2 to 13 %
# smaller than without; on the sets of benchmarks/accuracy it is the same to half a percent.
STRAIGHT, MOST_STRAIGHT = 8.0, 16.0
# Where such a function is one of small differences of features, as of spectra, the best ridge is
# weak, and decay would take the differences first: strength of ridge, in units of the mean
# eigenvalue, below which decay falls with it (measured: meats 38.2 -> 30.3, the error of all other
# sets of benchmarks/accuracy is the same to half a percent).
FINE = 1e-3
# Of the other solvers, as scikit-learn's networks have it.
L2_ALPHA = 1e-4


def decay(
    estimator: Any, tasks: TaskSet, noise: Unexplained | None, n_rows: int, batch_size: int
) -> float:
    r"""Strength alpha of the decay of AdamW.

    A step at the highest learning rate :math:`\eta` forgets

    .. math:: \eta \alpha = \frac{a B}{50 n}
        + \Bigl(\frac{B}{50 n} + c\Bigr) \frac{u}{1 - u} d, \qquad
        d = \min(\max(1, u_2 / u_1)^8, 16)

    of the weights, for batches of B out of n rows and the share u of noise in the labels, with
    a = 1 and c = 0.006, for classes and quantiles a = 2 and c = 0, in the mean over the tasks; at
    most half. ``noise`` has u, and the shares :math:`u_1` and :math:`u_2` that a linear and a
    curved function leave; in long form, where tasks are pooled, d is 1. None: u = 0. All that is
    times :math:`\min(1, 1000 s)^{\log_{16} d}`, for the best strength s of a linear ridge in units
    of the mean eigenvalue.
    """
    least = batch_size / (MEMORY * n_rows)
    # Of a quantile, as of a class, a label says whether it is on one side.
    are_sides = [bool(task.expected_shape) for task in tasks.tasks]
    share = _mean(LEAST_SHARE, are_sides) * least
    if noise is not None:
        straight = 1.0 if tasks.is_long else min(noise.bends**STRAIGHT, MOST_STRAIGHT)
        share += (least + _mean(NOISY_SHARE, are_sides)) * noise.noise_to_signal * straight
        share *= min(1.0, noise.strength / FINE) ** (np.log(straight) / np.log(MOST_STRAIGHT))
    return float(min(share, MOST_OF_A_STEP) / estimator.learning_rate_init)


def dropout(estimator: Any, tasks: TaskSet) -> float:
    """Share of the hidden units that a step leaves out."""
    given = estimator.dropout
    if not isinstance(given, str):
        return float(given)
    return _mean(DROPOUT, [task.is_classification for task in tasks.tasks])


def _mean(values: dict[bool, float], of_tasks: list[bool]) -> float:
    """The mean over the tasks of what holds for numbers, and for classes."""
    return float(np.mean([values[is_class] for is_class in of_tasks]))
