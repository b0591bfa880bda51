"""Independent random splits that have labels of every task and class on both sides."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseShuffleSplit, ShuffleSplit

from skmtl._random import read_random_state
from skmtl.model_selection._groups import (
    check_hold_out,
    count_rows,
    read_groups,
    read_tasks_to_hold_out,
    warn_of_few_labels,
)
from skmtl.model_selection._strata import read_strata
from skmtl.model_selection._stratify import stratify

Array = NDArray[Any]

TEST, TRAIN = 0, 1


class MultiTaskShuffleSplit(BaseShuffleSplit):
    r"""Random splits, the labels of every task and class divided like the rows.

    With n rows, :math:`n_f` of them in part f (test, training), that part gets of the
    :math:`N_s` labels of each stratum s (a task, and a class of a classification task)

    .. math:: \lfloor N_s n_f / n \rfloor \le n_{sf} \le \lceil N_s n_f / n \rceil

    or is as close to it as a search finds, see `MultiTaskKFold`.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits.
    test_size, train_size : float or int, default=None
        Share of the rows, or their number, as in :class:`sklearn.model_selection.ShuffleSplit`:
        by default a tenth for the test, the rest for training. With ``hold_out="tasks"`` share
        or number of the tasks.
    random_state : int, RandomState or Generator instance or None, default=None
        The same number gives the same splits.
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task, as in the estimators: it decides which tasks have classes.
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to; y
        then has one label per row. By default y has one column per task.
    hold_out : {"rows", "tasks"}, default="rows"
        Long form: with "tasks" no task has rows on both sides. It needs no y.

    See Also
    --------
    MultiTaskKFold : Every row is tested once.
    multitask_train_test_split : One split, applied to arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.model_selection import MultiTaskShuffleSplit
    >>> y = np.full((40, 2), np.nan)
    >>> y[:30, 0] = np.arange(30) % 10 == 0
    >>> y[10:, 1] = np.arange(30) / 7
    >>> splitter = MultiTaskShuffleSplit(3, test_size=1 / 3, random_state=0)
    >>> for train, test in splitter.split(np.zeros((40, 1)), y):
    ...     print(len(test), int(np.nansum(y[test, 0])), (~np.isnan(y[test])).sum(axis=0))
    14 1 [10 10]
    14 1 [10 10]
    14 1 [10 10]
    """

    # Groups are used where they are given, so under metadata routing they are asked for.
    __metadata_request__split = {"groups": True}

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        random_state: Any = None,
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        hold_out: str = "rows",
    ) -> None:
        check_hold_out(hold_out, task_feature)
        super().__init__(
            n_splits, test_size=test_size, train_size=train_size, random_state=random_state
        )
        self.tasks = tasks
        self.task_feature = task_feature
        self.hold_out = hold_out

    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Array, Array]]:
        """Training and test rows of every split.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Features; only the task feature is looked at.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are never parted; the sizes are then approximate.

        Yields
        ------
        train, test : ndarray of int
            Rows, in random order.

        Raises
        ------
        ValueError
            If a side would be empty, or there is no label.

        Warns
        -----
        LabelWarning
            If a task or a class has a single label.
        """
        n_rows, rng = count_rows(X, y, groups), read_random_state(self.random_state)
        if self.hold_out == "tasks":
            index = read_tasks_to_hold_out(X, groups, self.task_feature, 2)
            sizes = self._sizes(int(index.max()) + 1)
        else:
            groups, sizes = read_groups(groups, 2), self._sizes(n_rows)
            strata = read_strata(X, y, self.tasks, self.task_feature)
            warn_of_few_labels(strata, 2)
        for _ in range(self.n_splits):
            if self.hold_out == "tasks":
                part = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))[index]
            else:
                part = stratify(strata, sizes, sizes / n_rows, rng, groups)
            order = rng.permutation(n_rows)
            yield order[part[order] == TRAIN], order[part[order] == TEST]

    def _sizes(self, n: int) -> Array:
        """How many of n are for the test, for training, and (if any) for neither."""
        # scikit-learn's own reading of the two sizes, checks and messages included.
        reader = ShuffleSplit(
            1, test_size=self.test_size, train_size=self.train_size, random_state=0
        )
        train, test = next(reader.split(np.empty(n)))
        rest = n - len(test) - len(train)
        return np.array([len(test), len(train), rest][: 3 if rest else 2])
