"""Which label to ask for next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._indexing import batches
from skmtl.tasks._by_name import by_task

Array = NDArray[Any]

NUMBERS_AT_ONCE = 2**24
"""Numbers of covariances of labels that there are at a time."""


def label_value(
    estimator: Any,
    X: Any,
    costs: Any = None,
    *,
    reference: Any = None,
    pending: Any = None,
) -> Array:
    r"""What one label more would tell, for every row and task.

    By how much it makes the variances of all tasks smaller, at all rows that predictions are wanted
    for,

    .. math:: \frac{1}{c_t} \sum_u \sum_z \frac{1}{s_u^2}
        \frac{\mathrm{cov}(f_t(x), f_u(z))^2}{\mathrm{var}(f_t(x)) + \sigma_t^2}

    where c are the costs and s the standard deviations of the labels of the tasks. It does not
    depend on what the label is, so that labels can be chosen before any is known [1]_ [2]_.

    Parameters
    ----------
    estimator : object
        Fitted estimator that knows the covariances of its functions:
        `MultiTaskBayesianLinear` or `MultiTaskGaussianProcessRegressor`.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that labels can be had of, with the task feature in long form.
    costs : array-like of shape (n_tasks,) or dict, default=None
        What a label of each task costs: values are per unit of cost.
    reference : array-like or DataFrame of shape (n_reference, n_features), default=None
        Rows that predictions are wanted for; in long form each of its task only. By default X.
    pending : array-like of shape (n_samples, n_tasks) or (n_samples,), default=None
        True for labels that are asked for but not known: they count as known. Choosing the
        label of largest value and marking it here, in turn, gives a batch.

    Returns
    -------
    value : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y was 1-D in `fit`
        Variances less, in units of the variance of the labels. NaN for tasks without labels. Labels
        that are known already have a value, too: that of measuring again.

    Raises
    ------
    ValueError
        If the estimator does not know covariances, costs are not above 0, or tasks are unknown.

    References
    ----------
    .. [1] D. MacKay, "Information-based objective functions for active data selection", Neural
       Computation 4, 1992, section 4.
    .. [2] D. Cohn, Z. Ghahramani and M. Jordan, "Active learning with statistical models", Journal
       of Artificial Intelligence Research 4, 1996, section 3.

    Examples
    --------
    The second task has few labels; the third row is far from all that is known:

    >>> import numpy as np
    >>> from skmtl import MultiTaskBayesianLinear
    >>> from skmtl.uncertainty import label_value
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 2))
    >>> Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(40, 2))
    >>> Y[8:, 1] = np.nan
    >>> model = MultiTaskBayesianLinear().fit(X, Y)
    >>> value = label_value(model, [[0.0, 0.0], [1.0, 1.0], [4.0, 4.0]], reference=X)
    >>> np.unravel_index(value.argmax(), value.shape)
    (np.int64(2), np.int64(1))
    """
    reference = X if reference is None else reference
    marked = None if pending is None else np.asarray(pending, dtype=bool)
    reduction = getattr(estimator, "_variance_reduction", None)
    if reduction is not None:
        value: Array = reduction(X, reference, marked)
    elif hasattr(estimator, "_covariance"):
        value = _by_covariances(estimator, X, reference, marked)
    else:
        raise ValueError(
            f"{type(estimator).__name__} does not know covariances of its predictions. Use "
            "MultiTaskBayesianLinear or MultiTaskGaussianProcessRegressor."
        )
    return value if costs is None else value / _costs(estimator, costs, X, value.ndim)


def _by_covariances(estimator: Any, X: Any, reference: Any, pending: Array | None) -> Array:
    """From the covariances of new labels of all rows with each other.

    Of an estimator with ``_covariance(X, task_index, noise=True)``, of rows as it reads them.
    """
    (X, of_X), (Z, of_Z) = estimator._read_new(X), estimator._read_new(reference)
    is_wide = of_X is None and not estimator._task_set.is_1d
    n_columns = estimator._task_set.n_tasks if is_wide else 1
    shape = (X.shape[0], n_columns)
    asked = np.zeros(shape, bool) if pending is None else pending.reshape(shape)
    base = np.flatnonzero(asked.any(axis=1))
    n_base = len(base) + Z.shape[0]
    scale = np.asarray(estimator._scale, dtype=np.float64)
    scale = scale if is_wide else scale[:1]
    known = np.concatenate([asked[base].ravel(), np.zeros(Z.shape[0] * n_columns, bool)])
    value = np.empty(shape)
    size = max(1, int(np.sqrt(NUMBERS_AT_ONCE)) // n_columns - n_base)
    for rows in batches(X.shape[0], size):
        stacked = np.vstack([_dense(X[rows]), _dense(X[base]), _dense(Z)])
        index = None if of_X is None else np.concatenate([of_X[rows], of_X[base], of_Z])
        cov = estimator._covariance(stacked, index, noise=True)
        cov = cov.reshape(len(stacked) * n_columns, -1) / np.outer(
            *[np.tile(scale, len(stacked))] * 2
        )
        n_asked = (rows.stop - rows.start) * n_columns
        cov = _given(cov, n_asked + np.flatnonzero(known))
        about = cov[:n_asked, n_asked + len(base) * n_columns :]
        gained = np.nansum(about**2, axis=1) / np.diag(cov)[:n_asked]
        value[rows] = gained.reshape(-1, n_columns)
    return value if is_wide else value[:, 0]


def _given(cov: Array, known: Array) -> Array:
    """Covariances where some of the labels are known."""
    if not len(known):
        return cov
    across = cov[:, known]
    less: Array = across @ np.linalg.solve(cov[np.ix_(known, known)], across.T)
    return cov - less


def _dense(X: Any) -> Array:
    found: Array = X.toarray() if sparse.issparse(X) else X
    return found


def _costs(estimator: Any, costs: Any, X: Any, n_dimensions: int) -> Array:
    """Cost of a label at every row, of the task of the row or of every task."""
    names = estimator._task_set.names.tolist()
    found = np.asarray(by_task(costs, names, "costs"), dtype=np.float64)
    if found.shape != (len(names),) or not ((found > 0) & np.isfinite(found)).all():
        raise ValueError(
            f"costs={costs!r}; expected a finite number above 0 for each of {len(names)} tasks."
        )
    if n_dimensions == 2:
        return found
    _, task_index = estimator._read_new(X)
    return found[0] if task_index is None else found[task_index]
