"""Regularised linear models: of any task types, of regression, of classes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl.linear.estimators._docs import ATTRIBUTES, PARAMETERS, SHARED
from skmtl.linear.estimators._linear_model import LinearModel
from skmtl.linear.penalties import PENALTIES, Penalty
from skmtl.linear.solvers import SOLVERS, Solver
from skmtl.tasks import _constraints as constraints

linear = documented(PARAMETERS, ATTRIBUTES, shared=SHARED)


@linear
class MultiTaskLinear(LinearModel):
    r"""Regularised linear model of many tasks: scores, yes/no answers, classes and counts.

    Minimises over coefficients :math:`w_t` and intercepts :math:`b_t`

    .. math:: \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \,
        \ell_t(y_{ti}, x_i' w_t + b_t) + \alpha \, \Omega(W)
        + \frac{\sigma T}{2} \|w_0\|^2 + \frac{\iota}{2} \sum_t (b_t - \bar b)^2

    where s are the weights of the labels, 0 where unobserved, :math:`\omega` is
    ``task_weight``, :math:`\Omega` the penalty, :math:`\sigma` is ``shared_alpha``, for what the T
    tasks share, and :math:`\iota` is ``intercept_alpha``.
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
        "penalty": [StrOptions({"auto", *PENALTIES}), Penalty],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        **constraints.TASKS,
        **constraints.CLASS_WEIGHT,
        "center": ["boolean"],
        "shared_alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="both")],
        **constraints.TASK_WEIGHT,
        "scale_targets": [StrOptions({"auto"}), "boolean"],
        "positive": ["boolean"],
        "solver": [StrOptions({"auto", *(solver.name for solver in SOLVERS)}), Solver],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        penalty: str | Penalty = "auto",
        *,
        alpha: float | str = "auto",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        class_weight: Any = None,
        center: bool = False,
        shared_alpha: float | str = "auto",
        fit_intercept: bool = True,
        intercept_alpha: float | str = "auto",
        task_weight: Any = None,
        scale_targets: bool | str = "auto",
        positive: bool = False,
        solver: str | Solver = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.class_weight = class_weight
        self.center = center
        self.shared_alpha = shared_alpha
        self.fit_intercept = fit_intercept
        self.intercept_alpha = intercept_alpha
        self.task_weight = task_weight
        self.scale_targets = scale_targets
        self.positive = positive
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start


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


@linear
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
