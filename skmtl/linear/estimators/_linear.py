"""The public linear estimators: a docstring, and which parts."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._base import MultiTaskClassifierMixin, MultiTaskEstimator, MultiTaskRegressorMixin
from skmtl._docstrings import documented
from skmtl.linear.estimators._docs import ATTRIBUTES, CLASSIFIER_PARAMETERS, PARAMETERS, SHARED
from skmtl.linear.estimators._zero import warn_of_zero
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._design import LongDesign
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import read_penalty
from skmtl.linear.objective._training_data import learnable, learnable_outputs, learnable_tasks
from skmtl.linear.penalties import PENALTIES, Penalty
from skmtl.linear.solvers._fit import fit_linear
from skmtl.linear.solvers._select import SOLVERS
from skmtl.tasks import Task

linear = documented(PARAMETERS, ATTRIBUTES, shared=SHARED)
linear_classifier = documented(CLASSIFIER_PARAMETERS, ATTRIBUTES, shared=SHARED)

CHOOSERS = {
    "any": "MultiTaskLinearCV",
    "regression": "MultiTaskLinearRegressorCV",
    "classification": "MultiTaskLinearClassifierCV",
}
"""What chooses alpha, by the types of task."""


@linear
class MultiTaskLinear(MultiTaskEstimator):
    r"""Regularised linear model of many tasks: scores, yes/no answers, classes and counts.

    Minimises over coefficients :math:`w_t` and intercepts :math:`b_t`

    .. math:: \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \,
        \ell_t(y_{ti}, x_i' w_t + b_t) + \alpha \, \Omega(W)
        + \frac{\iota}{2} \sum_t (b_t - \bar b)^2

    where s are the weights of the labels, 0 where unobserved, :math:`\omega` is
    ``task_weight``, :math:`\Omega` the penalty and :math:`\iota` is ``intercept_alpha``.
    The loss is :math:`\frac12 (y - f)^2` for regression, log loss for classes, Poisson for
    counts; all tasks of a fit share one penalty over all columns. The solution comes with a
    certificate, ``dual_gap_``.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : A neural network with a trunk shared by the tasks.
    IndependentTasks : The baseline that shares nothing.

    Notes
    -----
    Fits are computed in float64 whatever the dtype of X.

    :class:`sklearn.feature_selection.SelectFromModel` keeps the features above the mean
    importance by default, and all that are not 0 only for classes it knows by name and for
    ``penalty="l1"``. For the features that any other penalty selects, set its ``threshold=1e-5``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> Y = np.array([[0.5, 0], [1.5, np.nan], [np.nan, 1], [3.5, 1]])
    >>> model = MultiTaskLinear("l2", alpha=1e-3, tasks=["regression", "binary"]).fit(X, Y)
    >>> model.predict([[2.0]]).round(1)
    array([[2.5, 1. ]])
    """

    _parameter_constraints = {
        "penalty": [StrOptions(set(PENALTIES)), Penalty],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "tasks": [str, Task, "array-like", dict],
        "task_feature": [Integral, str, None],
        "unknown_task": [StrOptions({"error", "shared"})],
        "center": ["boolean"],
        "fit_intercept": ["boolean"],
        "intercept_alpha": [Interval(Real, 0, None, closed="both")],
        "task_weight": [StrOptions({"labels"}), "array-like", dict, None],
        "scale_targets": [StrOptions({"auto"}), "boolean"],
        "positive": ["boolean"],
        "solver": [StrOptions(set(SOLVERS))],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        penalty="l21",
        *,
        alpha=1.0,
        tasks="auto",
        task_feature=None,
        unknown_task="error",
        center=False,
        fit_intercept=True,
        intercept_alpha=0.0,
        task_weight=None,
        scale_targets="auto",
        positive=False,
        solver="auto",
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
    ):
        self.penalty = penalty
        self.alpha = alpha
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.center = center
        self.fit_intercept = fit_intercept
        self.intercept_alpha = intercept_alpha
        self.task_weight = task_weight
        self.scale_targets = scale_targets
        self.positive = positive
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start

    @property
    def _standardize(self):
        return "mixed" if self.scale_targets == "auto" else self.scale_targets

    @property
    def _about_zero(self):
        return not self.fit_intercept

    def _fit(self, X, targets):
        penalty = read_penalty(self, targets.tasks, X.shape[1])
        outputs = learnable_outputs(targets.tasks)
        warm = self._warm_coefficients(X.shape[1], outputs, len(penalty.parts()))
        for name in ("shared_coef_", "coef_components_", "task_covariance_"):
            self.__dict__.pop(name, None)
        if not outputs.any():
            targets.task_weights(self.task_weight)  # a wrong one is an error all the same
            self.dual_gap_, self.n_iter_ = 0.0, 1
            self._publish_coefficients(X.shape[1], outputs, None)
            return
        X, labelled, label_weights = learnable(X, targets, self.task_weight)
        kept = np.flatnonzero(learnable_tasks(targets.tasks))
        penalty = penalty.for_tasks(kept, targets.tasks.n_tasks)
        options = FitOptions.of(self)
        fitted = fit_linear(X, labelled, label_weights, penalty, options, warm)
        self.dual_gap_, self.n_iter_ = fitted.gap, fitted.n_iter
        if fitted.task_covariance is not None:
            self.task_covariance_ = fitted.task_covariance
        self._publish_coefficients(X.shape[1], outputs, fitted)
        if not fitted.W.any():
            largest, _ = alpha_max(X, labelled, label_weights, penalty, options)
            chooser = CHOOSERS[self._kind]
            warn_of_zero(self.alpha, largest, X, labelled.values, tol=self.tol, chooser=chooser)

    def _publish_coefficients(self, n_features, outputs, fitted):
        """Set coefficients, intercepts and what is shared, in the units of y."""
        tasks = self._task_set
        scale, location = _output_units(tasks)
        coef, intercept = np.zeros((len(outputs), n_features)), np.zeros(len(outputs))
        if fitted is not None:
            coef[outputs], intercept[outputs] = fitted.W.T, fitted.b
        self.coef_ = coef * scale[:, None]
        self.intercept_ = intercept * scale + location
        for task in tasks.tasks:
            if hasattr(task, "scale_"):
                # From here on raw scores are in the units of y.
                task.location_, task.scale_ = 0.0, 1.0
        if fitted is not None and fitted.components is not None:
            self.coef_components_ = np.zeros((len(fitted.components), *coef.shape))
            self.coef_components_[:, outputs] = fitted.components.swapaxes(1, 2)
            self.coef_components_ *= scale[:, None]
        shared_W = None if fitted is None else fitted.shared_W
        if shared_W is not None or tasks.is_long:
            self._publish_shared(shared_W, outputs, scale)

    def _publish_shared(self, shared_W, outputs, scale):
        """Set what an unknown task is predicted with."""
        tasks = self._task_set
        n_classes = tasks.tasks[0].n_outputs_ if tasks.is_long else shared_W.shape[1]
        # There are no outputs where all labels are of one class.
        n_fitted = np.count_nonzero(learnable_tasks(tasks))
        self._shared_intercept = self.intercept_[outputs].reshape(n_fitted, n_classes).mean(axis=0)
        if shared_W is None:
            by_task = self.coef_[outputs].reshape(n_fitted, n_classes, self.coef_.shape[1])
            shared = by_task.mean(axis=0)
        else:
            shared = shared_W.T * (scale[0] if tasks.is_long else 1.0)
        self.shared_coef_ = shared[0] if len(shared) == 1 else shared

    def _warm_coefficients(self, n_features, outputs, n_parts):
        """Coefficients of the previous fit and their parts, where they fit and are wanted."""
        if not self.warm_start or np.shape(getattr(self, "coef_", None)) != (
            len(outputs),
            n_features,
        ):
            return None
        scale, location = _output_units(self._task_set)
        W, b = self.coef_.T / scale, (self.intercept_ - location) / scale
        parts = getattr(self, "coef_components_", ())
        if len(parts) != n_parts:
            return W[:, outputs], b[outputs]
        return W[:, outputs], b[outputs], (parts.swapaxes(1, 2) / scale)[:, :, outputs]

    def _expected(self, X, task_index):
        X = X.astype(np.float64, copy=False)
        if task_index is None:
            return self._task_set.inverse_link(X @ self.coef_.T + self.intercept_)
        # One task more, the shared part: where the index is -1, an unknown task.
        n_tasks = self._task_set.n_tasks
        shared = np.atleast_2d(self.shared_coef_)
        W = np.vstack([self.coef_, shared]).T
        b = np.concatenate([self.intercept_, self._shared_intercept])
        index = np.where(task_index < 0, n_tasks, task_index)
        design = LongDesign(X, index, n_tasks + 1, np.zeros(X.shape[1]))
        return self._task_set.inverse_link(design.forward(W, b), task_index)


def _output_units(tasks):
    """Scale and location of every output, from standardised to the units of y."""
    scale, location = (
        np.concatenate(
            [np.full(task.n_outputs_, getattr(task, name, default)) for task in tasks.tasks]
        )
        for name, default in (("scale_", 1.0), ("location_", 0.0))
    )
    if tasks.is_long:
        scale, location = np.tile(scale, tasks.n_tasks), np.tile(location, tasks.n_tasks)
    return scale, location


@linear
class MultiTaskLinearRegressor(MultiTaskRegressorMixin, MultiTaskLinear):
    r"""Regularised linear regression of many tasks.

    `MultiTaskLinear` where every task is regression: y may hold any numbers, NaN where
    unobserved, and `score` is the mean R2 of the tasks.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLinear : The same for any task types, with the objective.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearRegressor
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> Y = np.array([[0.0, 1.0], [1.0, np.nan], [2.0, 5.0], [np.nan, 7.0]])
    >>> MultiTaskLinearRegressor("l2", alpha=0.0).fit(X, Y).predict([[4.0]])
    array([[4., 9.]])
    """


@linear_classifier
class MultiTaskLinearClassifier(MultiTaskClassifierMixin, MultiTaskLinear):
    r"""Regularised logistic and softmax regression of many tasks.

    `MultiTaskLinear` where every task has classes: y may hold any labels, NaN or None where
    unobserved, and `score` is the mean accuracy of the tasks. With missing labels, give
    scikit-learn's searches an explicit splitter (``cv=KFold(5)``): for a classifier and an
    integer ``cv`` they refuse NaN before any fit.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLinear : The same for any task types, with the objective.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> Y = np.array([[0, np.nan], [0, 1], [1, 1], [1, 0]])
    >>> MultiTaskLinearClassifier("l2", alpha=1e-2).fit(X, Y).predict([[0.0], [3.0]])
    array([[0, 1],
           [1, 0]])
    """

    def __init__(
        self,
        penalty="l21",
        *,
        alpha=0.01,
        tasks="auto",
        task_feature=None,
        unknown_task="error",
        center=False,
        fit_intercept=True,
        intercept_alpha=0.0,
        task_weight=None,
        scale_targets="auto",
        positive=False,
        solver="auto",
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
    ):
        super().__init__(
            penalty,
            alpha=alpha,
            tasks=tasks,
            task_feature=task_feature,
            unknown_task=unknown_task,
            center=center,
            fit_intercept=fit_intercept,
            intercept_alpha=intercept_alpha,
            task_weight=task_weight,
            scale_targets=scale_targets,
            positive=positive,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
        )
