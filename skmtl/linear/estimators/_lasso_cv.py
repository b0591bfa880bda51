"""Scikit-learn's `MultiTaskLassoCV` and `MultiTaskElasticNetCV`, with missing labels."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import enet_path, lasso_path
from sklearn.model_selection import check_cv
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)

from skmtl._base import all_or_nothing
from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE
from skmtl.linear.cross_validation._fold_scores import scores_from_statistics
from skmtl.linear.cross_validation._fold_statistics import fold_statistics, folds_fit
from skmtl.linear.cross_validation._path import PathModel
from skmtl.linear.estimators._elastic_net import ElasticNetProblem, path_margin
from skmtl.linear.estimators._lasso import SOLUTION, Twin
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import read_alphas
from skmtl.linear.penalties import ElasticNet
from skmtl.model_selection._held_out import count_scored, warn_of_little

PARAMETERS = """
    eps : float, default=1e-3
        Ratio of the smallest to the largest alpha.
    alphas : int or array-like, default=100
        Number of alphas on a geometric grid, which starts from the smallest that makes all
        coefficients 0; or the alphas themselves.
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
    max_iter : int, default=1000
        Largest number of sweeps over the coefficients for an alpha.
    tol : float, default=1e-4
        Stop when the duality gap, times n_samples, is at most ``tol`` times the sum of squares
        of y (centred if there are intercepts).
    cv : int, cross-validation generator or iterable, default=None
        Number of folds, 5 by default, or how to split. A number means scikit-learn's folds, in the
        order of the rows: shuffle ordered rows, or give a splitter that does. A splitter is handed
        y with NaN where unobserved.
    copy_X : bool, default=True
        Has no influence: X is never overwritten.
    verbose : bool or int, default=False
        Whether joblib tells of its progress.
    n_jobs : int, default=None
        Number of folds to fit at a time, in threads.
    random_state : int, RandomState or Generator instance or None, default=None
        Has no influence: nothing is drawn.
    selection : {"cyclic", "random"}, default="cyclic"
        Has no influence: the solver has its own order.
"""

ATTRIBUTES = f"""
    alpha_ : float
        Alpha with the smallest mean squared error.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratio, n_alphas)
        Alphas tried, descending; for every l1_ratio if there are several and the grid is
        automatic.
    mse_path_ : ndarray of shape (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
        Mean squared error on the held-out part of every fold, for which each task counts the
        same. NaN for a fold that lacks labels to learn from or to compare with.
{SOLUTION.rstrip()}
    <task attributes>
"""

twin_cv = documented(PARAMETERS, ATTRIBUTES, shared="")


class TwinCV(Twin):
    """Chooses alpha, and l1_ratio where it is a parameter, by cross-validation."""

    _parameter_constraints = {
        "eps": [Interval(Real, 0, None, closed="neither")],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "cv": ["cv_object"],
        "copy_X": ["boolean"],
        "verbose": ["verbose"],
        "n_jobs": [Integral, None],
        "random_state": RANDOM_STATE,
        "selection": [StrOptions({"cyclic", "random"})],
    }

    @abstractmethod
    def __init__(self):
        """Set the parameters."""

    def fit(self, X, y, sample_weight=None, **params):
        """Fit paths of alphas on every fold, then the best alpha on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks)
            Labels; NaN, None, pandas.NA and masked entries are unobserved.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in the fits and in the errors. A weight of 0 is the same as
            an unobserved label.
        **params : dict
            Passed to the splitter, where metadata routing is enabled.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If y is 1-D or has no label, no fold has labels on both sides, or the grid of
            alphas is to be found for l1_ratio=0, where no alpha makes coefficients 0.
        """
        self._validate_params()
        if params:
            _raise_for_params(params, self, "fit")
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            params = routed.splitter.split
        with all_or_nothing(self):
            X, _ = self._read_X(X, reset=True)
            targets = self._read_y(X, y, None, sample_weight)
            self._publish(targets.tasks)
            problem = ElasticNetProblem(X, targets, fit_intercept=self.fit_intercept)
            l1_ratios = _read_ratios(self.l1_ratio)
            alphas = self._alphas(problem, l1_ratios)
            labels = np.where(targets.weights > 0, targets.values, np.nan)
            folds = list(check_cv(self.cv).split(X, labels, **params))
            warn_of_little(*count_scored(folds, targets.weights > 0))
            self._choose(self._errors(X, targets, folds, alphas, l1_ratios), alphas, l1_ratios)
            path = problem.path([self.alpha_], self._best_ratio, **self._stopping)
            fitted = next(path)
            # Errors that do not depend on alpha: all that were given are too large.
            if np.ndim(self.alphas) and not np.nanmax(np.ptp(self.mse_path_, axis=-2)):
                told = {"tol": self.tol, "chooser": type(self).__name__}
                problem.warn_of_zero(fitted.W, self.alpha_, self._best_ratio, **told)
            self._publish_fit(fitted, X.dtype)
        return self

    @property
    def _stopping(self):
        return {"tol": self.tol, "max_iter": self.max_iter}

    def _alphas(self, problem, l1_ratios):
        """Descending alphas for every l1_ratio."""
        if isinstance(self.alphas, Integral):
            grid = {"eps": self.eps, "n_alphas": self.alphas}
            return np.array([problem.alphas(ratio, **grid) for ratio in l1_ratios])
        return np.tile(read_alphas(self.alphas), (len(l1_ratios), 1))

    def _errors(self, X, targets, folds, alphas, l1_ratios):
        """Mean squared errors (n_l1_ratio, n_alphas, n_folds)."""
        if folds_fit(X, targets.weights, folds):
            statistics = fold_statistics(X, targets.values, targets.weights, folds)
            jobs = (
                delayed(self._errors_from_statistics)(targets.tasks, *pair, alphas, l1_ratios)
                for pair in statistics
            )
        else:
            jobs = (
                delayed(self._errors_from_rows)(X, targets, *fold, alphas, l1_ratios)
                for fold in folds
            )
        errors = Parallel(n_jobs=self.n_jobs, verbose=self.verbose, prefer="threads")(jobs)
        return np.stack(errors, axis=-1)

    def _errors_from_statistics(self, tasks, train, test, alphas, l1_ratios):
        """Mean squared errors (n_l1_ratio, n_alphas) on the held-out rows of a fold."""
        # There a tolerance is a share of half of the sum of squares.
        options = FitOptions.of(self, tol=2.0 * self.tol, margin=path_margin(self.tol))
        errors = np.empty(alphas.shape)
        for ratio, (l1_ratio, path) in enumerate(zip(l1_ratios, alphas, strict=True)):
            model = PathModel(ElasticNet(float(l1_ratio)), options)
            errors[ratio] = scores_from_statistics(
                model, tasks, train, test, path, "neg_mean_squared_error"
            ).mse
        return errors

    def _errors_from_rows(self, X, targets, train, test, alphas, l1_ratios):
        """The same without statistics."""
        errors = np.full(alphas.shape, np.nan)
        known, held_out = targets.take(train), targets.take(test)
        tasks = (known.weights > 0).any(axis=0) & (held_out.weights > 0).any(axis=0)
        if not tasks.any():
            return errors
        problem = ElasticNetProblem(X[train], known, fit_intercept=self.fit_intercept)
        values, weights = held_out.values[:, tasks], held_out.weights[:, tasks]
        X_test, shares = X[test], weights / (weights.sum(axis=0) * tasks.sum())
        for ratio, (l1_ratio, path) in enumerate(zip(l1_ratios, alphas, strict=True)):
            for k, fitted in enumerate(problem.path(path, l1_ratio, **self._stopping)):
                residuals = X_test @ fitted.W[:, tasks] + fitted.b[tasks] - values
                errors[ratio, k] = np.vdot(shares, residuals**2)
        return errors

    def _choose(self, errors, alphas, l1_ratios):
        """Publish the path and the alpha and l1_ratio with the smallest error."""
        is_known = ~np.isnan(errors).any(axis=(0, 1))
        if not is_known.any():
            raise ValueError("No fold has labels of the same task to learn from and to predict.")
        mean = errors[:, :, is_known].mean(axis=-1)
        # The first of equals: the smallest l1_ratio in the order given, the largest alpha.
        ratio, k = np.unravel_index(np.argmin(mean), mean.shape)
        self.mse_path_ = np.squeeze(errors)
        self.alpha_, self._best_ratio = alphas[ratio, k], float(l1_ratios[ratio])
        several = len(l1_ratios) > 1 and isinstance(self.alphas, Integral)
        self.alphas_ = alphas if several else alphas[0]

    def get_metadata_routing(self):
        """Say that parameters of `fit` go to the splitter.

        Returns
        -------
        routing : MetadataRouter
            Where metadata goes.
        """
        to_split = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=to_split)


def _read_ratios(l1_ratio):
    """Values of l1_ratio to choose from."""
    found = np.atleast_1d(l1_ratio)
    if not len(found) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"l1_ratio={l1_ratio!r}; expected numbers between 0 and 1.")
    return found


@twin_cv
class MultiTaskElasticNetCV(TwinCV):
    r"""`MultiTaskElasticNet` with alpha, and l1_ratio, chosen by cross-validation.

    Takes what :class:`sklearn.linear_model.MultiTaskElasticNetCV` takes and makes the same
    choice, faster; and y may have missing labels, which neither fits nor errors see.

    Parameters
    ----------
    l1_ratio : float or array-like of float, default=0.5
        Share of the mixed norm, between 0 (ridge) and 1 (lasso), or several to choose from.
    <parameters>

    Attributes
    ----------
    l1_ratio_ : float
        Share of the mixed norm with the smallest mean squared error.
    <attributes>

    See Also
    --------
    MultiTaskElasticNet : The model for one alpha, with the objective.
    MultiTaskLassoCV : The mixed norm alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear import MultiTaskElasticNetCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 10))
    >>> Y = X[:, :2] @ rng.normal(size=(2, 3)) + 0.1 * rng.normal(size=(60, 3))
    >>> Y[rng.random(Y.shape) < 0.2] = np.nan
    >>> model = MultiTaskElasticNetCV(l1_ratio=[0.5, 0.9]).fit(X, Y)
    >>> model.l1_ratio_
    0.9
    """

    _parameter_constraints = {
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        **TwinCV._parameter_constraints,
    }

    # Scikit-learn's own function, for code that calls it: complete y only.
    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection

    @property
    def l1_ratio_(self):
        """Share of the mixed norm with the smallest mean squared error."""
        return self._best_ratio


@twin_cv
class MultiTaskLassoCV(TwinCV):
    r"""`MultiTaskLasso` with alpha chosen by cross-validation.

    Takes what :class:`sklearn.linear_model.MultiTaskLassoCV` takes and makes the same choice,
    faster; and y may have missing labels, which neither fits nor errors see.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLasso : The model for one alpha, with the objective.
    MultiTaskElasticNetCV : The mixed norm with a ridge.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear import MultiTaskLassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 10))
    >>> Y = X[:, :2] @ rng.normal(size=(2, 3)) + 0.1 * rng.normal(size=(60, 3))
    >>> Y[rng.random(Y.shape) < 0.2] = np.nan
    >>> model = MultiTaskLassoCV().fit(X, Y)
    >>> model.mse_path_.shape
    (100, 5)
    """

    path = staticmethod(lasso_path)
    l1_ratio = 1.0

    def __init__(
        self,
        *,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=False,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
