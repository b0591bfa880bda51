"""From class probabilities to decisions that are worth most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._docstrings import documented
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._decision_rules import is_for_all, read_rules
from skmtl.uncertainty._held_out import HoldsOut
from skmtl.uncertainty._thresholds import choose_thresholds

Array = NDArray[Any]


@documented("", "", shared="what the estimator shares, with the threshold of all tasks together.")
class ThresholdTasks(HoldsOut):
    r"""Decisions of an estimator by a threshold per task, chosen on rows that it has not seen.

    Of two classes the more probable one is predicted where mistakes of both kinds are alike. By the
    F1 score of a rare class, or where it costs more to miss a case than to look at one in vain, the
    second class is predicted from a probability :math:`\tau_t` on that is another one. Models that
    did not see a row say how probable its labels are; :math:`\tau_t` is the threshold with the best
    score of the task there. Tasks with few labels of a class are drawn to the threshold that
    calibrated probabilities call for, of which all tasks tell (see `CalibratedTasks`).

    Parameters
    ----------
    estimator : estimator
        Predicts probabilities: an estimator of this package, `CalibratedTasks` among them, or a
        pipeline or search that ends in one; or a classifier of scikit-learn, which is fitted to
        each task's own rows, as `IndependentTasks` does. One in a
        :class:`~sklearn.frozen.FrozenEstimator` is fitted already: all rows given here are then
        for thresholds. What it would say of ``tasks``, ``task_feature`` and ``unknown_task`` is
        said here.
    scoring : str, callable, array-like, dict or list, default="f1"
        - A metric of predicted labels, as `make_multitask_scorer` takes it: its name, or a
          function. For tasks with two classes.
        - Costs of shape (n_classes, n_classes): ``costs[i][j]`` is that of predicting class j of
          ``classes_`` where i is true.
        - A dict of these by the names of tasks; those that it does not name are predicted as the
          estimator does. A list has an entry for each task.

        Of more than two classes, for which costs have to be given, the one of the least expected
        cost is predicted.
    cv : int, splitter, iterable, None or "prefit", default=5
        Rows that are held out. A number: shuffled folds that spread the labels of every task and
        class; None: 5. An estimator that holds rows out in its own fit, as the searches of this
        package, `TaskStacking` and `CalibratedTasks` do (``out_of_fold_``), is then not fitted
        again for them. A splitter, or an iterable of training and test rows, holds for all.
        "prefit" is the same as a FrozenEstimator.
    <task parameters>
    n_jobs : int, default=None
        Number of folds fitted at the same time, by joblib. Results do not depend on it.

    Attributes
    ----------
    estimator_ : estimator
        Fitted to all rows.
    thresholds_ : ndarray of shape (n_tasks,)
        :math:`\tau_t`: the second class is predicted from this probability on. NaN for a task that
        is predicted as the estimator does, or by the costs of several classes.
    out_of_fold_ : list of ndarray
        What the estimator expects of every row of `fit`, by models that did not see it:
        (n_samples,) or (n_samples, n_classes) for each column of y. NaN in rows that were not held
        out.
    <task attributes>

    See Also
    --------
    CalibratedTasks : Probabilities that come true as often as they say.
    sklearn.model_selection.TunedThresholdClassifierCV : For one task with complete labels.

    Notes
    -----
    Only `predict` changes. `predict_proba` is that of the estimator, and so is the prediction of
    tasks that are not of two classes. ``class_weight`` is for the estimator: scores are those of
    the labels as they come, with the weights given to `fit`.

    Around `CalibratedTasks`, thresholds are on calibrated probabilities. Inside, its `predict`
    keeps them.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearClassifier, ThresholdTasks, make_multitask_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 4))
    >>> Y = np.where(2 * X[:, :3] + rng.logistic(size=(2000, 3)) > [3, 4, 5], "ill", "healthy")
    >>> Y = np.where(rng.random(Y.shape) < 0.3, None, Y.astype(object))
    >>> train, test = slice(1000), slice(1000, None)
    >>> estimator = MultiTaskLinearClassifier("l2", alpha=1e-3).fit(X[train], Y[train])
    >>> model = ThresholdTasks(estimator).fit(X[train], Y[train])
    >>> model.thresholds_.round(2)
    array([0.29, 0.21, 0.16])
    >>> f1 = make_multitask_scorer("f1")
    >>> [round(f1(fitted, X[test], Y[test]), 2) for fitted in (estimator, model)]
    [0.22, 0.47]
    >>> to_miss_a_case = [[0, 1], [20, 0]]
    >>> ThresholdTasks(estimator, to_miss_a_case).fit(X[train], Y[train]).thresholds_.round(2)
    array([0.04, 0.06, 0.07])
    """

    _parameter_constraints = {
        **HoldsOut._parameter_constraints,
        "scoring": [str, callable, "array-like", dict],
    }

    def __init__(
        self,
        estimator: Any,
        scoring: Any = "f1",
        *,
        cv: Any = 5,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        self._check_has_classes(targets, "thresholds")
        rules = read_rules(self.scoring, targets)
        self.out_of_fold_, part = self._hold_out(X, targets)
        is_one = is_for_all(self.scoring)
        given = self.out_of_fold_, targets, self._plain_counts(targets), part
        self.thresholds_, self._common_threshold = choose_thresholds(*given, rules, is_one=is_one)
        if targets.tasks.is_long:
            unknown = np.isnan(self.thresholds_) & [bool(rule and rule.score) for rule in rules]
            self.thresholds_[unknown] = self._common_threshold
        # Of two classes a threshold says the same.
        self._costs = [rule.costs if rule and rule.score is None else None for rule in rules]
        self._common_costs = self._costs[0] if is_one else None

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        return self._expected_of(self.estimator_, X, self._task_set.tasks)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if tags.classifier_tags is not None:
            # Of more classes, costs have to be given.
            tags.classifier_tags.multi_class = False
        return tags

    @property
    def _is_decided(self) -> list[bool]:
        """Columns of y with decisions of their own."""
        decided = ~np.isnan(self.thresholds_) | [costs is not None for costs in self._costs]
        return [bool(decided.any())] if self._task_set.is_long else decided.tolist()

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> list[Any]:
        tasks = self._task_set.tasks
        expected = self._expected(X, task_index) if expected is None else expected
        found = self._decisions_of(self.estimator_, X, tasks)
        if task_index is None:
            rows: Any = slice(None)
            for k, task in enumerate(tasks):
                self._decide(found[k], rows, task, expected[k], k)
            return found
        for t, rows in enumerate(rows_by_task(task_index, self._task_set.n_tasks)):
            self._decide(found[0], rows, tasks[0], expected[0], t)
        self._decide(found[0], np.flatnonzero(task_index < 0), tasks[0], expected[0], -1)
        return found

    def _decide(self, found: Array, rows: Any, task: Any, expected: Array, t: int) -> None:
        """Put the decisions for rows of a task, -1 an unknown one, in their places."""
        threshold = self.thresholds_[t] if t >= 0 else self._common_threshold
        costs = self._costs[t] if t >= 0 else self._common_costs
        if costs is not None:
            found[rows] = task.classes_[(expected[rows] @ costs).argmin(axis=1)]
        elif not np.isnan(threshold):
            found[rows] = task.classes_[(expected[rows, 1] >= threshold).astype(np.intp)]
