"""Scikit-learn's `MultiTaskLasso` and `MultiTaskElasticNet`, with missing labels."""

from __future__ import annotations

from numbers import Number, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import enet_path
from sklearn.utils._param_validation import Interval

from skmtl._docstrings import documented
from skmtl.linear.estimators._lasso_docs import ATTRIBUTES, PARAMETERS
from skmtl.linear.estimators._lasso_model import CONSTRAINTS, LassoModel
from skmtl.linear.estimators._streaming import Streaming
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

lasso = documented(PARAMETERS, ATTRIBUTES, shared="")


@lasso
class MultiTaskElasticNet(Streaming, LassoModel):
    r"""Linear regression of many tasks that share features, by a mixed-norm elastic net.

    Takes what :class:`sklearn.linear_model.MultiTaskElasticNet` takes and finds the same
    coefficients, faster; and y may have missing labels. Minimises over coefficients
    :math:`w_t` (rows of ``coef_``, columns of W) and intercepts :math:`b_t`

    .. math:: \sum_t \frac{1}{2 \sum_i s_{ti}} \sum_i s_{ti} (y_{ti} - x_i' w_t - b_t)^2
        + \alpha \rho \sum_j \|W_{j \cdot}\|_2 + \frac{\alpha (1 - \rho)}{2} \|W\|_F^2

    where s are the weights of the labels, 0 where unobserved, and :math:`\rho` is
    ``l1_ratio``. With complete y the first term is
    :math:`\frac{1}{2 n} \|Y - X W - 1 b'\|_F^2`.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly coefficients are penalised; 0 is least squares.
    l1_ratio : float, default=0.5
        Share of the mixed norm, between 0 (ridge) and 1 (lasso).
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskElasticNetCV : Chooses alpha and l1_ratio by cross-validation.
    MultiTaskLasso : The mixed norm alone.
    MultiTaskLinear : Other penalties, other task types, long form.

    Notes
    -----
    With complete y, or whole rows of it missing, the solver is block coordinate descent on a
    working set of features. Where tasks miss different labels it is accelerated proximal
    gradient descent, which takes longer. Fits are computed in float64.

    References
    ----------
    Zou and Hastie, "Regularization and variable selection via the elastic net", JRSS B 67,
    2005, eq. 3. Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace
    selection for multiple classification problems", Statistics and Computing 20, 2010, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear import MultiTaskElasticNet
    >>> X = np.array([[0, 0], [1, 1], [2, 2], [3, 4]])
    >>> Y = np.array([[0, 0], [1, 1], [2, np.nan], [3, 4]])
    >>> model = MultiTaskElasticNet(alpha=0.1).fit(X, Y)
    >>> model.predict([[2, 2]]).round(1)
    array([[1.8, 2.2]])
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "warm_start": ["boolean"],
        **CONSTRAINTS,
    }

    # Scikit-learn's own function, for code that calls it: complete y only.
    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: Any = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to all those so far, and fit the model to all of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : array-like or DataFrame of shape (n_samples, n_tasks)
            Labels; any may be missing.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The estimator of all rows so far.

        Raises
        ------
        ValueError
            If a later call has other tasks or columns.

        Notes
        -----
        Of earlier rows `TaskStatistics` remain, in ``statistics_``: in whatever chunks rows come,
        the result is that of one `fit` to all of them. After `fit`, which keeps nothing of its
        rows, it begins anew, and warns.
        """
        # One number is no weights, as scikit-learn has it.
        sample_weight = None if isinstance(sample_weight, Number) else sample_weight
        return self._partial_fit(X, y, None, sample_weight)

    @property
    def sparse_coef_(self) -> Any:
        """Coefficients in CSR format."""
        return sparse.csr_matrix(self.coef_)

    def _fit(self, X: Any, targets: Targets) -> None:
        problem = self._problem(X, targets)
        warm = self._warm_coefficients(X.shape[1], targets.tasks.n_tasks)
        fitted = next(problem.path([self.alpha], self.l1_ratio, warm))
        chooser = f"MultiTask{'Lasso' if self.l1_ratio == 1 else 'ElasticNet'}CV"
        self._warn_of_zero(problem, fitted.W, self.alpha, self.l1_ratio, chooser)
        self._publish_fit(fitted, getattr(X, "dtype", np.float64))
        self.eps_ = self.tol * X.shape[0] * problem.squares

    def _warm_coefficients(self, n_features: int, n_tasks: int) -> tuple[Array, Array] | None:
        """Coefficients of the previous fit, where they fit and are wanted."""
        coef = getattr(self, "coef_", None)
        if coef is None or not self.warm_start or np.shape(coef) != (n_tasks, n_features):
            return None
        intercept = np.broadcast_to(getattr(self, "intercept_", 0.0), n_tasks)
        return coef.T.astype(np.float64), intercept.astype(np.float64)


@lasso
class MultiTaskLasso(MultiTaskElasticNet):
    r"""Linear regression of many tasks that use the same few features.

    Takes what :class:`sklearn.linear_model.MultiTaskLasso` takes and finds the same
    coefficients, faster; and y may have missing labels. Minimises over coefficients
    :math:`w_t` (rows of ``coef_``, columns of W) and intercepts :math:`b_t`

    .. math:: \sum_t \frac{1}{2 \sum_i s_{ti}} \sum_i s_{ti} (y_{ti} - x_i' w_t - b_t)^2
        + \alpha \sum_j \|W_{j \cdot}\|_2

    where s are the weights of the labels, 0 where unobserved. With complete y the first term
    is :math:`\frac{1}{2 n} \|Y - X W - 1 b'\|_F^2`.

    Parameters
    ----------
    alpha : float, default=1.0
        How strongly coefficients are penalised; 0 is least squares.
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskLassoCV : Chooses alpha by cross-validation.
    MultiTaskElasticNet : The mixed norm with a ridge.
    MultiTaskLinear : Other penalties, other task types, long form.

    Notes
    -----
    `MultiTaskElasticNet` says which solver is used when.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20, 2010, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear import MultiTaskLasso
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 4))
    >>> Y = X @ [[1, 2], [0, 0], [-1, 1], [0, 0]] + 0.1 * rng.normal(size=(50, 2))
    >>> Y[:20, 1] = np.nan
    >>> MultiTaskLasso(alpha=0.2).fit(X, Y).coef_.round(1) + 0.0
    array([[ 0.9,  0. , -0.9,  0. ],
           [ 1.8,  0. ,  0.9,  0. ]])
    """

    _parameter_constraints = {
        name: allowed
        for name, allowed in MultiTaskElasticNet._parameter_constraints.items()
        if name != "l1_ratio"
    }

    l1_ratio = 1.0

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
