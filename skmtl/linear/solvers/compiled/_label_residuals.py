r"""Compiled sweeps over a quadratic model of the loss, on the rows of X.

For working sets whose Gram matrices would be large. The slope of the model at every label,
:math:`U = s + H (X dW + 1 db')`, is kept next to W: minus the gradient of the model is
:math:`-X'U`, and is formed for a row of W when it is its turn. H are curvatures of the columns and
of the pairs of them, as in `_label_sweeps`. X is given by columns, as sparse matrices are.

Without pairs the intercepts are at their best all along: U is kept for db = 0, and for
:math:`m_j = \sum_i h_i x_{ij}` and the sums S of h, each a number per column,

.. math:: db = -\frac{1'U}{S}, \quad -X'U - m \, db, \quad
          \sum_i h_i x_{ij}^2 - \frac{m_j^2}{S}

are the intercepts, minus the gradient, and the curvature along a row of W.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import larger
from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
from skmtl.linear.solvers.compiled._label_columns import bend_slopes, correlate
from skmtl.linear.solvers.compiled._label_grams import ROUNDING
from skmtl.linear.solvers.compiled._label_sweeps import model_value, rows_value
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined, take_step
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks


@compiled
def descend_labels(
    data: Array, indices: Array, indptr: Array, begin: Array, first: Array, second: Array,
    bend: Array, free: bool, U: Array, H: Array, V: Array,
    ridge: Array, low: Array, high: Array, l21: Array, share: float, max_iter: int,
) -> int:  # fmt: skip
    """As `descend_label_grams`, over the columns of X.

    Row i has the columns of V from ``begin[i]`` on, as many as U has. With pairs, X has another
    column, 1 everywhere, where intercepts are ``free``: the last row of V is theirs.
    """
    X = data, indices, indptr
    past_V, past_U = np.empty((MEMORY + 1, V.size)), np.empty((MEMORY + 1, U.size))
    V0, H0, U0 = V.copy(), H.copy(), U.copy()
    bound, sums = curvatures(X, begin, first, second, bend, V)
    profiled = free and len(first) == 0
    if profiled:
        profile(bound, sums, begin, bend)
    else:
        sums[:] = 0.0
    total, db = np.zeros(V.shape[1]), np.zeros(V.shape[1])
    largest, n_past = 0.0, 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            best_intercepts(U, begin, sums[-1], total, db)
            keep(0, V, past_V, U, past_U)
        n_past += 1
        gain = sweep_labels(
            X, begin, first, second, bend, bound, sums, total, db, U, V,
            ridge, low, high, l21,
        )  # fmt: skip
        for c in range(len(db) if profiled else 0):
            V[-1, c] = V0[-1, c] + db[c]
        largest = larger(largest, gain)
        if gain <= share * largest:
            return n_iter
        keep(n_past, V, past_V, U, past_U)
        if n_past == MEMORY:
            model = X, begin, len(first), bend, sums, total, db, U0, V0, H0, U, V, H
            before = objective(model, ridge, low, high, l21)
            extrapolate(past_V, V, past_V, U, past_U)
            if not objective(model, ridge, low, high, l21) < before:
                go_back(V, past_V, U, past_U)
            n_past = 0
    return max_iter


@compiled_inside
def objective(model: tuple, ridge: Array, low: Array, high: Array, l21: Array) -> float:
    """The model with its penalty, up to a constant; intercepts are at their best then."""
    X, begin, n_pairs, bend, sums, total, db, U0, V0, H0, U, V, H = model
    best_intercepts(U, begin, sums[-1], total, db)
    if n_pairs == 0:
        change = change_of_model(U0, U, bend, total, sums[-1])
        return change + rows_value(V, ridge, low, high, l21)
    products(X, begin, sums, db, U, H)
    return model_value(V0, H0, H, V, ridge, low, high, l21)


@inlined
def curvatures(X: tuple, begin: Array, first: Array, second: Array, bend: Array, V: Array) -> tuple:
    """A diagonal above the curvature along each row of V, and the weighted sum of the column."""
    data, indices, indptr = X
    bound, sums, width = np.zeros(V.shape), np.zeros(V.shape), bend.shape[1] - len(first)
    for j in range(len(indptr) - 1):
        for k in range(indptr[j], indptr[j + 1]):
            x, i = data[k], indices[k]
            at = begin[i]
            for c in range(width):
                bound[j, at + c] += x * x * bend[i, c]
                sums[j, at + c] += x * bend[i, c]
    for j in range(len(indptr) - 1 if len(first) > 0 else 0):
        for k in range(indptr[j], indptr[j + 1]):
            square, i = data[k] * data[k], indices[k]
            at = begin[i]
            for q in range(len(first)):
                between = square * abs(bend[i, width + q])
                bound[j, at + first[q]] += between
                bound[j, at + second[q]] += between
    return bound, sums


@inlined
def profile(bound: Array, sums: Array, begin: Array, bend: Array) -> None:
    """Take from the curvatures what intercepts make up for; their own sum of weights is last."""
    for i in range(len(bend)):
        at = begin[i]
        for c in range(bend.shape[1]):
            sums[-1, at + c] += bend[i, c]
    for j in range(len(bound) - 1):
        for c in range(bound.shape[1]):
            if sums[-1, c] > 0.0:
                left = bound[j, c] - sums[j, c] * sums[j, c] / sums[-1, c]
                bound[j, c] = left if left > ROUNDING * bound[j, c] else 0.0


@compiled_inside
def best_intercepts(U: Array, begin: Array, weights: Array, total: Array, db: Array) -> None:
    """Write the sums of U, and the best change of the intercepts."""
    for c in range(len(total)):
        total[c] = 0.0
    for i in range(len(U)):
        at = begin[i]
        for c in range(U.shape[1]):
            total[at + c] += U[i, c]
    for c in range(len(total)):
        db[c] = -total[c] / weights[c] if weights[c] > 0.0 else 0.0


@compiled_inside
def change_of_model(U0: Array, U: Array, bend: Array, total: Array, weights: Array) -> float:
    r"""The model less its start, with the best intercepts, from its slopes alone.

    Without pairs the slopes are :math:`u_i = u_i^0 + h_i z_i` in the change z of the scores, and
    the model :math:`\sum_i (u_i^0 z_i + h_i z_i^2 / 2) = \sum_i (u_i^2 - (u_i^0)^2) / 2 h_i`: no
    product with X.
    """
    change = 0.0
    for i in range(len(U)):
        for c in range(U.shape[1]):
            if bend[i, c] > 0.0:
                change += (U[i, c] - U0[i, c]) * (U[i, c] + U0[i, c]) / bend[i, c]
    for c in range(len(total)):
        if weights[c] > 0.0:
            change -= total[c] * total[c] / weights[c]
    return 0.5 * change


@inlined
def products(X: tuple, begin: Array, sums: Array, db: Array, U: Array, H: Array) -> None:
    """Write minus the gradient of the model to H, 0 for intercepts that are at their best."""
    H[-1] = 0.0
    for j in range(len(X[2]) - 1):
        correlate(X, j, begin, U, H[j])
        for c in range(H.shape[1]):
            H[j, c] = -H[j, c] - sums[j, c] * db[c]


@inlined
def sweep_labels(
    X: tuple, begin: Array, first: Array, second: Array, bend: Array, bound: Array, sums: Array,
    total: Array, db: Array, U: Array, V: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> float:  # fmt: skip
    """Minimise over the rows of V in turn; what it gains at least."""
    gain, weights = 0.0, sums[-1]
    step = np.empty(V.shape[1])
    for j in range(len(X[2]) - 1):
        correlate(X, j, begin, U, step)
        for c in range(len(step)):
            step[c] = bound[j, c] * V[j, c] - step[c] - sums[j, c] * db[c]
        shrink_row_of_tasks(step, bound[j], ridge[j], low[j], high[j], l21[j])
        if take_step(V[j], step):
            for c in range(len(step)):
                gain += 0.5 * (bound[j, c] + ridge[j]) * step[c] * step[c]
                total[c] += sums[j, c] * step[c]
                db[c] = -total[c] / weights[c] if weights[c] > 0.0 else 0.0
            bend_slopes(X, j, begin, first, second, bend, step, U)
    return gain
