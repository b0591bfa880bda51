"""Class probabilities that come true as often as they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import StrOptions

from skmtl._docstrings import documented
from skmtl._innermost import final_estimator
from skmtl._predicts import Predicts
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._calibration import fit_calibration
from skmtl.uncertainty._calibration_map import METHODS
from skmtl.uncertainty._held_out import HoldsOut

Array = NDArray[Any]


@documented("", "", shared="what the estimator shares, calibrated by what the tasks share.")
class CalibratedTasks(HoldsOut):
    r"""Class probabilities of an estimator, calibrated per task on rows that it has not seen.

    Models that did not see a row say what they expect of its labels; a map per task brings these
    probabilities :math:`p_k` of K classes to the observed labels. The estimator, fitted to all
    rows, is used with the map:

    .. math:: p'_k \propto \left( (1 - \varepsilon) p_k + \varepsilon / K \right)^{a_t} e^{b_{tk}},
        \qquad a_t > 0,

    followed by isotonic regression as far as it is of use. Slopes :math:`a_t` and shifts
    :math:`b_{tk}` of tasks with few labels, or few of a class, are drawn to those of all tasks
    together, as far as the tasks are alike (empirical Bayes). Rows keep their order by p: the ROC
    AUC of a task with two classes stays. Tasks without classes pass through.

    Parameters
    ----------
    estimator : estimator
        Predicts probabilities: an estimator of this package, or a pipeline or search that ends in
        one; or a classifier of scikit-learn, which is fitted to each task's own rows, as
        `IndependentTasks` does. One in a :class:`~sklearn.frozen.FrozenEstimator` is fitted
        already: all rows given here are then for calibration. What it would say of ``tasks``,
        ``task_feature`` and ``unknown_task`` is said here.
    method : {"auto", "temperature", "platt", "isotonic"}, default="auto"
        "temperature": slopes without shifts [1]_. "platt": slopes and shifts, of two classes Platt
        scaling of log-odds [2]_. "isotonic": besides, isotonic regression of each class [3]_,
        averaged with the map before it so that there are no new ties. "auto": the same where
        log loss of labels that the maps have not seen finds it better, else "platt".
    cv : int, splitter, iterable, None or "prefit", default=5
        Rows that are held out. A number: shuffled folds that spread the labels of every task and
        class; None: 5. An estimator that holds rows out in its own fit, as the searches of this
        package and `TaskStacking` do (``out_of_fold_``), is then not fitted again for them. A
        splitter, or an iterable of training and test rows, holds for all. "prefit" is the same as
        a FrozenEstimator.
    <task parameters>
    n_jobs : int, default=None
        Number of folds fitted at the same time, by joblib. Results do not depend on it.

    Attributes
    ----------
    estimator_ : estimator
        Fitted to all rows.
    temperatures_ : ndarray of shape (n_tasks,)
        :math:`1 / a_t`: above 1 where the estimator was too sure. NaN for tasks that pass through:
        those without classes, or with labels of one class only.
    out_of_fold_ : list of ndarray
        Calibrated probabilities of every row of `fit`, by models and maps that did not see it:
        (n_samples, n_classes) for each column of y; what is expected of tasks without classes. NaN
        in rows that were not held out.
    <task attributes>

    See Also
    --------
    ThresholdTasks : What to predict, given probabilities.
    skmtl.metrics.expected_calibration_error : How far off probabilities are.
    sklearn.calibration.CalibratedClassifierCV : For one task with complete labels.

    Notes
    -----
    `predict` is the most probable class, unless the estimator has a rule of its own for the task, a
    threshold for example: then it is what the estimator predicts.

    Probabilities are calibrated to the labels as they come, with the weights given to `fit`:
    ``class_weight`` is for the estimator, and for `predict`, where a class counts with its
    probability times its weight, as a mistake costs [4]_. A task with an order of classes keeps it:
    one map serves the probabilities of all "at least this class". In long form tasks without labels
    and unknown tasks have the map that all have in common.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017, section 4.2.
    .. [2] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin
       Classifiers, 1999, eq. 1.
    .. [3] B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass
       probability estimates", KDD 2002.
    .. [4] C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmtl import CalibratedTasks, IndependentTasks
    >>> from skmtl.metrics import expected_calibration_error
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(600, 1))
    >>> X = signal + 0.1 * rng.normal(size=(600, 5))  # five times the same: too sure
    >>> Y = np.where(signal + rng.logistic(size=(600, 3)) > [0, 1, 2], 1.0, 0.0)
    >>> Y[:300][rng.random((300, 3)) < 0.5] = np.nan
    >>> for model in (IndependentTasks(classifier=GaussianNB()), CalibratedTasks(GaussianNB())):
    ...     p = model.fit(X[:300], Y[:300]).predict_proba(X[300:])
    ...     print(round(expected_calibration_error(Y[300:], p), 2))
    0.24
    0.05
    """

    _parameter_constraints = {
        **HoldsOut._parameter_constraints,
        "method": [StrOptions(set(METHODS))],
    }

    def __init__(
        self,
        estimator: Any,
        method: str = "auto",
        *,
        cv: Any = 5,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        self._check_has_classes(targets, "probabilities")
        expected, part = self._hold_out(X, targets)
        counts = self._plain_counts(targets)
        self._calibration, self.out_of_fold_ = fit_calibration(
            expected, targets, counts, part, self.method
        )
        self.temperatures_ = 1.0 / self._calibration.slopes(targets.tasks)
        self._has_own_rule = self._find_rules(X, targets.tasks.tasks)

    def _find_rules(self, X: Any, tasks: Any) -> list[bool]:
        """Columns of y of which the estimator does not predict the most probable class."""
        final = final_estimator(self.estimator_)
        if type(final)._decisions is Predicts._decisions:
            return [False] * len(tasks)
        decisions = self._decisions_of(self.estimator_, X, tasks)
        expected = self._expected_of(self.estimator_, X, tasks)
        has_rule = [
            task.is_classification and bool((decided != task.decode(of_task)).any())
            for task, decided, of_task in zip(tasks, decisions, expected, strict=True)
        ]
        told = getattr(final, "_is_decided", has_rule)
        return [found or known for found, known in zip(has_rule, told, strict=True)]

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        expected = self._expected_of(self.estimator_, X, self._task_set.tasks)
        return self._calibration(expected, task_index)

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> list[Any]:
        tasks = self._task_set.tasks
        if all(self._has_own_rule):
            return self._decisions_of(self.estimator_, X, tasks)
        expected = self._expected(X, task_index) if expected is None else expected
        weighed = [_weighed(*pair) for pair in zip(tasks, expected, strict=True)]
        found = super()._decisions(X, task_index, weighed)
        if not any(self._has_own_rule):
            return found
        own = self._decisions_of(self.estimator_, X, tasks)
        pairs = zip(self._has_own_rule, own, found, strict=True)
        return [decided if is_own else usual for is_own, decided, usual in pairs]


def _weighed(task: Any, expected: Any) -> Any:
    """Probabilities times the weights of the classes: what a mistake costs."""
    if not task.is_classification:
        return expected
    return expected * task.label_weight(np.arange(len(task.classes_)))
