r"""Compiled losses of labels: values, slopes, curvatures and conjugates, those of the task types.

A loss is a number of `skmtl.tasks._loss_codes` with a parameter, Huber's :math:`\delta`
(`Task.compiled_loss`). Raw scores f, labels y and weights c are flat, (n,), those of one output
or of tasks with one loss after another; a softmax has functions of its own for raw scores (n, K),
with labels and weights (n,). What a label of weight 0 has does not count, whatever its score is.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import larger, smaller
from skmtl._exponentials import exp, log, log1p, times_log
from skmtl.linear.solvers.compiled._row import Array, compiled, inlined
from skmtl.tasks._loss_codes import HUBER, LOGISTIC, POISSON

FAR = 600.0
"""Distance of raw scores at which the probability of the lower one still is a normal number."""

OUTSIDE, BESIDE = 1e-12, 1e-9
"""How far out of the domain of a conjugate rounding may lead, and sums of K, as in the task types.

NaN is out of it, too.
"""


def loss_value(code: int, delta: float, f: Array, y: Array, c: Array) -> float:
    r"""Weighted sum of losses, :math:`\sum_i c_i \ell(f_i, y_i)`."""
    if code == LOGISTIC:
        return logistic_value(f, y, c)
    if code == POISSON:
        return poisson_value(f, y, c)
    return residual_value(delta if code == HUBER else np.inf, f, y, c)


def loss_slope_and_curvature(
    code: int, delta: float, f: Array, y: Array, c: Array, slope: Array, curvature: Array
) -> None:
    r"""Write :math:`c_i \ell'(f_i, y_i)` and :math:`c_i \ell''(f_i, y_i)`."""
    if code == LOGISTIC:
        logistic_slope(f, y, c, slope, curvature)
    elif code == POISSON:
        poisson_slope(f, y, c, slope, curvature)
    else:
        residual_slope(delta if code == HUBER else np.inf, f, y, c, slope, curvature)


def loss_conjugate(code: int, delta: float, u: Array, y: Array, c: Array) -> float:
    r"""Conjugate of the weighted sum at u: :math:`\sum_i c_i \ell^*(u_i / c_i, y_i)`, or inf."""
    if code == LOGISTIC:
        return logistic_conjugate(u, y, c)
    if code == POISSON:
        return poisson_conjugate(u, y, c)
    return residual_conjugate(delta * (1.0 + OUTSIDE) if code == HUBER else np.inf, u, y, c)


@inlined
def logistic_value(f: Array, y: Array, c: Array) -> float:
    r""":math:`\log(1 + e^f) - y f`."""
    total = 0.0
    for i in range(len(f)):
        loss = log1p(exp(-abs(f[i]))) + (larger(f[i], 0.0) - y[i] * f[i])
        total += c[i] * loss if c[i] > 0.0 else 0.0
    return total


@inlined
def poisson_value(f: Array, y: Array, c: Array) -> float:
    r""":math:`e^f - y f + y \log y - y`."""
    total = 0.0
    for i in range(len(f)):
        loss = exp(f[i]) - y[i] * f[i] + (times_log(y[i]) - y[i])
        total += c[i] * loss if c[i] > 0.0 else 0.0
    return total


@inlined
def residual_value(bound: float, f: Array, y: Array, c: Array) -> float:
    r""":math:`r^2 / 2`, and linear beyond the bound."""
    total = 0.0
    for i in range(len(f)):
        r = f[i] - y[i]
        inner = smaller(larger(r, -bound), bound)
        total += c[i] * (inner * (r - 0.5 * inner)) if c[i] > 0.0 else 0.0
    return total


@inlined
def logistic_slope(f: Array, y: Array, c: Array, slope: Array, curvature: Array) -> None:
    """Of `logistic_value`."""
    for i in range(len(f)):
        odds = exp(-abs(f[i]))
        share = odds / (1.0 + odds)
        p = 1.0 - share if f[i] >= 0.0 else share
        slope[i] = c[i] * (p - y[i]) if c[i] > 0.0 else 0.0
        curvature[i] = c[i] * (share / (1.0 + odds)) if c[i] > 0.0 else 0.0


@inlined
def poisson_slope(f: Array, y: Array, c: Array, slope: Array, curvature: Array) -> None:
    """Of `poisson_value`."""
    for i in range(len(f)):
        mean = exp(f[i])
        slope[i] = c[i] * (mean - y[i]) if c[i] > 0.0 else 0.0
        curvature[i] = c[i] * mean if c[i] > 0.0 else 0.0


@inlined
def residual_slope(
    bound: float, f: Array, y: Array, c: Array, slope: Array, curvature: Array
) -> None:
    """Of `residual_value`."""
    for i in range(len(f)):
        r = f[i] - y[i]
        slope[i] = c[i] * smaller(larger(r, -bound), bound) if c[i] > 0.0 else 0.0
        curvature[i] = c[i] if c[i] > 0.0 and abs(r) < bound else 0.0


@inlined
def logistic_conjugate(u: Array, y: Array, c: Array) -> float:
    """Of `logistic_value`."""
    total, n_outside = 0.0, 0
    for i in range(len(u)):
        p = u[i] / c[i] + y[i] if c[i] > 0.0 else 0.0
        n_outside += not (p >= -OUTSIDE and p <= 1.0 + OUTSIDE)
        p = smaller(larger(p, 0.0), 1.0)
        total += c[i] * (times_log(p) + times_log(1.0 - p))
    return np.inf if n_outside else total


@inlined
def poisson_conjugate(u: Array, y: Array, c: Array) -> float:
    """Of `poisson_value`."""
    total, n_outside = 0.0, 0
    for i in range(len(u)):
        mean = u[i] / c[i] + y[i] if c[i] > 0.0 else 0.0
        n_outside += not (mean >= -OUTSIDE * (1.0 + y[i]) and mean < np.inf)
        mean = larger(mean, 0.0)
        conjugate = times_log(mean) - mean - (times_log(y[i]) - y[i])
        total += c[i] * conjugate if c[i] > 0.0 else 0.0
    return np.inf if n_outside else total


@inlined
def residual_conjugate(bound: float, u: Array, y: Array, c: Array) -> float:
    """Of `residual_value`."""
    total, n_outside = 0.0, 0
    for i in range(len(u)):
        v = u[i] / c[i] if c[i] > 0.0 else 0.0
        n_outside += not (abs(v) <= bound)
        total += c[i] * (0.5 * v * v + v * y[i])
    return np.inf if n_outside else total


# For compiled functions; Python compiles the losses that a fit has, and no others.
slope_and_curvature_of_any = inlined(loss_slope_and_curvature)


@compiled
def softmax_shares(F: Array, shares: Array) -> None:
    r"""Write the probabilities (n, K), :math:`e^{F_{ik}} / \sum_l e^{F_{il}}`."""
    n_classes = F.shape[1]
    for i in range(len(F)):
        largest = F[i, 0]
        for k in range(1, n_classes):
            largest = larger(largest, F[i, k])
        for k in range(n_classes):
            shares[i, k] = F[i, k] - largest
    # Apart from the sums over few classes, so that it is vectorised.
    flat = shares.reshape(-1)
    for i in range(len(flat)):
        flat[i] = exp(flat[i])
    for i in range(len(F)):
        odds = 0.0
        for k in range(n_classes):
            odds += shares[i, k]
        for k in range(n_classes):
            shares[i, k] /= odds


@compiled
def softmax_value(F: Array, shares: Array, y: Array, c: Array) -> float:
    r"""Weighted sum of :math:`\log \sum_k e^{F_{ik}} - F_{i, y_i}`."""
    total = 0.0
    for i in range(len(F)):
        if c[i] > 0.0:
            label, others, largest, above = int(y[i]), 0.0, 0.0, 0.0
            for k in range(F.shape[1]):
                others += shares[i, k] if k != label else 0.0
                largest = larger(largest, shares[i, k])
                above = larger(above, F[i, k] - F[i, label])
            # Of the label against the others where these are few, so that it keeps its digits.
            if above < FAR:
                total += c[i] * log1p(others / shares[i, label])
            else:
                total += c[i] * (above - log(largest))
    return total


@compiled
def softmax_slope(shares: Array, y: Array, c: Array, slope: Array) -> None:
    """Write weight times probability less indicator, for probabilities (n, K)."""
    for i in range(len(shares)):
        weight = larger(c[i], 0.0)
        for k in range(shares.shape[1]):
            slope[i, k] = weight * shares[i, k]
        slope[i, int(y[i])] -= weight


@compiled
def softmax_curvature(
    shares: Array, c: Array, first: Array, second: Array, curvature: Array
) -> None:
    """Write weight times diag(p) - p p' (n, K + pairs): the diagonal, then pairs of classes."""
    n_classes = shares.shape[1]
    for i in range(len(shares)):
        for k in range(n_classes):
            curvature[i, k] = c[i] * shares[i, k] * (1.0 - shares[i, k])
        for q in range(len(first)):
            curvature[i, n_classes + q] = -c[i] * shares[i, first[q]] * shares[i, second[q]]


@compiled
def softmax_conjugate(U: Array, y: Array, c: Array) -> float:
    r"""Conjugate of the weighted sum of softmax losses at U (n, K), or inf."""
    total = 0.0
    for i in range(len(U)):
        if c[i] > 0.0:
            mass = 0.0
            for k in range(U.shape[1]):
                p = U[i, k] / c[i]
                if k == int(y[i]):
                    p += 1.0
                mass += p
                if not (p >= -OUTSIDE):
                    return np.inf
                total += c[i] * times_log(larger(p, 0.0))
            if not (abs(mass - 1.0) <= BESIDE):
                return np.inf
    return total
