"""One random split of arrays."""

from __future__ import annotations

from typing import Any

from sklearn.utils import check_consistent_length

from skmtl.model_selection._shuffle_split import MultiTaskShuffleSplit
from skmtl.tasks._rows import some_rows


def multitask_train_test_split(
    X: Any,
    y: Any,
    *more: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: Any = None,
    tasks: Any = "auto",
    task_feature: int | str | None = None,
    groups: Any = None,
) -> list[Any]:
    """Split arrays into training and test rows, the labels of every task and class alike.

    As :func:`sklearn.model_selection.train_test_split`, with the rows of
    `MultiTaskShuffleSplit`.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Features, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    *more : array-like with n_samples rows
        What is to be split the same way: sample weights, for example.
    test_size, train_size : float or int, default=None
        Share of the rows, or their number; by default a quarter for the test, the rest for
        training.
    random_state : int, RandomState or Generator instance or None, default=None
        The same number gives the same split.
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task, as in the estimators: it decides which tasks have classes.
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to.
    groups : array-like of shape (n_samples,), default=None
        Rows of a group (a patient, a scaffold) stay on one side.

    Returns
    -------
    parts : list of length 2 * (2 + len(more))
        X_train, X_test, y_train, y_test and so on, of the types that went in.

    Raises
    ------
    ValueError
        If a side would be empty, or there is no label.

    Warns
    -----
    LabelWarning
        If a task or a class has a single label.

    See Also
    --------
    MultiTaskShuffleSplit : Several splits; it also holds out tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import multitask_train_test_split
    >>> X, y = np.arange(80.0).reshape(40, 2), np.full((40, 2), np.nan)
    >>> y[:20, 0], y[16:, 1] = np.arange(20) % 5 == 0, 1.5
    >>> X_train, X_test, y_train, y_test = multitask_train_test_split(X, y, random_state=0)
    >>> X_train.shape, X_test.shape
    ((30, 2), (10, 2))
    >>> (~np.isnan(y_test)).sum(axis=0).tolist(), float(np.nansum(y_test[:, 0]))
    ([5, 6], 1.0)
    """
    check_consistent_length(X, y, *more)
    if test_size is None and train_size is None:
        test_size = 0.25
    splitter = MultiTaskShuffleSplit(
        1,
        test_size=test_size,
        train_size=train_size,
        random_state=random_state,
        tasks=tasks,
        task_feature=task_feature,
    )
    train, test = next(splitter.split(X, y, groups))
    return [some_rows(array, rows) for array in (X, y, *more) for rows in (train, test)]
