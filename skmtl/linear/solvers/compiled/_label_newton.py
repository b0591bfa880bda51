r"""Compiled Newton steps for tasks by themselves: a loss of labels, a ridge, few features.

The objective is that of `_label_values`. All tasks take their steps at a time, so that X is read
once for them. As in `skmtl.linear.solvers._newton`, a matrix is kept as long as that is forecast to
be cheaper than a new one, and the steps since correct it.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._label_values import duality_gap, evaluate, expected_gap
from skmtl.linear.solvers.compiled._losses import compiled
from skmtl.linear.solvers.compiled._newton_matrix import (
    CHUNK,
    MEMORY,
    cholesky,
    direction,
    inner,
    proportion,
    stand_for_all,
    weighted_gram,
)
from skmtl.linear.solvers.compiled._row import Array, compiled_inside

FLAT_ENOUGH, FARTHER, MAX_TRIALS = 0.5, 10.0, 30
"""As in `newton._score_search`."""

NEWTON_STEPS, FASTEST, SLOWEST = 2.5, 1e-3, 0.9
SOME_ROWS, AT_LEAST = 0.03, 3
"""As in `newton._hessian_choice`."""

PER_LABEL, PER_NUMBER, PER_PRODUCT, PER_CUBE = 1.0, 0.2, 0.04, 0.05
"""Nanoseconds of a step, per label and number of X, and of a matrix, per product and cube.

Measured with one thread of a machine of 2026; what counts are their ratios.
"""

PATIENCE = 8
"""Steps, or certificates, that may bring nothing before what is left is taken for rounding."""


def workspace(n_tasks: int, n: int, q: int) -> tuple[tuple[Array, ...], ...]:
    """Memory of `newton_steps`, which would take longer to compile with its own."""
    labels, vectors, past = np.empty((3, n_tasks, n)), np.empty((4, n_tasks, q)), (MEMORY, q)
    matrices = (
        np.empty((n_tasks, q, q)),
        np.empty((q, q)),
        np.zeros((q, CHUNK)),
        np.empty((q, CHUNK)),
    )
    numbers, counts = np.empty((8, n_tasks)), np.zeros((4, n_tasks), dtype=np.intp)
    # Gaps expected, before and at best; no matrix yet; all tasks are left.
    numbers[1], numbers[2], counts[2] = -1.0, np.inf, np.arange(n_tasks)
    steps = tuple(np.empty((2, n_tasks, *past)))
    return tuple(labels), tuple(vectors), matrices, steps, tuple(numbers), tuple(counts)


@compiled
def newton_steps(
    data: tuple, theta: Array, work: tuple, n_rows: int, max_gap: float, max_iter: int
) -> tuple:
    """Move each task's ``theta`` (q,) to where its gap is at most ``max_gap``: (gaps, steps).

    ``data`` as in `evaluate`. A rough matrix takes the first ``n_rows`` labels of each chunk. The
    gap is inf where all of this fails, for whatever reason: other code then begins anew.
    """
    labels, (g, found, d, trial), matrices, (steps, changes), numbers, counts = work
    expected, before, n_kept, tasks, gaps = numbers[0], numbers[1], counts[0], counts[2], 0.0
    evaluate(data, tasks, theta, labels, g)
    for n_iter in range(max_iter + 1):
        n_left, certified = certify(data, tasks, theta, labels, g, max_gap, numbers, counts[1])
        tasks, gaps = tasks[:n_left], gaps + certified
        if n_left == 0 or gaps == np.inf:
            return gaps, max(n_iter, 1)
        if not form_matrices(
            data, tasks, labels[2], n_rows, max_gap, expected, before, n_kept, matrices
        ):
            break
        for t in tasks:
            direction(matrices[0][t], g[t], steps[t], changes[t], n_kept[t], d[t])
        if not search(data, tasks, theta, d, g, labels, trial, found, numbers, counts[3]):
            break
        for t in tasks:
            k = n_kept[t] % MEMORY
            for j in range(theta.shape[1]):
                steps[t, k, j], changes[t, k, j] = trial[t, j] - theta[t, j], found[t, j] - g[t, j]
                theta[t, j], g[t, j] = trial[t, j], found[t, j]
            n_kept[t] += 1
            before[t] = expected[t]
    return np.inf, max_iter


@compiled_inside
def certify(
    data: tuple, tasks: Array, theta: Array, labels: tuple, g: Array, max_gap: float,
    numbers: tuple, n_idle: Array,
) -> tuple:  # fmt: skip
    """Move those without a certificate to the front of ``tasks``: how many, the others' gaps.

    The gap is inf where one makes no progress any more.
    """
    (scores, slope, bend), expected, best = labels, numbers[0], numbers[2]
    n_left, gaps = 0, 0.0
    for t in tasks:
        gap = np.inf
        expected[t] = expected_gap(g[t], data[-1], bend[t])
        if expected[t] <= max_gap:
            gap = duality_gap(data, t, theta[t], scores[t], slope[t], bend[t])
        if gap <= max_gap:
            gaps += gap
            continue
        n_idle[t] = 0 if max_gap < expected[t] < best[t] else n_idle[t] + 1
        if expected[t] < best[t]:
            best[t] = expected[t]
        if not (expected[t] < np.inf) or n_idle[t] > PATIENCE:
            gaps = np.inf
        tasks[n_left] = t
        n_left += 1
    return n_left, gaps


@compiled_inside
def form_matrices(
    data: tuple, tasks: Array, bend: Array, n_rows: int, max_gap: float, expected: Array,
    before: Array, n_kept: Array, matrices: tuple,
) -> bool:  # fmt: skip
    """Form and factor new matrices where these are worth it; whether all of them are regular."""
    X, offset, ridge, (H, G, features, weighted) = data[0], data[1], data[-1], matrices
    (n, p), q, last, n_of_last, n_some = X.shape, len(G), -1, 0, 0
    for i in range(CHUNK if ridge[p] == 0.0 else 0):
        features[p, i] = 1.0
    for t in tasks:
        n_taken = rows_to_take(n, q, n_rows, max_gap, expected[t], before[t], n_kept[t])
        if n_taken == 0:
            continue
        # Where tasks start from constants, one matrix is often that of all of them.
        factor = proportion(bend[t], bend[last]) if n_taken == n_of_last else 0.0
        if factor == 0.0:
            n_some = weighted_gram(X, offset, bend[t], n_taken, features, weighted, G)
            last, n_of_last, factor = t, n_taken, 1.0
        for j in range(q):
            for k in range(j + 1):
                H[t, j, k] = factor * G[j, k]
        if n_some < n:
            stand_for_all(H[t], n_some, n)
        if not cholesky(H[t], ridge):
            return False
        n_kept[t] = 0
    return True


@compiled_inside
def rows_to_take(
    n: int, q: int, n_rows: int, max_gap: float, expected: float, before: float, n_kept: int
) -> int:
    """Labels of each chunk for a new matrix, 0 to keep the last: which is forecast to cost least.

    ``before`` is the gap that was expected a step ago, negative at the start.
    """
    distance = np.log(max_gap / expected) if 0.0 < max_gap < expected else -1.0
    of_step = n * (PER_LABEL + PER_NUMBER * q)
    of_products, of_factor = n * PER_PRODUCT * q * q, PER_CUBE * q * q * q
    taken, least = CHUNK, of_products + of_factor + NEWTON_STEPS * of_step
    if n_rows < CHUNK and (before < 0.0 or n_kept >= AT_LEAST):
        cost = of_products * n_rows / CHUNK + of_factor
        cost += max(distance / np.log(SOME_ROWS), 1.0) * of_step
        if cost < least:
            taken, least = n_rows, cost
    if before > 0.0:
        rate = min(max(expected / before, FASTEST), SLOWEST)
        if distance / np.log(rate) * of_step <= least:
            taken = 0
    return taken


@compiled_inside
def search(
    data: tuple, tasks: Array, theta: Array, d: Array, g: Array, labels: tuple, trial: Array,
    found: Array, numbers: tuple, pending: Array,
) -> bool:  # fmt: skip
    """Write points along d where objectives hardly rise or fall, and the gradients there.

    As they are convex, the signs of their derivatives say on which side the minimum is; whether
    there were such points.
    """
    length, low, high, at_low, at_high = numbers[3:]
    for a in range(len(tasks)):
        t = tasks[a]
        pending[a], length[t], low[t], high[t], at_high[t] = t, 1.0, 0.0, np.inf, np.inf
        at_low[t] = inner(g[t], d[t])
        if not (-np.inf < at_low[t] < 0.0):
            return False
    n_left = len(tasks)
    for _ in range(MAX_TRIALS):
        pending, n_left = pending[:n_left], 0
        for t in pending:
            for j in range(theta.shape[1]):
                trial[t, j] = theta[t, j] + length[t] * d[t, j]
        evaluate(data, pending, trial, labels, found)
        for t in pending:
            at, at_start = inner(found[t], d[t]), inner(g[t], d[t])
            if abs(at) <= -FLAT_ENOUGH * at_start:
                continue
            if at < 0.0:
                low[t], at_low[t] = length[t], at
            else:
                # A loss that overflows is as good as one that rises.
                high[t], at_high[t] = length[t], at
            length[t] = next_length(low[t], high[t], at_start, at_low[t], at_high[t])
            pending[n_left] = t
            n_left += 1
        if n_left == 0:
            return True
    return False


@compiled_inside
def next_length(low: float, high: float, at_start: float, at_low: float, at_high: float) -> float:
    """Where a line through the derivatives is 0, well inside of what is known."""
    if high == np.inf:
        return low * min(max(at_start / (at_start - at_low), 2.0), FARTHER)
    if at_high < np.inf:
        t = low + (high - low) * at_low / (at_low - at_high)
        return min(max(t, 0.9 * low + 0.1 * high), 0.1 * low + 0.9 * high)
    return 0.9 * low + 0.1 * high
