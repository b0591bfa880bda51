"""Telling an estimator which task a row belongs to, by columns of X."""

import numpy as np
from scipy import sparse

TASK_COLUMNS = ("onehot", "index", "interactions")


def add_task_columns(X, index, n_tasks, how):
    r"""Append to the rows of X what says that row i belongs to task ``index[i]``.

    With :math:`e_t` the t-th unit vector, a row x of task t becomes :math:`(x, e_t)` ("onehot"),
    :math:`(x, t)` ("index") or :math:`(x, e_t, e_t \otimes x)` ("interactions", CSR). One of no
    known task, t = -1, has :math:`e_t = 0`. With one task there is nothing to tell.
    """
    if how is None or n_tasks == 1:
        return X
    if how == "index":
        return _append(X, index.astype(X.dtype)[:, None])
    known = np.flatnonzero(index >= 0)
    ones = np.ones(len(known), dtype=X.dtype)
    indicator = sparse.csr_array((ones, (known, index[known])), shape=(len(index), n_tasks))
    if how == "onehot":
        return _append(X, indicator if sparse.issparse(X) else indicator.toarray())
    return _side_by_side([sparse.csr_array(X), indicator, _products(X, index, n_tasks)])


def _append(X, columns):
    if sparse.issparse(X):
        return _side_by_side([X, columns])
    return np.hstack([X, columns])


def _side_by_side(blocks):
    """CSR with indices no wider than they must be: trees take no others."""
    X = sparse.hstack(blocks, format="csr")
    if max(X.shape[1], X.nnz) <= np.iinfo(np.int32).max:
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


def _products(X, index, n_tasks):
    """A copy of each row in the block of columns of its task."""
    n_features, X = X.shape[1], sparse.coo_array(X)
    rows, columns = X.row, X.col
    task = index[rows]
    known = task >= 0
    columns = task[known].astype(np.int64) * n_features + columns[known]
    shape = (X.shape[0], n_tasks * n_features)
    return sparse.csr_array((X.data[known], (rows[known], columns)), shape=shape)
