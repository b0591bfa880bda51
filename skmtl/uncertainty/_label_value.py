"""Which label to ask for next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._by_name import by_task

Array = NDArray[Any]


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
    if reduction is None:
        raise ValueError(
            f"{type(estimator).__name__} does not know covariances of its predictions. Use "
            "MultiTaskBayesianLinear or MultiTaskGaussianProcessRegressor."
        )
    value: Array = reduction(X, reference, marked)
    return value if costs is None else value / _costs(estimator, costs, X, value.ndim)


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
