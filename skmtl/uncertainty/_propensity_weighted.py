"""Labels that are missing depending on X: those observed stand for others like them."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any

from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skmtl._docstrings import documented
from skmtl._innermost import final_estimator
from skmtl.compose._meta import NestingEstimator, fit_prepared
from skmtl.compose._single_task import survival_of
from skmtl.compose._stack_members import read_members
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._propensities import Propensities, default_estimator

Array = NDArray[Any]


@documented("", "", shared="what the estimator shares.")
class PropensityWeighted(NestingEstimator):
    r"""Inverse propensity weighting: an estimator of all rows, from labels that only some have.

    Where it depends on X whether a label is observed, because some patients are tested and some
    assays are run on promising molecules only, a fit to the observed labels is one to rows like
    theirs. Here models learn per task how probable it is that a label is observed, the propensity
    :math:`\pi_t(x)`, and every observed label is given to the estimator with the weight

    .. math:: w_{ti} \propto 1 / \pi_t(x_i), \qquad \text{mean } 1, \text{ at most } \sqrt{n_t},

    for :math:`n_t` labels, times its own. The fit is then one to all rows, as far as labels are
    missing at random given X [1]_; as they are for a rating that people give to what they chose
    [2]_. Propensities are predicted by models that did not see the row, and calibrated.

    Parameters
    ----------
    estimator : estimator
        Learns the tasks with these weights: an estimator of this package, or a pipeline or search
        that ends in one; or one of scikit-learn, which is fitted to each task's own rows, as
        `IndependentTasks` does. What it would say of ``tasks``, ``task_feature`` and
        ``unknown_task`` is said here.
    propensity : estimator, default=None
        Predicts from X which labels are observed, tasks with two classes: whatever
        `CalibratedTasks` takes. By default `MultiTaskLinearClassifierCV`, of standardised features
        in wide form: missingness that is not linear in X is for a network, or trees.
    cv : int, splitter, iterable or None, default=5
        Rows that propensities are predicted for by models that did not see them.
    <task parameters>
    n_jobs : int, default=None
        Number of folds fitted at the same time, by joblib. Results do not depend on it.

    Attributes
    ----------
    estimator_ : estimator
        Fitted with the weights.
    propensity_ : CalibratedTasks
        Calibrated probabilities that the labels of a row are observed, of the tasks of which some
        are missing, by position. None where no label is.
    label_weights_ : ndarray of shape (n_samples, n_tasks), or (n_samples,)
        What the propensities made of the weights of the labels in `fit`, 0 where unobserved.
    <task attributes>

    See Also
    --------
    skmtl.uncertainty.propensity_weights : The weights by themselves, for a fit, a score or
        `ConformalTasks`.

    Notes
    -----
    A task without missing labels has weights of 1. Rows without any label, which have no effect on
    other estimators, tell which labels are missing; all rows count alike in that. Weights make a
    fit noisier: where the estimator can follow the truth everywhere, and labels are missing
    depending on X alone, it needs none. None help where it depends on the label itself whether it
    is observed.

    References
    ----------
    .. [1] R. J. A. Little and D. B. Rubin, "Statistical analysis with missing data", 3rd edition,
       Wiley 2019, section 3.3.
    .. [2] T. Schnabel, A. Swaminathan, A. Singh, N. Chandak and T. Joachims, "Recommendations as
       treatments: debiasing learning and evaluation", ICML 2016, eq. 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear, PropensityWeighted
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 1))
    >>> Y = X**2 + rng.normal(size=(2000, 2))  # the best line is level
    >>> Y[rng.random(Y.shape) > 1 / (1 + np.exp(-X))] = np.nan
    >>> linear = MultiTaskLinear("l2", alpha=1e-6)
    >>> linear.fit(X, Y).coef_.round(1).ravel()
    array([0.9, 0.9])
    >>> PropensityWeighted(linear).fit(X, Y).estimator_.coef_.round(1).ravel()
    array([0. , 0.2])
    """

    _parameter_constraints = {
        **NestingEstimator._parameter_constraints,
        "propensity": [HasMethods(["fit"]), None],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any,
        propensity: Any = None,
        *,
        cv: Any = 5,
        tasks: Any = "auto",
        task_feature: Any = None,
        unknown_task: Any = "error",
        class_weight: Any = None,
        n_jobs: Any = None,
    ) -> None:
        self.estimator = estimator
        self.propensity = propensity
        self.cv = cv
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _fit(self, X: Any, targets: Targets) -> None:
        is_long = targets.tasks.is_long
        propensity = self.propensity
        propensity = default_estimator(is_long=is_long) if propensity is None else propensity
        names = ("cv", "task_feature", "unknown_task", "n_jobs")
        options = {name: getattr(self, name) for name in names}
        self._propensities = Propensities.fit(propensity, X, targets, options)
        self.propensity_ = self._propensities.model
        self.label_weights_ = self._propensities.weights.reshape(targets.weights.shape)
        weighted = replace(targets, weights=targets.weights * self.label_weights_)
        (member,) = read_members([("estimator", self.estimator)], targets.tasks)
        self.estimator_ = fit_prepared(*self._prepare(X, weighted, given=member.template))

    def label_weights(self, X: Any) -> Array:
        """What labels of these rows would weigh.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        weights : ndarray of shape (n_samples, n_tasks), or (n_samples,) if y was 1-D in `fit`
            Inverse propensities over their mean in the labels of `fit`.
        """
        check_is_fitted(self)
        X, task_index = self._read_new(X)
        tasks = self._task_set
        weights = self._propensities.of_rows(X, len(tasks.tasks), task_index)
        return weights[:, 0] if tasks.is_1d or tasks.is_long else weights

    def _expected(self, X: Any, task_index: Any) -> list[Any]:
        return self._expected_of(self.estimator_, X, self._task_set.tasks)

    def _decisions(self, X: Any, task_index: Any, expected: Any = None) -> list[Any]:
        return self._decisions_of(self.estimator_, X, self._task_set.tasks)

    def _survival(self, X: Any, task_index: Any, times: Array) -> list[Any]:
        found = survival_of(self.estimator_, X, times)
        return found if isinstance(found, list) else [found]

    def _check_survival(self) -> None:
        final_estimator(self.estimator_)._check_survival()
