"""One multi-task model for each group of tasks that suit each other."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from skmtl._docstrings import documented
from skmtl.compose._affinities import affinity_array, check_affinity, measure
from skmtl.compose._features import take_rows
from skmtl.compose._groups import find_groups
from skmtl.compose._meta import NestingEstimator, fit_prepared
from skmtl.compose._notes import noted
from skmtl.tasks._by_name import by_task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@documented("", "", shared="the mean over groups, each by its number of tasks.")
class TaskGrouping(NestingEstimator):
    r"""Find groups of tasks, and fit one multi-task model to each.

    Groups are those whose members have most affinity with each other [1]_,

    .. math:: \max \; \frac1T \sum_j \frac{1}{|g(j)| - 1} \sum_{i \in g(j), i \ne j} a_{ij}

    over the partitions of the T tasks into ``n_groups`` groups, with :math:`g(j)` the group of
    task j and :math:`a_{ij}` what task i does for task j. Affinities are hints and not evidence
    [2]_: compare the score with that of ``estimator`` for all tasks.

    Parameters
    ----------
    estimator : estimator
        Learns several tasks: an estimator of this package, or a pipeline or search that ends in
        one. A clone is fitted to each group. What it would say of ``tasks``, ``task_feature``
        and ``unknown_task`` is said here. Its ``task_weight`` may speak of all tasks.
    n_groups : int, default=2
        Number of groups; as many as there are tasks with labels, if those are fewer.
    affinity : str, callable, array-like or TaskAffinity, default="auto"
        What task i does for task j, entry (i, j) of shape (n_tasks, n_tasks); higher is better.
        A name is a method of
        :func:`skmtl.inspection.task_affinity`: "tag", "grad_cosine", "pairwise",
        "coef_cosine", "residual_correlation"; "auto" is "tag" for networks and "coef_cosine"
        for others. A callable is called as ``affinity(estimator, X, y, sample_weight=...)``
        with the tasks that have labels and gives an array or a
        :class:`~skmtl.inspection.TaskAffinity`. NaN stands for the mean of the other entries. A
        DataFrame is matched by the names of the tasks.
    single_task_affinity : float, array-like of shape (n_tasks,) or dict, default=None
        What a task does for itself: the worth of a group of one. 0 where affinities are gains
        over learning alone. By default there are no groups of one, unless there are fewer than
        ``2 * n_groups`` tasks.
    search : {"auto", "exhaustive", "greedy", "spectral"}, default="auto"
        "exhaustive" tries all partitions, of 12 tasks at most. "greedy" merges groups of high
        mean affinity, "spectral" cuts a graph of affinities; both then move and swap tasks
        while that raises the objective. "auto" is exhaustive up to 9 tasks and the better of
        the other two above. All are deterministic.
    <task parameters>
    n_jobs : int, default=None
        Number of groups fitted at the same time, by joblib. Results do not depend on it.

    Attributes
    ----------
    groups_ : list of ndarray of int
        Positions of the tasks of each group; a task without labels is in none.
    estimators_ : list of estimator
        Fitted estimator of each group.
    affinity_ : ndarray of shape (n_tasks, n_tasks)
        Entry (i, j): what task i does for task j. NaN for tasks without labels, and everywhere
        where no choice had to be made.
    <task attributes>

    See Also
    --------
    skmtl.inspection.task_affinity : The affinities alone.
    skmtl.linear.penalties.Clustered : Linear tasks in clusters, found while they are learned.

    Notes
    -----
    The estimators see X as it came, in long form with the task feature.

    References
    ----------
    .. [1] C. Fifty, E. Amid, Z. Zhao, T. Yu, R. Anil and C. Finn, "Efficiently identifying task
       groupings for multi-task learning", NeurIPS 2021.
    .. [2] R. Azorin, M. Gallo, A. Finamore, D. Rossi and P. Michiardi, "It's a match! A benchmark
       of task affinity scores for joint learning", arXiv 2301.02873, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.compose import TaskGrouping
    >>> from skmtl.datasets import make_multitask_regression
    >>> X, Y = make_multitask_regression(n_tasks=6, n_groups=2, noise=0.5, random_state=0)
    >>> def correlation(estimator, X, y, sample_weight):
    ...     return np.corrcoef(y, rowvar=False)
    >>> model = TaskGrouping(MultiTaskLinear("mean_deviation"), affinity=correlation).fit(X, Y)
    >>> model.groups_
    [array([0, 2, 4]), array([1, 3, 5])]
    """

    _parameter_constraints = {
        **NestingEstimator._parameter_constraints,
        "n_groups": [Interval(Integral, 1, None, closed="left")],
        "affinity": "no_validation",
        "single_task_affinity": [
            Interval(Real, None, None, closed="neither"),
            "array-like",
            dict,
            None,
        ],
        "search": [StrOptions({"auto", "exhaustive", "greedy", "spectral"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any,
        n_groups: int = 2,
        *,
        affinity: Any = "auto",
        single_task_affinity: Any = None,
        search: Any = "auto",
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_groups = n_groups
        self.affinity = affinity
        self.single_task_affinity = single_task_affinity
        self.search = search
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        check_affinity(self.affinity)
        labelled = np.flatnonzero(targets.tasks.n_labels > 0)
        self.affinity_ = self._read_affinity(X, targets, labelled)
        found = find_groups(
            self.affinity_[np.ix_(labelled, labelled)],
            min(self.n_groups, len(labelled)),
            alone=self._alone(targets.tasks.n_tasks, labelled),
            search=self.search,
        )
        self.groups_ = [labelled[group] for group in found]
        prepared = [self._prepare(X, targets, group) for group in self.groups_]
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_group)(targets.tasks.names[group].tolist(), *parts)
            for group, parts in zip(self.groups_, prepared, strict=True)
        )

    def _read_affinity(self, X: Any, targets: Targets, labelled: Any) -> Any:
        """Affinity of all tasks, NaN where it is not known."""
        n_tasks, names = targets.tasks.n_tasks, targets.tasks.names.tolist()
        affinity = np.full((n_tasks, n_tasks), np.nan)
        if not isinstance(self.affinity, str) and not callable(self.affinity):
            return affinity_array(self.affinity, names)
        if 1 < self.n_groups < len(labelled):
            parts = self._prepare(X, targets, labelled)
            found = measure(self.affinity, *parts)
            block = np.ix_(labelled, labelled)
            affinity[block] = affinity_array(found, [names[t] for t in labelled], by_name=False)
        return affinity

    def _alone(self, n_tasks: int, labelled: Any) -> Any:
        """What the tasks with labels do for themselves, if that is known."""
        if self.single_task_affinity is None:
            return None
        names = self._task_set.names.tolist()
        alone = by_task(self.single_task_affinity, names, "single_task_affinity")
        alone = np.asarray(alone, dtype=np.float64)
        if alone.shape not in {(), (n_tasks,)} or not np.isfinite(alone).all():
            raise ValueError(
                f"single_task_affinity={self.single_task_affinity!r}; expected a number or a "
                f"list of {n_tasks}, one for each task, all finite."
            )
        return np.broadcast_to(alone, (n_tasks,))[labelled]

    def _expected(self, X: Any, task_index: Any) -> Any:
        if task_index is not None:
            return [self._expected_long(X, task_index)]
        tasks = self._task_set.tasks
        expected = [task.expected_without_labels(X.shape[0]) for task in tasks]
        return self._ask_groups(self._expected_of, X, expected)

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> Any:
        if task_index is not None:
            return [self._decide_long(X, task_index, expected)]
        decided = [
            task.decode(task.expected_without_labels(X.shape[0])) for task in self._task_set.tasks
        ]
        return self._ask_groups(self._decisions_of, X, decided)

    def _ask_groups(self, ask: Any, X: Any, answers: Any) -> Any:
        """Put what each group says of its tasks in place of ``answers`` (wide)."""
        tasks = self._task_set.tasks
        for group, estimator in zip(self.groups_, self.estimators_, strict=True):
            found = ask(estimator, X, [tasks[t] for t in group])
            for t, answer in zip(group, found, strict=True):
                answers[t] = answer
        return answers

    def _expected_long(self, X: Any, task_index: Any) -> Any:
        task = self._task_set.tasks[0]
        expected = task.expected_without_labels(X.shape[0])
        unknown = np.flatnonzero(task_index < 0)
        expected[unknown] = 0.0
        n_grouped = sum(len(group) for group in self.groups_)
        for rows, estimator in self._known_rows(task_index):
            expected[rows] = self._expected_of(estimator, take_rows(X, rows), [task])[0]
        for group, estimator in zip(self.groups_, self.estimators_, strict=True):
            if len(unknown):
                found = self._expected_of(estimator, take_rows(X, unknown), [task])[0]
                expected[unknown] += len(group) / n_grouped * found
        return expected

    def _decide_long(self, X: Any, task_index: Any, expected: Array) -> Any:
        task = self._task_set.tasks[0]
        decided = task.decode(task.expected_without_labels(X.shape[0]))
        for rows, estimator in self._known_rows(task_index):
            decided[rows] = self._decisions_of(estimator, take_rows(X, rows), [task])[0]
        unknown = np.flatnonzero(task_index < 0)
        if len(unknown):
            # The mean of the groups decides.
            part = take_rows(X, unknown), task_index[unknown]
            expected = self._expected_long(*part) if expected is None else expected[0][unknown]
            decided[unknown] = task.decode(expected)
        return decided

    def _known_rows(self, task_index: Any) -> Iterator[Any]:
        """The rows of each group, and its estimator (long form)."""
        for group, estimator in zip(self.groups_, self.estimators_, strict=True):
            rows = np.flatnonzero(np.isin(task_index, group))
            if len(rows):
                yield rows, estimator


def _fit_group(names: Any, estimator: Any, *data: Any) -> Any:
    with noted(estimator, "fitted to", *names):
        return fit_prepared(estimator, *data)
