"""All tasks as one: the baseline at the other end from every task on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.parallel import Parallel, delayed

from skmtl._docstrings import documented
from skmtl.compose._base_estimators import GivenEstimators
from skmtl.compose._pools import Pool, find_pools
from skmtl.compose._single_task import Single
from skmtl.compose._task_columns import TASK_COLUMNS
from skmtl.compose._task_labels import split, warn_of_single_classes
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@documented("", "", shared="with the model of all tasks, as of a task without own columns.")
class PooledTasks(GivenEstimators):
    r"""One scikit-learn estimator for all tasks of one type, fitted to all their labels.

    The rows of all tasks are put below each other, those without a label left out, and one
    estimator learns them as if they were one task, told by extra columns which task a row
    belongs to, or not told. `IndependentTasks` believes that tasks have nothing in common, this
    that they do not differ; learning them together has to beat both.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns the tasks that ``regressor`` and ``classifier`` are not for. One that cannot learn
        a task raises.
    regressor : estimator, default=None
        Fitted to the labels of all regression tasks, and a clone of it to those of all counts.
        Without it and ``estimator``, :class:`~sklearn.linear_model.Ridge` is for regression and
        :class:`~sklearn.linear_model.PoissonRegressor` for counts.
    classifier : estimator, default=None
        Fitted to the labels of classification tasks; a clone for each set of tasks that have no
        class in common with the others. Without it and ``estimator`` that is
        :class:`~sklearn.linear_model.LogisticRegression`. One without ``predict_proba``
        predicts its class with probability 1.
    task_encoding : {"onehot", "index", "interactions"} or None, default="onehot"
        Columns appended to X, for T tasks and features x of length p:

        - "onehot": T indicators. Tasks differ by a constant, in a linear model.
        - "index": one column with the position of the task, 0, 1, ..., for trees and for
          estimators that can be told that their last column is a category; -1 for a task first
          met at predict.
        - "interactions": T indicators and T copies of x, of which all but the task's are zero
          [1]_, as a sparse matrix; X has to be numbers. A linear model with a ridge penalty
          then learns coefficients that deviate from common ones [2]_.
        - None: nothing. The tasks have one prediction; it suits targets of one scale.
    <task parameters>
    n_jobs : int, default=None
        Number of estimators fitted at the same time, by joblib; there is one for each entry of
        ``pools_``. Results do not depend on it.

    Attributes
    ----------
    pools_ : list of ndarray of int
        Positions of the tasks that were learned as one: regression, counts, classification.
        A task without labels is in none.
    estimators_ : list of estimator
        What learned each entry of ``pools_``; None where the prediction is constant.
    <task attributes>

    See Also
    --------
    IndependentTasks : The baseline that shares nothing.
    TargetScaler : Brings regression targets to one scale first.
    MultiTaskLinear : Penalty "mean_deviation" lies between the two baselines.

    Notes
    -----
    Classes are those of all tasks that share some; the probabilities of a task are those given
    that its class is one of its own (wide form). Where the estimator gives all of them
    probability 0, the task's class shares are predicted. `predict` is what ``predict`` of the
    estimator says, unless that is a class of other tasks only. In wide form memory is that of as
    many rows of X as there are labels.

    X is handed on as it came, as in `IndependentTasks`, with the columns appended; those of a
    DataFrame are named "task" or "task <name>". "onehot" columns are dense where X is, up to 256
    MB; beyond, all of X becomes a sparse matrix if the estimator takes one. One that does not
    raises beyond 4 GB: "index" is for such.

    References
    ----------
    .. [1] H. Daume III, "Frustratingly easy domain adaptation", ACL 2007, section 3.
    .. [2] T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004,
       section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.compose import PooledTasks
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> Y = np.hstack([X, X + 10])
    >>> Y[::2, 0] = np.nan
    >>> PooledTasks().fit(X, Y).predict([[2.0]]).round()
    array([[ 3., 12.]])
    >>> PooledTasks(task_encoding=None).fit(X, Y).predict([[2.0]]).round()
    array([[9., 9.]])
    """

    _parameter_constraints = {
        **GivenEstimators._parameter_constraints,
        "task_encoding": [StrOptions(set(TASK_COLUMNS)), None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        regressor: Any = None,
        classifier: Any = None,
        task_encoding: Any = "onehot",
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.regressor = regressor
        self.classifier = classifier
        self.task_encoding = task_encoding
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        problems = split(targets)
        templates = self._templates(problems)
        pools = [Pool.of(part, problems, self.task_encoding) for part in find_pools(problems)]
        self._pools = Parallel(n_jobs=self.n_jobs)(
            delayed(pool.fit)(X, problems, templates[pool.positions[0]]) for pool in pools
        )
        alone = [pool.positions for pool in self._pools if pool.single.estimator is None]
        warn_of_single_classes([problems[t] for positions in alone for t in positions])
        self.pools_ = [pool.positions for pool in self._pools]
        self.estimators_ = [pool.single.estimator for pool in self._pools]

    def _expected(self, X: Any, task_index: Any) -> Any:
        if task_index is not None:
            silent = self._task_set.tasks[0].expected_without_labels(X.shape[0])
            return [self._of_rows(X, task_index, Single.expected, silent)]
        return self._of_tasks(X, Pool.expected)

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> Any:
        if task_index is not None:
            task = self._task_set.tasks[0]
            silent = task.decode(task.expected_without_labels(X.shape[0]))
            return [self._of_rows(X, task_index, Single.decide, silent)]

        def decide(pool: Any, X: Any, tasks: Any) -> Any:
            known = None if expected is None else [expected[t] for t in pool.positions]
            return pool.decisions(X, tasks, known)

        return self._of_tasks(X, decide, decided=True)

    def _of_tasks(self, X: Any, ask: Any, *, decided: bool = False) -> Any:
        """Wide form: one answer a task; those without labels are in no pool."""
        tasks = self._task_set.tasks
        answers = [task.expected_without_labels(X.shape[0]) for task in tasks]
        if decided:
            answers = [task.decode(answer) for task, answer in zip(tasks, answers, strict=True)]
        for pool in self._pools:
            found = ask(pool, X, [tasks[t] for t in pool.positions])
            for t, answer in zip(pool.positions, found, strict=True):
                answers[t] = answer
        return answers

    def _of_rows(self, X: Any, task_index: Any, question: Any, silent: Any) -> Any:
        """Long form: what is said of every row, ``silent`` for tasks without labels."""
        pool = self._pools[0]
        # The last entry is where an unknown task, -1, looks.
        position = np.full(self._task_set.n_tasks + 1, -1)
        position[pool.positions] = np.arange(len(pool.positions))
        answer = pool.ask(question, X, position[task_index])
        is_silent = (position[task_index] < 0) & (task_index >= 0)
        answer[is_silent] = silent[is_silent]
        return answer
