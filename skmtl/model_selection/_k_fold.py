"""K folds that all have labels of every task and class."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from skmtl._random import read_random_state
from skmtl.model_selection._folds import even_folds, rows_of_folds
from skmtl.model_selection._groups import (
    check_hold_out,
    check_n_splits,
    count_rows,
    read_tasks_to_hold_out,
    warn_of_few_labels,
)
from skmtl.model_selection._strata import read_strata

Array = NDArray[Any]


class MultiTaskKFold(BaseCrossValidator):
    r"""K folds, the labels of every task and of every class spread evenly over them.

    In y with missing labels a fold can miss a task, or a rare class, altogether. Here fold f
    gets of the :math:`N_s` labels of each stratum s (a task, and a class of a classification
    task)

    .. math:: \lfloor N_s / k \rfloor \le n_{sf} \le \lceil N_s / k \rceil

    or is as close to it as a search finds. Sizes of the folds differ by one row at most; that
    goes first.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds k, at least 2.
    shuffle : bool, default=False
        Whether rows meet at random. Otherwise the folds depend on nothing but the data.
    random_state : int, RandomState or Generator instance or None, default=None
        With ``shuffle=True``: the same number gives the same folds.
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task, as in the estimators: it decides which tasks have classes. "auto":
        bool, string, category and 0/1 labels are classes, other numbers regression.
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to; y
        then has one label per row. By default y has one column per task.
    hold_out : {"rows", "tasks"}, default="rows"
        Long form: with "tasks" all rows of a task are in one fold, which measures transfer to
        new tasks; folds then have about the same number of rows. It needs no y.

    See Also
    --------
    MultiTaskShuffleSplit : Independent random splits.
    multitask_train_test_split : One random split.

    Notes
    -----
    Rows are handed out by iterative stratification [1]_: the task or class with the fewest rows
    left goes next, each of its rows to the fold that wants it most, ties by what the fold wants
    of the row's other labels. Then pairs of rows are swapped between folds, as long as that
    helps and for some seconds at most. Where there is one label per row (long form, one task)
    folds are dealt from the sorted rows, and the bounds always hold.

    Where each task misses other rows, a swap that evens out one of them moves labels of half of
    the others. Up to some thirty such tasks the bounds are met; beyond, counts stay off them,
    with 100 tasks a quarter by a label or two, however many rows there are. No fold goes without
    a task or class for that: where the search has left one empty, a second one fills it, as far
    as it can, and counts of other tasks become less even.

    With `groups` rows of a group stay together: large groups first, each goes where its labels
    are wanted most, and evenness is what the groups allow.

    Missing labels count for nothing, whatever is written in their place. Rows without any label
    are spread like the labels of one more task.

    References
    ----------
    .. [1] Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import MultiTaskKFold
    >>> nan = np.nan
    >>> y = np.array([[0, 1.5], [1, nan], [nan, 2.5], [0, nan], [1, 3.5], [nan, 4.5]])
    >>> X = np.zeros((6, 1))
    >>> for train, test in MultiTaskKFold(n_splits=2).split(X, y):
    ...     print(sorted(y[test, 0].tolist()), (~np.isnan(y[test, 1])).sum())
    [0.0, 1.0, nan] 2
    [0.0, 1.0, nan] 2
    """

    # Groups are used where they are given, so under metadata routing they are asked for.
    __metadata_request__split = {"groups": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: Any = False,
        random_state: Any = None,
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        hold_out: str = "rows",
    ) -> None:
        check_n_splits(n_splits)
        if not isinstance(shuffle, bool | np.bool_):
            raise TypeError(f"shuffle={shuffle!r}; expected True or False.")
        if not shuffle and random_state is not None:
            raise ValueError("random_state has no effect without shuffle=True; leave it at None.")
        check_hold_out(hold_out, task_feature)
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        self.tasks = tasks
        self.task_feature = task_feature
        self.hold_out = hold_out

    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds.

        Parameters
        ----------
        X, y, groups : object
            Not used.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Array, Array]]:
        """Training and test rows of every fold.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Features; only the task feature is looked at.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are never parted.

        Yields
        ------
        train, test : ndarray of int
            Rows, ascending.

        Raises
        ------
        ValueError
            If there are fewer rows, groups or (held out) tasks than folds, or no label.

        Warns
        -----
        LabelWarning
            If a task or a class has fewer labels than there are folds.
        """
        yield from rows_of_folds(self._folds(X, y, groups), self.n_splits)

    def _folds(self, X: Any, y: Any, groups: Any) -> Array:
        n_rows, k = count_rows(X, y, groups), self.n_splits
        if n_rows < k:
            raise ValueError(f"n_splits={k} is greater than the number of rows, {n_rows}.")
        rng = read_random_state(self.random_state) if self.shuffle else None
        if self.hold_out == "tasks":
            index = read_tasks_to_hold_out(X, groups, self.task_feature, k)
            return _folds_of_tasks(np.bincount(index), k, rng)[index]
        strata = read_strata(X, y, self.tasks, self.task_feature)
        warn_of_few_labels(strata, k)
        return even_folds(strata, k, rng, groups)


def _folds_of_tasks(n_rows: Array, k: int, rng: Any) -> Array:
    """Fold of each task: large tasks first, each to the fold with the fewest rows."""
    order = np.argsort(-n_rows, kind="stable")
    if rng is not None:
        # Tasks of similar size change places; else only ties would be random.
        for start in range(0, len(order), k):
            rng.shuffle(order[start : start + k])
    fold, filled = np.empty(len(n_rows), dtype=np.int32), np.zeros(k, dtype=np.int64)
    for task in order:
        fold[task] = filled.argmin()
        filled[fold[task]] += n_rows[task]
    return fold
