"""Gaussian process regression of many tasks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl._random import RANDOM_STATE
from skmtl.kernel._gaussian_process_model import GaussianProcessModel
from skmtl.tasks import _constraints as constraints


@documented("", "", shared="with the mean of the tasks' functions.")
class MultiTaskGaussianProcessRegressor(MultiTaskRegressorMixin, GaussianProcessModel):
    r"""Gaussian process regression of many tasks: functions with intervals, learned together.

    The functions of the tasks have a normal distribution before any label is seen, with the
    covariance B of the tasks times a kernel of the rows [1]_,

    .. math:: y_{ti} = \mu_t + f_t(x_i) + e_{ti}, \qquad
        \mathrm{cov}(f_s(x), f_t(z)) = B_{st} \, k(x, z), \qquad
        e_{ti} \sim N(0, \sigma_t^2 / c_{ti})

    where c are the weights of the labels, 0 where unobserved. Only their proportions in a task
    count: whole multiples of the least stand for repeated labels. The means :math:`\mu` are free:
    nothing is assumed of them (one for each column of y, in long form one for all tasks). The
    kernel's parameters, B and the noise are those that make the labels most likely, by the exact
    likelihood of their contrasts and its slopes; for these the prediction is that of
    `MultiTaskKernelRidge` with the same kernels.

    Parameters
    ----------
    kernel : kernel of :mod:`sklearn.gaussian_process.kernels`, default=None
        Kernel k of the rows, where the search begins; parameters that are "fixed" stay. Its
        variance is that of B: no ``ConstantKernel`` has to be in front. By default
        ``RationalQuadratic()`` and a linear part. Rows with the same features are one: a
        ``WhiteKernel`` is what a row has of its own, for all of its labels.
    task_covariance : {"auto", "full", "shared"}, int or array-like, default="auto"
        What B, of shape (n_tasks, n_tasks), looks like: any covariance ("full"),
        :math:`LL' + \mathrm{diag}(v)` with L of some rank (int), or one covariance of any two
        tasks and one variance ("shared"). "auto" is "full" where there are 10 labels for every
        entry of B, else "shared". An array is where the search begins, "full", in the units of y.
    noise : {"auto", "task", "shared"}, float or array-like of shape (n_tasks,), default="auto"
        Whether every task has its own variance of the noise, or all have the same: "auto" is
        "shared" where B is. Numbers are where the search begins, in the units of y squared, of
        every task ("task").
    optimizer : "fmin_l_bfgs_b" or None, default="fmin_l_bfgs_b"
        How the most likely parameters are looked for. None keeps those that are given.
    n_restarts_optimizer : int, default=0
        Number of further searches, from kernels that are drawn within their bounds.
    feature_scaling : "standard" or None, default="standard"
        Whether the kernel reads features divided by their standard deviations. A feature that is
        constant in `fit` counts as 0 everywhere.
    <task parameters>
    fit_intercept : bool, default=True
        Whether there are free means; without, the mean of all labels is 0 before any is seen.
    max_iter : int, default=200
        Largest number of steps of a search (L-BFGS).
    random_state : int, RandomState, Generator or None, default=None
        Determines the kernels of restarts.

    Attributes
    ----------
    kernel_ : kernel of :mod:`sklearn.gaussian_process.kernels`
        The kernel with the most likely parameters, of scaled features.
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        B, in the units of y; 0 for tasks without labels, or whose labels are all the same.
    noise_ : ndarray of shape (n_tasks,)
        :math:`\sigma_t^2`, in the units of y squared; NaN for such tasks.
    log_marginal_likelihood_value_ : float
        Logarithm of the likelihood, of standardised labels.
    X_fit_ : ndarray of shape (n_distinct, n_features)
        Scaled features of the rows that have labels, those that are the same once.
    n_iter_ : int
        Steps of the search.
    <task attributes>

    See Also
    --------
    MultiTaskKernelRidge : The same predictions, hyper-parameters that are given or chosen by
        cross-validation.
    MultiTaskKernelRidgeCV : Several kernels blended, any task types, more rows.
    MultiTaskBayesianLinear : Linear functions with intervals, many more rows and tasks.
    sklearn.gaussian_process.GaussianProcessRegressor : One task.

    Notes
    -----
    Labels of every row and task cost an eigendecomposition of the kernel of the distinct rows and
    one of B [2]_, others a Cholesky factorisation of the covariance of all labels. Above 2,000 of
    these (rows, or labels) the parameters are those that make a part of the labels most likely: of
    2,000, which are drawn with a fixed seed, some of every task; the likelihood is that of the
    part, too. Above 5,000, predictions of all labels come from conjugate gradients with the
    Kronecker product (to 1e-8 of the labels' norm), and their standard deviations from the part:
    they are never too small. Above 1 GiB for the kernel, about 11,500 rows, `fit` raises
    ValueError.

    Intervals hold for labels that follow the model. They include what is not known of the means
    and, in the first order, of the parameters: how far predictions move with these [3]_, by how
    much the variance around them is estimated too low therefore [4]_, and that it is estimated
    at all, by Student's distribution with the degrees of freedom of the variance [5]_. Parameters
    that are given (``optimizer=None``) are taken to be known.

    References
    ----------
    .. [1] E. Bonilla, K. Chai and C. Williams, "Multi-task Gaussian process prediction",
       NeurIPS 2007, eq. 1.
    .. [2] B. Rakitsch, C. Lippert, K. Borgwardt and O. Stegle, "It is all in the noise: efficient
       multi-task Gaussian process inference with structured residuals", NeurIPS 2013, section 3.
    .. [3] R. Kackar and D. Harville, "Approximations for standard errors of estimators of fixed
       and random effects in mixed linear models", Journal of the American Statistical
       Association 79, 1984, eq. 3.3.
    .. [4] D. Harville and D. Jeske, "Mean squared error of estimation or prediction under a general
       linear model", Journal of the American Statistical Association 87, 1992, section 3.
    .. [5] M. Kenward and J. Roger, "Small sample inference for fixed effects from restricted
       maximum likelihood", Biometrics 53, 1997, section 3.

    Examples
    --------
    The second task has labels in half of the range; what is known of the first is used, too:

    >>> import numpy as np
    >>> from skmtl import MultiTaskGaussianProcessRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.linspace(0, 6, 60).reshape(-1, 1)
    >>> Y = np.column_stack([np.sin(X), 2 * np.sin(X) + 5]) + 0.1 * rng.normal(size=(60, 2))
    >>> Y[30:, 1] = np.nan
    >>> model = MultiTaskGaussianProcessRegressor().fit(X, Y)
    >>> mean, std = model.predict([[1.5], [4.5]], return_std=True)
    >>> mean.round(1), std.round(1)
    (array([[ 1. ,  7. ],
           [-1. ,  2.7]]), array([[0.1, 0.1],
           [0.1, 0.2]]))
    """

    _parameter_constraints = {
        "kernel": [Kernel, None],
        "task_covariance": [
            StrOptions({"auto", "full", "shared"}),
            Interval(Integral, 1, None, closed="left"),
            "array-like",
        ],
        "noise": [
            StrOptions({"auto", "task", "shared"}),
            Interval(Real, 0, None, closed="neither"),
            "array-like",
        ],
        "optimizer": [StrOptions({"fmin_l_bfgs_b"}), None],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "feature_scaling": [StrOptions({"standard"}), None],
        **constraints.TASKS,
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        kernel: Any = None,
        *,
        task_covariance: Any = "auto",
        noise: Any = "auto",
        optimizer: str | None = "fmin_l_bfgs_b",
        n_restarts_optimizer: int = 0,
        feature_scaling: str | None = "standard",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        fit_intercept: bool = True,
        max_iter: int = 200,
        random_state: Any = None,
    ) -> None:
        self.kernel = kernel
        self.task_covariance = task_covariance
        self.noise = noise
        self.optimizer = optimizer
        self.n_restarts_optimizer = n_restarts_optimizer
        self.feature_scaling = feature_scaling
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.random_state = random_state
