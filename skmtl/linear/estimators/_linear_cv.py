"""Regularised linear models that choose alpha by cross-validation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl.linear.estimators._cv_docs import CV_ATTRIBUTES, CV_PARAMETERS
from skmtl.linear.estimators._docs import SHARED
from skmtl.linear.estimators._linear import MultiTaskLinear
from skmtl.linear.estimators._linear_search import LinearSearch
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers import Solver

linear_cv = documented(CV_PARAMETERS, CV_ATTRIBUTES, shared=SHARED)


@linear_cv
class MultiTaskLinearCV(LinearSearch):
    r"""`MultiTaskLinear` with alpha, and what else is asked, chosen by cross-validation.

    In every fold the fits go from the largest alpha to the smallest, each from the solution
    before; where the loss is squared they share statistics that are read from the rows once,
    and the score of a fold comes from statistics too. Other losses with penalty "l2" are one
    problem for all folds, where there are few rows. The best parameters are then fitted to all
    data.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLinear : The model, with the objective.
    sklearn.linear_model.MultiTaskLassoCV : For complete labels and penalty "l21".

    Notes
    -----
    Types of the tasks are read from all of y, then hold in every fold. A fold without any label
    to train or to score on does not count. In long form the rows of a task that is not in
    training are scored only with ``unknown_task="shared"``; where scores then rest on less than
    half of the held-out labels, a warning says so.

    References
    ----------
    T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning", 2nd ed.,
    Springer 2009, section 7.10 (cross-validation and the one-standard-error rule).

    J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear models
    via coordinate descent", Journal of Statistical Software 33, 2010, section 2.5 (warm starts
    from the largest alpha; paths that end before their last one, there by the deviance of the
    training data).

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 8))
    >>> Y = X[:, :2] @ rng.normal(size=(2, 3)) + 0.5 * rng.normal(size=(60, 3))
    >>> Y[rng.random(Y.shape) < 0.3] = np.nan
    >>> best = MultiTaskLinearCV(alphas=20).fit(X, Y)
    >>> simple = MultiTaskLinearCV(alphas=20, selection="one_standard_error").fit(X, Y)
    >>> best.alpha_ < simple.alpha_
    True
    >>> search = MultiTaskLinearCV(
    ...     "mean_deviation", alphas=20, grid={"intercept_alpha": [0, np.inf]}
    ... )
    >>> sorted(search.fit(X, Y).best_params_)
    ['alpha', 'intercept_alpha']
    >>> search.score_path_.shape
    (2, 20, 5)
    """

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in MultiTaskLinear._parameter_constraints.items()
            if name not in ("alpha", "warm_start", "half_life")
        },
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "eps": [Interval(Real, 0, 1, closed="neither")],
        "cv": ["cv_object"],
        "scoring": [str, callable, HasMethods("__call__"), None],
        "grid": [dict, list, None],
        "selection": [StrOptions({"best", "one_standard_error"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        penalty: str | Penalty = "auto",
        *,
        alphas: Any = 100,
        eps: float = 1e-3,
        cv: Any = None,
        scoring: Any = None,
        grid: Any = None,
        selection: str = "best",
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
        n_jobs: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.penalty = penalty
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.grid = grid
        self.selection = selection
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
        self.n_jobs = n_jobs
        self.verbose = verbose


@linear_cv
class MultiTaskLinearRegressorCV(MultiTaskRegressorMixin, MultiTaskLinearCV):
    r"""`MultiTaskLinearRegressor` with alpha chosen by cross-validation.

    `MultiTaskLinearCV` where every task is regression: y may hold any numbers, NaN where
    unobserved, and the score is the mean R2 of the tasks.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLinearCV : The same for any task types, with notes and references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearRegressorCV
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> Y = np.hstack([X, 2 * X + 1])
    >>> Y[::3, 0] = np.nan
    >>> MultiTaskLinearRegressorCV("l2", alphas=[1e-8, 1.0]).fit(X, Y).alpha_
    1e-08
    """


@linear_cv
class MultiTaskLinearClassifierCV(MultiTaskClassifierMixin, MultiTaskLinearCV):
    r"""`MultiTaskLinearClassifier` with alpha chosen by cross-validation.

    `MultiTaskLinearCV` where every task has classes: y may hold any labels, NaN or None where
    unobserved, and the score is the mean accuracy of the tasks.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLinearCV : The same for any task types, with notes and references.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearClassifierCV
    >>> X = np.linspace(-1, 1, 20).reshape(-1, 1)
    >>> Y = np.hstack([X > 0, X > 0.3]).astype(float)
    >>> Y[::5, 1] = np.nan
    >>> model = MultiTaskLinearClassifierCV("l2", alphas=[1e-4, 10.0], cv=4).fit(X, Y)
    >>> model.predict([[-0.9], [0.9]])
    array([[0, 0],
           [1, 1]])
    """
