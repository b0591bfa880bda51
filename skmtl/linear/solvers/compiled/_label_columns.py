"""Compiled products of a column of X with slopes of labels, and what a step adds to these."""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._row import Array, compiled_inside, inlined


@compiled_inside
def correlate(X: tuple, j: int, begin: Array, U: Array, out: Array) -> None:
    """Write the product of one column with U to ``out``."""
    data, indices, indptr = X
    start, stop = indptr[j], indptr[j + 1]
    if U.shape[1] == len(out) and stop - start == len(U):
        # A column without zeros.
        np.dot(data[start:stop], U, out)
    else:
        correlate_some(data, indices, start, stop, begin, U, out)


@inlined
def bend_slopes(
    X: tuple, j: int, begin: Array, first: Array, second: Array, bend: Array, step: Array,
    U: Array,
) -> None:  # fmt: skip
    """Change U by the curvatures times ``step`` of one feature."""
    data, indices, indptr = X
    start, stop = indptr[j], indptr[j + 1]
    if U.shape[1] == len(step) and stop - start == len(U):
        bend_all(data[start:stop], bend, step, U)
    else:
        bend_some(data, indices, start, stop, begin, bend, step, U)
    if len(first) > 0:
        bend_pairs(data, indices, start, stop, begin, bend, step, first, second, U)


# Each of these loops is a function of its own: together they would not be vectorised.


@inlined
def correlate_some(
    data: Array, indices: Array, start: int, stop: int, begin: Array, U: Array, out: Array
) -> None:
    """`correlate` for the columns of the task of each row."""
    for c in range(len(out)):
        out[c] = 0.0
    for k in range(start, stop):
        x, i = data[k], indices[k]
        at = begin[i]
        for c in range(U.shape[1]):
            out[at + c] += x * U[i, c]


@inlined
def bend_all(column: Array, bend: Array, step: Array, U: Array) -> None:
    """`bend_slopes` for a feature that is nowhere 0."""
    for i in range(len(U)):
        x = column[i]
        for c in range(U.shape[1]):
            U[i, c] += x * bend[i, c] * step[c]


@inlined
def bend_some(
    data: Array, indices: Array, start: int, stop: int, begin: Array, bend: Array, step: Array,
    U: Array,
) -> None:  # fmt: skip
    """`bend_slopes` for the columns of the task of each row."""
    for k in range(start, stop):
        x, i = data[k], indices[k]
        at = begin[i]
        for c in range(U.shape[1]):
            U[i, c] += x * bend[i, c] * step[at + c]


@inlined
def bend_pairs(
    data: Array, indices: Array, start: int, stop: int, begin: Array, bend: Array, step: Array,
    first: Array, second: Array, U: Array,
) -> None:  # fmt: skip
    """What pairs of columns add to that."""
    width = U.shape[1]
    for k in range(start, stop):
        x, i = data[k], indices[k]
        at = begin[i]
        for q in range(len(first)):
            h = x * bend[i, width + q]
            U[i, first[q]] += h * step[at + second[q]]
            U[i, second[q]] += h * step[at + first[q]]
