"""Telling an estimator which task a row belongs to, by columns of X."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from skmtl._sparse import side_by_side
from skmtl.compose._features import append_columns, as_numbers, number_type
from skmtl.compose._notes import in_a_line
from skmtl.compose._tags import tags_of

TASK_COLUMNS = ("onehot", "index", "interactions")

MOST_DENSE = 2**28
"""Bytes of indicators that are dense for any estimator: more are sparse."""
MOST_DENSE_AT_ALL = 2**32
"""Bytes of indicators for an estimator that takes no sparse X."""


class TaskColumns:
    r"""Columns that say that row i of X belongs to task ``index[i]``.

    With :math:`e_t` the t-th unit vector, a row x of task t becomes :math:`(x, e_t)` ("onehot"),
    :math:`(x, t)` ("index") or :math:`(x, e_t, e_t \otimes x)` ("interactions", CSR). One of no
    known task, t = -1, has :math:`e_t = 0`. With one task there is nothing to tell.
    """

    def __init__(self, names: Any, how: Any) -> None:
        self.names = names
        self.how = None if len(names) == 1 else how
        self.are_sparse = False

    def fit_append(self, X: Any, index: Any, estimator: Any) -> Any:
        """`append`, for the rows that ``estimator`` learns from."""
        n_bytes = len(index) * len(self.names) * np.dtype(number_type(X)).itemsize
        if self.how == "onehot" and n_bytes > MOST_DENSE:
            tags = tags_of(estimator)
            self.are_sparse = tags is None or tags.input_tags.sparse
            if not self.are_sparse and n_bytes > MOST_DENSE_AT_ALL:
                raise ValueError(
                    f"task_encoding='onehot' makes {len(self.names)} columns of {len(index)} "
                    f"rows, {n_bytes / 2**30:.2g} GiB, and {in_a_line(estimator)} takes no sparse "
                    "X; set task_encoding='index'."
                )
        return self.append(X, index)

    def append(self, X: Any, index: Any) -> Any:
        """X with these columns."""
        if self.how is None:
            return X
        if self.how == "index":
            return append_columns(X, index[:, None], ["task"])
        known = np.flatnonzero(index >= 0)
        ones = np.ones(len(known), dtype=number_type(X))
        shape = (len(index), len(self.names))
        indicator = sparse.csr_array((ones, (known, index[known])), shape=shape)
        if self.how == "onehot":
            is_dense = not (self.are_sparse or sparse.issparse(X))
            names = [f"task {name}" for name in self.names]
            return append_columns(X, indicator.toarray() if is_dense else indicator, names)
        X = sparse.csr_array(as_numbers(X))
        return side_by_side([X, indicator, _products(X, index, len(self.names))])


def _products(X: Any, index: Any, n_tasks: int) -> Any:
    """A copy of each row in the block of columns of its task."""
    n_features, X = X.shape[1], sparse.coo_array(X)
    rows, columns = X.row, X.col
    task = index[rows]
    known = task >= 0
    columns = task[known].astype(np.int64) * n_features + columns[known]
    shape = (X.shape[0], n_tasks * n_features)
    return sparse.csr_array((X.data[known], (rows[known], columns)), shape=shape)
