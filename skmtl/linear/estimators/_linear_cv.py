"""The public linear estimators that choose alpha by cross-validation."""

from contextlib import nullcontext
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from skmtl._base import MultiTaskClassifierMixin, MultiTaskRegressorMixin, all_or_nothing
from skmtl._docstrings import documented
from skmtl._warnings import chosen_alpha
from skmtl.linear.cross_validation._search import Search, choose
from skmtl.linear.estimators._cv_docs import CV_ATTRIBUTES, CV_PARAMETERS
from skmtl.linear.estimators._docs import SHARED
from skmtl.linear.estimators._linear import (
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
)
from skmtl.linear.objective._parameters import read_penalty

linear_cv = documented(CV_PARAMETERS, CV_ATTRIBUTES, shared=SHARED)

OF_KIND = {
    "any": MultiTaskLinear,
    "regression": MultiTaskLinearRegressor,
    "classification": MultiTaskLinearClassifier,
}
NOT_FITTED_WITH_ALPHA = ("alphas", "eps", "cv", "scoring", "grid", "selection", "n_jobs", "verbose")


@linear_cv
class MultiTaskLinearCV(MultiTaskLinear):
    r"""`MultiTaskLinear` with alpha, and what else is asked, chosen by cross-validation.

    In every fold the fits go from the largest alpha to the smallest, each from the solution
    before; where the loss is squared they share statistics that are read from the rows once,
    and the score of a fold comes from statistics too. The best parameters are then fitted to
    all data.

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
    from the largest alpha).

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
            if name not in ("alpha", "warm_start")
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
        penalty="l21",
        *,
        alphas=100,
        eps=1e-3,
        cv=None,
        scoring=None,
        grid=None,
        selection="best",
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
        n_jobs=None,
        verbose=False,
    ):
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
        self.center = center
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

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose the parameters by cross-validation, then fit them to all observed labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features. In long form (``task_feature`` given) one column says which task a row
            belongs to.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved. One label a row in
            long form.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in fitting and in scoring. A weight of 0 is the same as an
            unobserved label.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are never parted: by a number, and by splitters that want groups.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X has NaN or infinity, no label is observed, labels do not fit their task type,
            or no fold can be scored.
        """
        self._validate_params()
        with all_or_nothing(self):
            for name in [name for name in vars(self) if name.endswith("_")]:
                delattr(self, name)
            X_read, task_column = self._read_X(X, reset=True)
            targets = self._read_y(X_read, y, task_column, sample_weight)
            self._publish(targets.tasks)
            search = Search(self, X, X_read, y, task_column, sample_weight, targets)
            models = [self._model(params, targets.tasks) for params in search.params]
            for model in models:  # what is wrong is an error before any fit
                read_penalty(model, targets.tasks, X_read.shape[1])
            search.run(models, groups)
            self._publish_search(search)
            row, column = choose(search.score_path, self.selection, search.advice)
            alpha = float(search.alphas[row][column])
            self.best_params_ = {**search.params[row], "alpha": alpha}
            self.alpha_ = alpha
            self._refit(self._model(self.best_params_, targets.tasks), search)
        return self

    def _model(self, params, tasks):
        """The model with some parameters, and the types of the tasks of all data."""
        model = OF_KIND[self._kind]()
        own = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in NOT_FITTED_WITH_ALPHA
        }
        penalty = clone(params.get("penalty", self.penalty), safe=False)
        model.set_params(**{**own, "penalty": penalty})
        model.set_params(**{name: value for name, value in params.items() if name != "penalty"})
        types = [clone(task) for task in tasks.tasks]
        model.set_params(tasks=types[0] if tasks.is_1d or tasks.is_long else types)
        model._validate_params()
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(model, name, getattr(self, name))
        return model

    def _publish_search(self, search):
        """Set what the search found, without the axis of the parameters where there is one."""
        has_grid = self.grid is not None
        self.alphas_ = search.alphas if has_grid else search.alphas[0]
        if np.ndim(self.alphas):
            self.alphas_ = search.alphas[0]
        self.params_ = search.params
        self.score_path_ = search.score_path
        if not self._task_set.is_long:
            self.task_score_path_ = search.task_score_path
        if search.all_regression:
            self.mse_path_ = search.mse_path if has_grid else search.mse_path[0]

    def _refit(self, model, search):
        """Fit to all data, and take over what was learned."""
        targets = search.targets_of(model)
        model._publish(targets.tasks)
        # Scores that do not depend on alpha: all that were given are too large.
        is_forced = np.ndim(self.alphas) and not np.nanmax(np.ptp(search.score_path, axis=1))
        with nullcontext() if is_forced else chosen_alpha():
            model._fit(search.data.X, targets)
        parameters = model.get_params(deep=False)
        for name, value in vars(model).items():
            if name not in parameters:
                setattr(self, name, value)
        self._publish(targets.tasks)


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
