r"""Compiled Gram matrices with a weight per label, where a matrix product does not give them.

For every row x of X and its weights h, one for each column and each pair of columns (see
`_label_sweeps`), :math:`x x'` times h is added up: over sparse rows, and over rows that belong to
one task.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined

ROUNDING = 1e-13
"""Share of its square that a column is constant below: what is left is rounding."""


@compiled
def weighted_squares(data: Array, indices: Array, indptr: Array, weights: Array) -> Array:
    """Weighted sum of the squares of each column of sparse X."""
    squares = np.zeros(len(indptr) - 1)
    for j in range(len(squares)):
        x, at = data[indptr[j] : indptr[j + 1]], indices[indptr[j] : indptr[j + 1]]
        for k in range(len(x)):
            squares[j] += x[k] * x[k] * weights[at[k]]
    return squares


@compiled
def add_sparse_rows(
    data: Array, indices: Array, indptr: Array, places: Array, bend: Array, G: Array
) -> None:
    """Add the lower triangle of rows of sparse X to G (m, m, Q).

    Weight q of row i counts for the column, or pair, ``places[i, q]``; with ``places`` of one
    row it is the same for all rows. The columns of a row are in order. The last feature is 1
    everywhere, and is not stored.
    """
    last = len(G) - 1
    if G.shape[2] == 1:
        add_sparse_rows_of_one(data, indices, indptr, bend, G)
        return
    for i in range(len(indptr) - 1):
        place, h = places[i if len(places) > 1 else 0], bend[i]
        for q in range(len(h)):
            G[last, last, place[q]] += h[q]
        for a in range(indptr[i], indptr[i + 1]):
            j, x = indices[a], data[a]
            for q in range(len(h)):
                G[last, j, place[q]] += x * h[q]
            for b in range(indptr[i], a + 1):
                k, product = indices[b], x * data[b]
                for q in range(len(h)):
                    G[j, k, place[q]] += product * h[q]


@compiled_inside
def add_sparse_rows_of_one(
    data: Array, indices: Array, indptr: Array, bend: Array, G: Array
) -> None:
    """`add_sparse_rows` for one weight per row."""
    last = len(G) - 1
    for i in range(len(indptr) - 1):
        h = bend[i, 0]
        G[last, last, 0] += h
        for a in range(indptr[i], indptr[i + 1]):
            j, x = indices[a], h * data[a]
            G[last, j, 0] += x
            for b in range(indptr[i], a + 1):
                G[j, indices[b], 0] += x * data[b]


@compiled
def add_task_rows(
    X: Array, offset: Array, order: Array, starts: Array, places: Array, bend: Array, G: Array,
    row: Array, sums: Array,
) -> None:  # fmt: skip
    """Write the lower triangle of X (n, m - 1) to G (m, m, Q), for rows in the order of tasks.

    Less the offset (m - 1, n_columns) of the columns of W. The last feature is 1 everywhere, and
    is not stored. ``places`` (n_tasks, q) are those of the weights of a task; ``row`` (m,) and
    ``sums`` (m, m) are written over.
    """
    m = len(G)
    row[m - 1] = 1.0
    for t in range(len(starts) - 1):
        for q in range(bend.shape[1]):
            for j in range(m):
                for k in range(j + 1):
                    sums[j, k] = 0.0
            for a in range(starts[t], starts[t + 1]):
                i = order[a]
                h = bend[i, q]
                for j in range(m - 1):
                    row[j] = X[i, j] - offset[j, places[t, 0]]
                for j in range(m):
                    x, sum_j = h * row[j], sums[j]
                    for k in range(j + 1):
                        sum_j[k] += x * row[k]
            for j in range(m):
                for k in range(j + 1):
                    G[j, k, places[t, q]] = sums[j, k]


@compiled
def centre(
    G: Array, group: Array, first: Array, second: Array, free: bool, means: Array, bound: Array
) -> None:
    r"""From the lower triangle of G (m, m, Q) to the whole, of features less weighted means.

    The last feature is 1 everywhere. ``group`` (Q,) is the column at which the task of each
    column, or pair, begins: all columns of a task have one mean, so that pairs stay symmetric.
    ``means`` (m, Q) are written, with sums of weights last, and ``bound`` (m, C), a diagonal above
    the matrix of the columns of a task: :math:`\sum_d |G_{jj,cd}|`. Without ``free`` intercepts
    nothing is centred.
    """
    m, n_columns = len(G), bound.shape[1]
    last = m - 1
    if free:
        weighted_means(G, group, n_columns, means)
    for j in range(m):
        for c in range(n_columns):
            bound[j, c] = G[j, j, c]
        for k in range(j + 1 if free and j < last else 0):
            for q in range(len(group)):
                a, b = means[j, q], means[k, q]
                G[j, k, q] += a * (b * G[last, last, q] - G[last, k, q]) - b * G[last, j, q]
        for k in range(j):
            for q in range(len(group)):
                if free and j == last:
                    G[j, k, q] -= means[k, q] * G[last, last, q]
                G[k, j, q] = G[j, k, q]
        for c in range(n_columns):
            whole = G[j, j, c]
            bound[j, c] = whole if whole > ROUNDING * bound[j, c] else 0.0
        for q in range(len(first)):
            between = abs(G[j, j, n_columns + q])
            # An end at a time: a loop over both would be compiled as one over a tuple.
            bound[j, first[q]] += between if bound[j, first[q]] > 0.0 else 0.0
            bound[j, second[q]] += between if bound[j, second[q]] > 0.0 else 0.0


@inlined
def weighted_means(G: Array, group: Array, n_columns: int, means: Array) -> None:
    """Write the means of the features to ``means`` (m, Q), and last the sums of the weights."""
    last = len(G) - 1
    for j in range(last + 1):
        for q in range(len(group)):
            means[j, q] = 0.0
        for c in range(n_columns):
            means[j, group[c]] += G[last, j, c]
    for j in range(last):
        for c in range(n_columns):
            if group[c] == c and means[last, c] > 0.0:
                means[j, c] /= means[last, c]
        for q in range(len(group)):
            means[j, q] = means[j, group[q]]
