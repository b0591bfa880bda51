"""Scikit-learn's `MultiTaskLasso` and `MultiTaskElasticNet`, with missing labels."""

from numbers import Integral, Number, Real

import numpy as np
from scipy import sparse
from sklearn.linear_model import enet_path
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator, MultiTaskRegressorMixin
from skmtl._docstrings import documented
from skmtl._random import RANDOM_STATE
from skmtl.linear.estimators._elastic_net import ElasticNetProblem

PARAMETERS = """
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
    copy_X : bool, default=True
        Has no influence: X is never overwritten.
    max_iter : int, default=1000
        Largest number of sweeps over the coefficients.
    tol : float, default=1e-4
        Stop when the duality gap, times n_samples, is at most ``tol`` times the sum of squares
        of y (centred if there are intercepts).
    warm_start : bool, default=False
        Start from the coefficients of the previous fit.
    random_state : int, RandomState or Generator instance or None, default=None
        Has no influence: nothing is drawn.
    selection : {"cyclic", "random"}, default="cyclic"
        Has no influence: the solver has its own order.
"""

SOLUTION = """
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, of the dtype of X.
    intercept_ : ndarray of shape (n_tasks,) or float
        Intercepts; 0.0 without them.
    dual_gap_ : float
        Upper bound on the distance of the objective from its optimum.
    n_iter_ : int
        Sweeps over the coefficients.
"""

ATTRIBUTES = f"""{SOLUTION.rstrip()}
    eps_ : float
        What ``n_samples * dual_gap_`` may be at most: ``tol`` times the sum of squares of y.
    sparse_coef_ : sparse matrix of shape (n_tasks, n_features)
        Coefficients in CSR format.
    <task attributes>
"""

twin = documented(PARAMETERS, ATTRIBUTES, shared="")


class Twin(MultiTaskRegressorMixin, MultiTaskEstimator):
    """What the twins share: 2-D y of numbers, no further parameters on tasks."""

    # Not parameters here; the base class reads them.
    tasks = "auto"
    task_feature = None
    unknown_task = "error"

    def predict(self, X):
        """Predict the labels of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples, n_tasks)
            Predictions; NaN for a task that had no label in `fit`.
        """
        check_is_fitted(self)
        return self._predict(self._read_X(X, reset=False)[0])

    def _predict(self, X):
        prediction = X @ self.coef_.T + self.intercept_
        prediction[:, self._task_set.n_labels == 0] = np.nan
        return prediction

    def _expected(self, X, task_index):
        return list(self._predict(X).T)

    def _read_y(self, X, y, task_column, sample_weight, classes=None):
        # One number is no weights, as scikit-learn has it.
        sample_weight = None if isinstance(sample_weight, Number) else sample_weight
        targets = super()._read_y(X, y, task_column, sample_weight, classes)
        if targets.tasks.is_1d:
            alone = type(self).__name__.removeprefix("MultiTask")
            raise ValueError(
                f"For mono-task outputs, use {alone}: y is 1-D. "
                "As one task it has one column, y.reshape(-1, 1)."
            )
        return targets

    def _publish_fit(self, fitted, dtype):
        """Set coefficients, in the dtype of X, and certificate."""
        self.coef_ = np.asarray(fitted.W.T, dtype=dtype)
        self.intercept_ = fitted.b.astype(dtype, copy=False) if self.fit_intercept else 0.0
        self.dual_gap_, self.n_iter_ = float(fitted.gap), int(fitted.n_iter)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags


@twin
class MultiTaskElasticNet(Twin):
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
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": RANDOM_STATE,
        "selection": [StrOptions({"cyclic", "random"})],
    }

    # Scikit-learn's own function, for code that calls it: complete y only.
    path = staticmethod(enet_path)

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection

    @property
    def sparse_coef_(self):
        """Coefficients in CSR format."""
        return sparse.csr_matrix(self.coef_)

    def _fit(self, X, targets):
        problem = ElasticNetProblem(X, targets, fit_intercept=self.fit_intercept)
        path = problem.path(
            [self.alpha],
            self.l1_ratio,
            tol=self.tol,
            max_iter=self.max_iter,
            warm=self._warm_coefficients(X.shape[1], targets.tasks.n_tasks),
        )
        fitted = next(path)
        chooser = f"MultiTask{'Lasso' if self.l1_ratio == 1 else 'ElasticNet'}CV"
        problem.warn_of_zero(fitted.W, self.alpha, self.l1_ratio, tol=self.tol, chooser=chooser)
        self._publish_fit(fitted, X.dtype)
        self.eps_ = self.tol * X.shape[0] * problem.squares

    def _warm_coefficients(self, n_features, n_tasks):
        """Coefficients of the previous fit, where they fit and are wanted."""
        coef = getattr(self, "coef_", None)
        if not self.warm_start or np.shape(coef) != (n_tasks, n_features):
            return None
        intercept = np.broadcast_to(getattr(self, "intercept_", 0.0), n_tasks)
        return coef.T.astype(np.float64), intercept.astype(np.float64)


@twin
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
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
