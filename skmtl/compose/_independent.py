"""Every task on its own: the baseline that learning together has to beat."""

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skmtl.compose._given import GivenEstimators
from skmtl.compose._single import (
    all_rows_together,
    fit_single,
    link_single,
    split,
    warn_of_single_classes,
)
from skmtl.tasks._rows import rows_by_task


class IndependentTasks(GivenEstimators):
    """One scikit-learn estimator a task, fitted on the rows that have its label.

    Nothing is shared between tasks, so that a comparison with it tells what learning them
    together is worth. Every task gets a clone of ``regressor`` or ``classifier``; it sees the
    rows whose label is observed and has positive weight, and the labels as they are in ``y``.

    Parameters
    ----------
    regressor : estimator, default=None
        Fitted to each regression and count task. None is :class:`~sklearn.linear_model.Ridge`
        for regression and :class:`~sklearn.linear_model.PoissonRegressor` for counts. For a
        count it should predict positive values: the deviance of others has no bound.
    classifier : estimator, default=None
        Fitted to each classification task. None is
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
    sklearn.multioutput.MultiOutputRegressor : One estimator a target, for complete labels of
        one type.

    Notes
    -----
    Weights reach a task's estimator only if its weights differ from 1; an estimator that takes
    none then raises. `predict` gives the most probable class. The estimators see X as an array:
    columns can be chosen by position, not by name.

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

    def __init__(
        self,
        regressor=None,
        classifier=None,
        *,
        tasks="auto",
        task_feature=None,
        unknown_task="error",
        n_jobs=None,
    ):
        self.regressor = regressor
        self.classifier = classifier
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.n_jobs = n_jobs

    def _fit(self, X, targets):
        problems = split(targets)
        if targets.tasks.is_long and self.unknown_task == "shared":
            problems.append(all_rows_together(targets))
        constants = [problem.constant for problem in problems]
        warn_of_single_classes(problems)
        fitted = iter(
            Parallel(n_jobs=self.n_jobs)(
                delayed(fit_single)(self._estimator_for(problem.task), X, problem)
                for problem, constant in zip(problems, constants, strict=True)
                if constant is None
            )
        )
        estimators = [next(fitted) if constant is None else None for constant in constants]
        n_tasks = targets.tasks.n_tasks
        self.estimators_, self._constants = estimators[:n_tasks], constants
        self.__dict__.pop("pooled_estimator_", None)
        if len(estimators) > n_tasks:
            self.pooled_estimator_ = estimators[-1]

    def _links(self, X, task_index):
        tasks = self._task_set.tasks
        if task_index is None:
            return [
                link_single(estimator, constant, task, X)
                for estimator, constant, task in zip(
                    self.estimators_, self._constants, tasks, strict=True
                )
            ]
        task = tasks[0]
        n_classes = (len(task.classes_),) if task.is_classification else ()
        link = np.full((X.shape[0], *n_classes), np.nan)
        for t, rows in enumerate(rows_by_task(task_index, len(self.estimators_))):
            if len(rows):
                link[rows] = link_single(self.estimators_[t], self._constants[t], task, X[rows])
        unknown = np.flatnonzero(task_index < 0)
        if len(unknown):
            pooled = self.pooled_estimator_
            link[unknown] = link_single(pooled, self._constants[-1], task, X[unknown])
        return [link]
