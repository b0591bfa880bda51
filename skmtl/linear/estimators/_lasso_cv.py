"""Scikit-learn's `MultiTaskLassoCV` and `MultiTaskElasticNetCV`, with missing labels."""

from __future__ import annotations

from numbers import Real
from typing import Any

from sklearn.linear_model import enet_path, lasso_path
from sklearn.utils._param_validation import Interval

from skmtl._docstrings import documented
from skmtl.linear.estimators._lasso_docs import CV_ATTRIBUTES, CV_PARAMETERS
from skmtl.linear.estimators._lasso_search import LassoSearch

lasso_cv = documented(CV_PARAMETERS, CV_ATTRIBUTES, shared="")


@lasso_cv
class MultiTaskElasticNetCV(LassoSearch):
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
        **LassoSearch._parameter_constraints,
    }

    # Scikit-learn's own function, for code that calls it: complete y only.
    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
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
    def l1_ratio_(self) -> float:
        """Share of the mixed norm with the smallest mean squared error."""
        return self._best_ratio


@lasso_cv
class MultiTaskLassoCV(LassoSearch):
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
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: Any = None,
        copy_X: bool = True,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
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
