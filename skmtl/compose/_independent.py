"""Every task on its own: the baseline that learning together has to beat."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from skmtl.compose._base_estimators import GivenEstimators
from skmtl.compose._features import take_rows
from skmtl.compose._per_level import per_level
from skmtl.compose._single_task import Single
from skmtl.compose._task_labels import TaskLabels, all_rows_together, split, warn_of_single_classes
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class IndependentTasks(GivenEstimators):
    """One scikit-learn estimator per task, fitted on the rows that have its label.

    Nothing is shared between tasks, so that a comparison with it tells what learning them
    together is worth. Every task gets a clone of the estimator given; it sees the rows whose
    label is observed and has positive weight, X as it came, and the labels as they are in ``y``.

    Parameters
    ----------
    estimator : estimator, default=None
        Fitted to each task, as in :class:`~sklearn.multioutput.MultiOutputRegressor`, unless
        ``regressor`` or ``classifier`` is for it. One that cannot learn a task raises.
    regressor : estimator, default=None
        Fitted to each regression and count task. Without it and ``estimator``,
        :class:`~sklearn.linear_model.Ridge` is for regression and
        :class:`~sklearn.linear_model.PoissonRegressor` for counts. For a count it should predict
        positive values: the deviance of others has no bound. For a time until an event
        (`skmtl.tasks.Survival`) only an ``estimator`` of this package is taken, by default
        `MultiTaskLinear`: others would read censored times as those of events.
    classifier : estimator, default=None
        Fitted to each classification task. Without it and ``estimator`` that is
        :class:`~sklearn.linear_model.LogisticRegression`. One without ``predict_proba``
        predicts its class with probability 1.
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task: an alias ("regression", "binary", "multiclass", "count") or an object
        of :mod:`skmtl.tasks`, for all tasks, in a list, or in a dict by task name. "auto":
        bool, string, category and 0/1 labels are classes, other numbers regression.
    task_feature : int or str, default=None
        Long form: the column of X that says which task a row belongs to. Every task then has
        an estimator of its own, fitted on its rows.
    unknown_task : {"error", "shared"}, default="error"
        Long form: what `predict` does with a task that had no row in `fit`. "shared" fits one
        more estimator on the rows of all tasks together and predicts with that.
    class_weight : "balanced", dict or None, default=None
        Factor on the weight of a label by its class, for tasks with classes: "balanced" gives all
        classes of a task the same weight, a dict {class: weight} names those that are not 1. A
        dict {task: either} names tasks. A task type that has a ``class_weight`` of its own keeps
        it. Estimators get it as weights.
    n_jobs : int, default=None
        Number of tasks fitted at the same time, by joblib. None means 1 unless in a
        :obj:`joblib.parallel_backend` context, -1 all processors. Results do not depend on it.

    Attributes
    ----------
    estimators_ : list of length n_tasks
        Fitted estimator of each task; None where the prediction is constant: no label, one
        class, or counts that are all zero.
    pooled_estimator_ : estimator
        Fitted on the rows of all tasks; only with ``task_feature`` and
        ``unknown_task="shared"``. None if its prediction is constant.
    tasks_ : list of Task
        Type of each task.
    task_names_in_ : ndarray of shape (n_tasks,)
        Names of the tasks: the columns of ``y``, or 0, 1, ...; the values of the task feature
        in long form.
    classes_ : list of ndarray, or ndarray
        Classes of each task, None for regression; an array if y is 1-D. Only where a task has
        classes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, if all are strings.

    See Also
    --------
    sklearn.multioutput.MultiOutputRegressor : One estimator per target, for complete labels of
        one type.

    Notes
    -----
    X is handed on as it came: an array, a sparse matrix (as CSR), or a DataFrame with its
    columns, in long form without the task feature. Missing values, categories and text are for
    the estimators to accept or refuse. Their errors come with a note that names the task.

    Weights, and class weights, reach a task's estimator only if its weights differ from 1: the
    last step of a pipeline, through searches, with metadata routing and without; requests that
    were made hold. An estimator that takes none then raises.

    `predict` is what ``predict`` of the estimators says, which need not be the most probable
    class: a tuned threshold counts. An estimator that refuses the labels of a task with classes,
    because it wants 0, 1, ... for example, is fitted again to their positions among the classes
    that are there; these are its ``classes_`` then, and predictions are labels of ``y`` all the
    same. A class that its rows lack has probability 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skmtl import IndependentTasks
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.array([[0.0, 0], [1.5, 0], [np.nan, 0], [4.5, 1], [6.0, np.nan], [np.nan, 1]])
    >>> model = IndependentTasks(regressor=DecisionTreeRegressor(random_state=0)).fit(X, y)
    >>> model.predict([[0.0], [5.0]])
    array([[0., 0.],
           [6., 1.]])
    >>> model.estimators_
    [DecisionTreeRegressor(random_state=0), LogisticRegression()]
    """

    _takes_levels = True

    def __init__(
        self,
        estimator: Any = None,
        *,
        regressor: Any = None,
        classifier: Any = None,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.regressor = regressor
        self.classifier = classifier
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        problems = split(targets)
        templates = [
            per_level(template, problem.task, problem.name)
            for template, problem in zip(self._templates(problems), problems, strict=True)
        ]
        if targets.tasks.is_long and self.unknown_task == "shared":
            problems.append(all_rows_together(targets))
            templates.append(templates[0])
        warn_of_single_classes(problems)
        self._singles = _fit_all(X, problems, templates, self.n_jobs)
        n_tasks = targets.tasks.n_tasks
        self.estimators_ = [single.estimator for single in self._singles[:n_tasks]]
        self.__dict__.pop("pooled_estimator_", None)
        if len(problems) > n_tasks:
            self.pooled_estimator_ = self._singles[-1].estimator

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        if task_index is None:
            return [single.expected(X) for single in self._singles]
        return [self._of_rows(X, task_index, Single.expected)]

    def _survival(self, X: Any, task_index: Any, times: Array) -> list[Any]:
        if task_index is not None:
            return [self._of_rows(X, task_index, partial(Single.survival, times=times))]
        return [
            single.survival(X, times) if single.task.has_times else None for single in self._singles
        ]

    def _check_survival(self) -> None:
        pass

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> list[Any]:
        if task_index is not None:
            return [self._of_rows(X, task_index, Single.decide)]
        expected = [None] * len(self._singles) if expected is None else expected
        return [
            single.decide(X, of_task)
            for single, of_task in zip(self._singles, expected, strict=True)
        ]

    def _of_rows(self, X: Any, task_index: Any, ask: Any) -> Any:
        """Long form: ``ask`` what learned the task of each row; unknown ones ask the last."""
        n_tasks = self._task_set.n_tasks
        rows_of = rows_by_task(np.where(task_index < 0, n_tasks, task_index), n_tasks + 1)
        # One row at least: an array of no rows tells no dtype and no number of classes.
        found: Any = None
        parts = zip(rows_of, self._singles, strict=False)
        for rows, single in parts:
            if len(rows):
                answer = ask(single, take_rows(X, rows))
                if found is None:
                    found = np.empty((X.shape[0], *answer.shape[1:]), dtype=answer.dtype)
                found[rows] = answer
        return found


def _fit_all(X: Any, problems: list[TaskLabels], templates: Any, n_jobs: int | None) -> list[Any]:
    """Fit what there is to choose, elsewhere perhaps; constants are found here."""
    constants = [problem.constant is not None for problem in problems]
    jobs = zip(problems, templates, constants, strict=True)
    fitted = iter(
        Parallel(n_jobs=n_jobs)(
            delayed(Single.fit)(template, X, problem)
            for problem, template, is_constant in jobs
            if not is_constant
        )
    )
    return [
        Single.fit(None, X, problem) if is_constant else next(fitted)
        for problem, is_constant in zip(problems, constants, strict=True)
    ]
