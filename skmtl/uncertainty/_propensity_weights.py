"""Inverse propensity weights by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyRegressor

from skmtl.compose import IndependentTasks
from skmtl.tasks._labels import read_labels
from skmtl.uncertainty._propensity_weighted import PropensityWeighted


def propensity_weights(
    X: Any,
    y: Any,
    propensity: Any = None,
    *,
    X_new: Any = None,
    cv: Any = 5,
    task_feature: Any = None,
) -> Any:
    """Inverse propensity weights of observed labels, and of labels that new rows would have.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels, of which only matters where they are missing.
    propensity : estimator, default=None
        Predicts from X which labels are observed; see `PropensityWeighted`.
    X_new : {array-like, sparse matrix, DataFrame} of shape (n_new, n_features), default=None
        Other rows.
    cv : int, splitter, iterable or None, default=5
        Rows that propensities are predicted for by models that did not see them.
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to.

    Returns
    -------
    weights : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y is 1-D
        0 where a label is missing; the mean of the others is about 1 in every task. To be given as
        ``sample_weight``.
    new_weights : ndarray of shape (n_new, n_tasks), or (n_new,)
        Only with ``X_new``: for ``ConformalTasks.predict_interval``.

    See Also
    --------
    skmtl.PropensityWeighted : Where this is written out; an estimator fitted with the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.uncertainty import propensity_weights
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1))
    >>> y = X + rng.normal(size=(500, 2))
    >>> y[rng.random(y.shape) > 1 / (1 + np.exp(-X))] = np.nan
    >>> weights = propensity_weights(X, y)
    >>> bool(np.nanmean(y) > 0.3)  # of all labels it is 0
    True
    >>> bool(abs(np.average(np.nan_to_num(y), weights=weights)) < 0.1)
    True
    """
    labels = read_labels(y)
    observed = np.column_stack([column.observed for column in labels.columns])
    mask = np.where(observed, 0.0, np.nan)
    model = PropensityWeighted(
        IndependentTasks(DummyRegressor()),
        propensity,
        cv=cv,
        tasks="regression",
        task_feature=task_feature,
    ).fit(X, mask[:, 0] if labels.is_1d else mask)
    if X_new is None:
        return model.label_weights_
    return model.label_weights_, model.label_weights(X_new)
