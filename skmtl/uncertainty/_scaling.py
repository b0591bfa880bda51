r"""Probabilities with a slope and shifts per task, drawn to those that all tasks have in common.

Of a row of task t with probabilities :math:`p_k` of its classes,

.. math:: p'_k \propto p_k^{a_t} e^{b_{tk}}, \qquad b_{t0} = 0.

Without shifts this is temperature scaling [1]_ with :math:`T = 1 / a`; of two classes it is Platt
scaling [2]_ of log-odds, of more "bias-corrected temperature scaling" [3]_. The slope is positive:
rows keep their order. Tasks with few labels are drawn to the others by a normal prior,

.. math:: \theta_t = (\log a_t, b_{t1}, \dots), \qquad
          \theta_{tj} \sim \mathcal N(\mu_j, \tau_j^2), \qquad
          \mu_j \sim \mathcal N(0, s_j^2),

whose :math:`\mu` and :math:`\tau` are those of the highest marginal likelihood of the labels of all
tasks (empirical Bayes by EM, each task's likelihood taken for normal about its mode, as Laplace
does). A mean of 0 leaves probabilities as they are.

References
----------
.. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks",
   ICML 2017, section 4.2.
.. [2] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
   Classifiers, 1999, eq. 1.
.. [3] A. Alexandari, A. Kundaje and A. Shrikumar, "Maximum likelihood with bias-corrected
   calibration is hard-to-beat at label shift adaptation", ICML 2020, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Array = NDArray[Any]

OF_SLOPE, OF_SHIFTS = 0.5, 2.0
"""s: temperatures are seldom below 1 / e or above e (those of [1]_ are between 1 and 3), and odds
seldom more than e^4 times too high, which is what weights that balance rare classes make of them.
"""
OF_TASKS, N_IMAGINED = 0.3, 1.0
"""Spread of as many tasks beside those that there are: with few tasks tau is known to no digit."""
N_ROUNDS, N_STEPS, N_EM = 50, 50, 200
LARGEST_STEP = 2.0


class Labels(NamedTuple):
    """Labels beside log-probabilities: ``scores`` (n, K), ``codes``, ``weights``, ``task`` (n,)."""

    scores: Array
    codes: Array
    weights: Array
    task: Array

    def take(self, rows: Array) -> Labels:
        """Some of the labels."""
        return Labels(*(part[rows] for part in self))


@dataclass(frozen=True, eq=False)
class Scaling:
    """``theta`` (n_tasks, K or 1) of the tasks, ``mean`` and ``variance`` of them.

    A task without labels has the mean.
    """

    theta: Array
    mean: Array
    variance: Array

    @classmethod
    def fit(cls, labels: Labels, n_tasks: int, *, shifts: bool) -> Self:
        """Empirical Bayes: the mode of each task under the prior of highest likelihood."""
        prior = _prior_of_common(labels, shifts=shifts)
        mean, variance = np.zeros(len(prior)), prior
        theta = np.zeros((n_tasks, len(prior)))
        has_labels = np.bincount(labels.task, labels.weights, n_tasks) > 0
        for _ in range(N_ROUNDS):
            theta = _mode(labels, theta, mean, variance)
            before = np.append(mean, np.sqrt(variance))
            bend = _slope_and_bend(labels, theta)[1]
            mean, variance = _spread_of(theta, bend, mean, variance, prior, has_labels)
            if np.abs(np.append(mean, np.sqrt(variance)) - before).max() < 1e-4:
                break
        return cls(_mode(labels, theta, mean, variance), mean, variance)

    @classmethod
    def of_each(cls, labels: Labels, n_tasks: int, *, shifts: bool, variance: Any = None) -> Self:
        """The mode of each task by itself, under a prior with mean 0, by default that of the mean.

        A variance that is infinite leaves the likelihood.
        """
        prior = _prior_of_common(labels, shifts=shifts)
        mean = np.zeros(len(prior))
        variance = prior if variance is None else np.full(len(prior), variance)
        theta = np.zeros((n_tasks, len(prior)))
        return cls(_mode(labels, theta, mean, variance), mean, variance)

    def refit(self, labels: Labels) -> Self:
        """The same tasks by other labels; what they have in common stays."""
        theta = np.repeat(self.mean[None], len(self.theta), axis=0)
        return replace(self, theta=_mode(labels, theta, self.mean, self.variance))

    def __call__(self, scores: Array, task: Array) -> Array:
        """Log-probabilities of rows; of an unknown task, -1, those of the mean."""
        theta = np.vstack([self.theta, self.mean])[task]
        return _log_probabilities(scores, theta)

    @property
    def slopes(self) -> Array:
        """The slopes (n_tasks,)."""
        return np.exp(self.theta[:, 0])


def _prior_of_common(labels: Labels, *, shifts: bool) -> Array:
    """Variance of the means."""
    spread = np.full(labels.scores.shape[1] if shifts else 1, OF_SHIFTS)
    spread[0] = OF_SLOPE
    return spread**2


def _log_probabilities(scores: Array, theta: Array) -> Array:
    raw = np.exp(theta[:, :1]) * scores
    if theta.shape[1] > 1:
        raw[:, 1:] += theta[:, 1:]
    found: Array = raw - logsumexp(raw, axis=1, keepdims=True)
    return found


def _mode(labels: Labels, theta: Array, mean: Array, variance: Array) -> Array:
    """Newton's method for all tasks at once, with steps halved where a task would get worse."""
    n_tasks = len(theta)
    diagonal = np.arange(theta.shape[1])

    def objective(theta: Array) -> Array:
        return _loss(labels, theta) + 0.5 * ((theta - mean) ** 2 / variance).sum(axis=1)

    value = objective(theta)
    for _ in range(N_STEPS):
        slope, bend = _slope_and_bend(labels, theta)
        slope = slope + (theta - mean) / variance
        # Where nothing bends and there is no prior, a step has no length.
        bend[:, diagonal, diagonal] += 1.0 / variance + 1e-10
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        step *= np.minimum(1.0, LARGEST_STEP / np.maximum(np.abs(step).max(axis=1), 1e-300))[
            :, None
        ]
        length = np.ones(n_tasks)
        for _ in range(30):
            trial = theta - length[:, None] * step
            found = objective(trial)
            is_worse = found > value + 1e-12 * np.abs(value)
            if not is_worse.any():
                break
            length[is_worse] *= 0.5
        keep = ~is_worse
        theta = np.where(keep[:, None], trial, theta)
        value = np.where(keep, found, value)
        if np.abs(step * keep[:, None] * length[:, None]).max() < 1e-9:
            break
    return theta


def _loss(labels: Labels, theta: Array) -> Array:
    """Log loss of every task (n_tasks,)."""
    log_p = _log_probabilities(labels.scores, theta[labels.task])
    of_label = log_p[np.arange(len(log_p)), labels.codes]
    return -np.bincount(labels.task, labels.weights * of_label, len(theta))


def _slope_and_bend(labels: Labels, theta: Array) -> tuple[Array, Array]:
    r"""Gradient and expected second derivative of the loss of each task.

    With :math:`u_k = a z_k` and the mean m of u under p: :math:`\partial_\alpha = \sum_k (p_k -
    y_k) u_k`, :math:`\partial_k = p_k - y_k`; :math:`\partial_{\alpha \alpha} = \sum_k p_k (u_k -
    m)^2`, :math:`\partial_{\alpha k} = p_k (u_k - m)`, :math:`\partial_{kl} = p_k ([k = l] - p_l)`.
    """
    n_tasks, n_parameters = theta.shape
    of_rows = theta[labels.task]
    log_p = _log_probabilities(labels.scores, of_rows)
    p, u = np.exp(log_p), np.exp(of_rows[:, :1]) * labels.scores
    rest = p.copy()
    rest[np.arange(len(p)), labels.codes] -= 1.0
    apart = u - (p * u).sum(axis=1, keepdims=True)

    def sums(of_rows: Array) -> Array:
        return np.bincount(labels.task, labels.weights * of_rows, n_tasks)

    slope = np.empty((n_tasks, n_parameters))
    bend = np.empty((n_tasks, n_parameters, n_parameters))
    slope[:, 0] = sums((rest * u).sum(axis=1))
    bend[:, 0, 0] = sums((p * apart**2).sum(axis=1))
    for k in range(1, n_parameters):
        slope[:, k] = sums(rest[:, k])
        bend[:, 0, k] = bend[:, k, 0] = sums(p[:, k] * apart[:, k])
        for j in range(1, k + 1):
            bend[:, j, k] = bend[:, k, j] = sums(p[:, k] * ((j == k) - p[:, j]))
    return slope, bend


def _spread_of(
    theta: Array, bend: Array, mean: Array, variance: Array, prior: Array, has_labels: Array
) -> tuple[Array, Array]:
    """Mean and variance of the tasks' parameters, by EM; the likelihoods are normal about theta."""
    theta, bend = theta[has_labels], bend[has_labels]
    n_tasks, diagonal = len(theta), np.arange(theta.shape[1])
    # The mode of likelihood and prior is theta: H (theta - best) + (theta - mean) / variance = 0.
    pull = np.einsum("tij,tj->ti", bend, theta) + (theta - mean) / variance
    for _ in range(N_EM):
        before = np.append(mean, np.sqrt(variance))
        precision = bend.copy()
        precision[:, diagonal, diagonal] += 1.0 / variance
        covariance = np.linalg.inv(precision)
        best = np.einsum("tij,tj->ti", covariance, pull + mean / variance)
        mean = best.sum(axis=0) / (n_tasks + variance / prior)
        squares = (best - mean) ** 2 + covariance[:, diagonal, diagonal]
        variance = (squares.sum(axis=0) + N_IMAGINED * OF_TASKS**2) / (n_tasks + N_IMAGINED)
        if np.abs(np.append(mean, np.sqrt(variance)) - before).max() < 1e-6:
            break
    return mean, variance
