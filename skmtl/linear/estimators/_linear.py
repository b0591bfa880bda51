"""Regularised linear models: of any task types, of regression, of classes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl.linear.estimators._docs import ATTRIBUTES, PARAMETERS, SHARED, STREAM_ATTRIBUTES
from skmtl.linear.estimators._linear_model import LinearModel
from skmtl.linear.estimators._streaming import Streaming
from skmtl.linear.penalties import PENALTIES, Penalty
from skmtl.linear.solvers import SOLVERS, Solver
from skmtl.tasks import _constraints as constraints

linear = documented(PARAMETERS, ATTRIBUTES.rstrip() + STREAM_ATTRIBUTES, shared=SHARED)


@linear
class MultiTaskLinear(Streaming, LinearModel):
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
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
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
        half_life: float | None = None,
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
        self.half_life = half_life

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Add rows to all those so far, and fit the model to all of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; any may be missing.
        classes : array-like, list of array-like or dict {task: classes}, default=None
            First call only: all classes that will come. A flat list holds for all tasks; a list
            of lists has an entry for each task, None for regression; a dict names tasks, the
            others have the classes of the first call, as all have by default.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The estimator of all rows so far.

        Raises
        ------
        ValueError
            If a later call has other tasks or columns, or a class that the first one did
            not know.

        Notes
        -----
        Where all losses are squared, `TaskStatistics` are kept of earlier rows, in
        ``statistics_``: in whatever chunks rows come, the result is that of one `fit` to all of
        them. Of other losses (classes, counts, Huber's) a quadratic model is kept: what is
        minimised is the loss of the chunk, exactly, and that of each earlier one to second order
        around what was found then. The first chunk gives what `fit` does; later on coefficients
        are close to those of `fit`, and the closer, the larger the chunks are.

        The weights of a task's labels are over their sum so far. Strengths that are "auto" are
        those of all rows so far; of other losses than squared, from working labels. With
        ``half_life`` rows weigh less, the older they are. In long form tasks may come at any time,
        otherwise a task may be without labels as long as it has a column.

        Every chunk is predicted before it is learned: ``history_`` tells how well. After `fit`,
        which keeps nothing of its rows, this begins anew, and warns.
        """
        return self._partial_fit(X, y, classes, sample_weight)


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
