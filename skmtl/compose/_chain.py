"""Models of one task that see what the models of other tasks predict."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE, read_random_state
from skmtl.compose._base_estimators import GivenEstimators
from skmtl.compose._chain_folds import ChainFolds
from skmtl.compose._chain_models import Chain, Stack
from skmtl.compose._chain_order import order_by_affinity, random_orders, read_order
from skmtl.compose._features import take_rows
from skmtl.compose._single_task import Single
from skmtl.compose._task_labels import TaskLabels, all_rows_together, split, warn_of_single_classes
from skmtl.model_selection._folds import N_SPLITS
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@documented("", "", shared="with a model of the rows of all tasks, which no other task helps.")
class TaskChain(GivenEstimators):
    r"""One scikit-learn estimator per task, whose features are predictions of other tasks too.

    In a chain with the order :math:`t_1, t_2, \dots` the model of task :math:`t_k` learns
    from :math:`(x, \hat y_{t_1}, \dots, \hat y_{t_{k-1}})` [1]_ [2]_. Several random chains are
    averaged. With ``stacking=True`` there are two levels instead: every task on its own, then
    every task again from :math:`(x, \hat y_1, \dots, \hat y_T)` [2]_.

    Parameters
    ----------
    estimator : estimator, default=None
        Cloned for each task that ``regressor`` and ``classifier`` are not for. One that cannot
        learn a task raises.
    regressor : estimator, default=None
        Cloned for each regression and count task. Without it and ``estimator``,
        :class:`~sklearn.linear_model.Ridge` is for regression and
        :class:`~sklearn.linear_model.PoissonRegressor` for counts.
    classifier : estimator, default=None
        Cloned for each classification task. Without it and ``estimator`` that is
        :class:`~sklearn.linear_model.LogisticRegression`. One without ``predict_proba``
        predicts its class with probability 1.
    order : list, "random", "affinity" or None, default=None
        Order of the chain: names or positions of all tasks; "random"; "affinity", tasks first
        whose residuals correlate most with those of the others, over the rows that have both
        labels (as [3]_ with residuals for labels); None, as in y.
    n_chains : int, default=1
        Number of chains, of different random order, whose predictions (values or
        probabilities) are averaged. More than one needs ``order="random"``; there are never
        more than there are orders.
    stacking : bool, default=False
        Two levels instead of chains; needs ``cv``.
    cv : int, splitter, iterable or None, default=5
        What the models see of other tasks while they are fitted. A number of folds, a splitter
        (of a task's labelled rows) or an iterable of training and test rows (of X), with test
        folds that are a partition: predictions of models that did not see the row. None: the
        label itself where there is one. The model then trusts labels that it will not have;
        out-of-fold predictions did better where the two were compared [2]_. A row without the
        label has the prediction that a new row would have, in either case.
    <task parameters>
    n_jobs : int, default=None
        Number of chains (of tasks, in stacking) fitted at the same time, by joblib. Results do
        not depend on it.
    random_state : int, RandomState or Generator instance or None, default=None
        Decides random orders. None draws a fresh seed.

    Attributes
    ----------
    estimators_ : list of list of estimator
        ``estimators_[k][t]`` is the model of task t in chain, or level, k; None where the
        prediction is constant.
    order_ : ndarray of shape (n_chains, n_tasks)
        Positions of the tasks in the order of each chain; not in stacking.
    pooled_estimator_ : estimator
        Fitted to the rows of all tasks; only with ``task_feature`` and
        ``unknown_task="shared"``. None if its prediction is constant.
    <task attributes>

    See Also
    --------
    IndependentTasks : The same without predictions as features.
    sklearn.multioutput.RegressorChain : For complete labels that are numbers: the same with
        ``cv=None``, one given order, and one estimator for all.
    sklearn.multioutput.ClassifierChain : For complete yes/no labels; there
        ``chain_method="predict_proba"`` gives this.

    Notes
    -----
    A task is as many features as it has classes, one if it has two, none if its prediction is
    constant. They are appended to X, which is handed on as it came as in `IndependentTasks`, in
    the order of the chain (of y in stacking); in a DataFrame they are named "prediction of
    <task>", and ": <class>" after it. Tasks without labels come last in random orders.

    `predict` is what ``predict`` of the estimators says; where several chains are averaged, the
    most probable class.

    With a number for ``cv`` the folds of a task are those that
    ``MultiTaskKFold(cv, shuffle=True, random_state=0)`` makes of its labelled rows, fewer where
    there are fewer labels, of the task or of a class with two at least.

    In long form a row has the label of one task, so that the other tasks are always predicted;
    their predictions for all rows take memory for n_samples times n_tasks numbers.

    References
    ----------
    .. [1] J. Read, B. Pfahringer, G. Holmes and E. Frank, "Classifier chains for multi-label
       classification", Machine Learning 85, 2011.
    .. [2] E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas, "Multi-target
       regression via input space expansion: treating targets as inputs", Machine Learning 104,
       2016: ensembles of regressor chains and stacked single-target, with out-of-sample
       estimates.
    .. [3] G. Melki, A. Cano, V. Kecman and S. Ventura, "Multi-target support vector regression
       via correlation regressor chains", Information Sciences 415, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.compose import TaskChain
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 3))
    >>> hidden = X[:, 0] * X[:, 1]
    >>> Y = np.column_stack([hidden, hidden > 0]) * 1.0
    >>> Y[::3, 0] = np.nan
    >>> model = TaskChain(order=[1, 0], cv=4).fit(X, Y)
    >>> model.estimators_[0][0].n_features_in_
    4
    >>> ensemble = TaskChain(order="random", n_chains=5, random_state=0).fit(X, Y)
    >>> sorted(ensemble.order_.tolist())
    [[0, 1], [1, 0]]
    """

    _parameter_constraints = {
        **GivenEstimators._parameter_constraints,
        "order": ["array-like", StrOptions({"random", "affinity"}), None],
        "n_chains": [Interval(Integral, 1, None, closed="left")],
        "stacking": ["boolean"],
        "cv": ["cv_object"],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        regressor: Any = None,
        classifier: Any = None,
        order: Any = None,
        n_chains: int = 1,
        stacking: bool = False,
        cv: int = 5,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.regressor = regressor
        self.classifier = classifier
        self.order = order
        self.n_chains = n_chains
        self.stacking = stacking
        self.cv = cv
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        # A splitter sees X as it was given, with the task feature.
        self._X_given = X
        try:
            return super().fit(X, y, sample_weight)
        finally:
            del self._X_given

    fit.__doc__ = GivenEstimators.fit.__doc__

    def _fit(self, X: Any, targets: Targets) -> None:
        self._check_structure()
        problems = split(targets)
        warn_of_single_classes(problems)
        templates = self._templates(problems)
        cv: Any = None if self.cv is None else ChainFolds(self.cv, self._X_given)
        for name in ("order_", "pooled_estimator_", "_pooled"):
            self.__dict__.pop(name, None)
        parallel = Parallel(n_jobs=self.n_jobs)
        if self.stacking:
            self._chains = [Stack.fit(X, problems, templates, cv, parallel)]
        else:
            self.order_ = self._orders(X, problems, templates, cv)
            # In long form no row has the label of a task and is learned from by another.
            cv = None if targets.tasks.is_long else cv
            self._chains = parallel(
                delayed(Chain.fit)(X, problems, templates, order, cv) for order in self.order_
            )
        levels = [links for chain in self._chains for links in chain.levels]
        self.estimators_ = [[link.single.estimator for link in links] for links in levels]
        if targets.tasks.is_long and self.unknown_task == "shared":
            self._pooled = Single.fit(templates[0], X, all_rows_together(targets))
            self.pooled_estimator_ = self._pooled.estimator

    def _check_structure(self) -> None:
        if self.stacking and self.cv is None:
            raise ValueError(
                "stacking=True needs cv: with cv=None a task's own label would be among its "
                "features. Set cv=5."
            )
        if self.stacking and (self.order is not None or self.n_chains > 1):
            raise ValueError(
                f"stacking=True has no order: got order={self.order!r}, "
                f"n_chains={self.n_chains}; expected None and 1."
            )
        is_random = isinstance(self.order, str) and self.order == "random"
        if self.n_chains > 1 and not is_random:
            raise ValueError(
                f"n_chains={self.n_chains} chains of one order would be equal; set "
                f"order='random', got {self.order!r}."
            )

    def _orders(self, X: Any, problems: list[TaskLabels], templates: Any, cv: Any) -> Any:
        n_tasks = len(problems)
        if self.order is None:
            return np.arange(n_tasks)[None]
        if not isinstance(self.order, str):
            return read_order(self.order, [problem.name for problem in problems])[None]
        if self.order == "affinity":
            folds = cv or ChainFolds(N_SPLITS, None)
            return order_by_affinity(X, problems, templates, folds)[None]
        rng = read_random_state(self.random_state)
        is_labelled = np.array([len(problem.rows) > 0 for problem in problems])
        return np.array(random_orders(rng, is_labelled, self.n_chains))

    def _expected(self, X: Any, task_index: Any) -> Any:
        chains = [chain.expected(X) for chain in self._chains]
        expected = [np.mean(of_chains, axis=0) for of_chains in zip(*chains, strict=True)]
        return self._of_rows(X, task_index, expected, Single.expected)

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> Any:
        if len(self._chains) > 1:
            # The mean of the chains decides.
            return super()._decisions(X, task_index, expected)
        return self._of_rows(X, task_index, self._chains[0].decisions(X), Single.decide)

    def _of_rows(self, X: Any, task_index: Any, by_task: Any, ask: Any) -> Any:
        """In long form, of what is said of every task, what is said of the task of each row."""
        if task_index is None:
            return by_task
        found = np.stack(by_task)[task_index, np.arange(len(task_index))]
        unknown = np.flatnonzero(task_index < 0)
        if len(unknown):
            found[unknown] = ask(self._pooled, take_rows(X, unknown))
        return [found]
