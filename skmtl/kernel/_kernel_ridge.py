"""Kernel ridge regression of many tasks: functions that need not be linear in X."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.metrics.pairwise import kernel_metrics
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl.kernel._kernel_ridge_model import KernelRidgeModel
from skmtl.kernel._task_kernels import TASK_KERNELS
from skmtl.tasks import _constraints as constraints


@documented("", "", shared="with the mean of the tasks' functions and intercepts.")
class MultiTaskKernelRidge(MultiTaskRegressorMixin, KernelRidgeModel):
    r"""Kernel ridge regression of many tasks, coupled by a task kernel.

    The kernel of row x of task s and row z of task t is :math:`k(x, z) \, B_{st}` [1]_. With
    the norm it defines over all tasks' functions f together, the model minimises

    .. math:: \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \,
        \tfrac12 (y_{ti} - f_t(x_i) - b_t)^2 + \frac{\alpha}{2} \|f\|^2

    where s are the weights of the labels, 0 where unobserved, and :math:`\omega` is
    ``task_weight``. The solution is exact,
    :math:`f_t(x) = \sum_{j, s} k(x, x_j) \, B_{ts} \, a_{js}` with dual coefficients a.
    Intercepts are not penalised: the kernel is centred in each task by weighted means.

    Parameters
    ----------
    kernel : str or callable, default="rbf"
        Kernel of rows: a name that :func:`~sklearn.metrics.pairwise.pairwise_kernels` knows; a
        callable of two rows that returns a number; or "precomputed", X being the kernel of
        shape (n_samples, n_samples) in `fit` and (n_samples, n_samples_fit) in `predict`.
    alpha : float or "auto", default="auto"
        How strongly functions are pulled to 0. With one task, or with complete labels and the
        identity as task kernel, ``alpha * n_samples`` is the alpha of
        :class:`~sklearn.kernel_ridge.KernelRidge` (which has no intercept). "auto" chooses it by
        generalised cross-validation, see Notes.
    gamma : float, "auto" or None, default="auto"
        Parameter of the "rbf", "laplacian", "poly", "chi2" and "sigmoid" kernels. None is the
        default of the kernel: 1 / n_features, 1 for "chi2". "auto" goes by the variances of the
        features for "rbf", :math:`1 / (8 \sum_j v_j)`, and for "laplacian",
        :math:`\sqrt\pi / (4 \sum_j \sqrt{v_j})`, and is None for others. Features are taken as
        they are: scale those of different units, with
        :class:`~sklearn.preprocessing.StandardScaler` for example.
    degree : float, default=3
        Degree of the "poly" kernel.
    coef0 : float, default=1
        Constant of the "poly" and "sigmoid" kernels.
    kernel_params : dict, default=None
        Further keyword arguments of a callable kernel.
    task_kernel : str or array-like of shape (n_tasks, n_tasks), default="mean"
        What tasks have in common: their mean ("mean"), nothing ("identity"), what connects
        them in a graph ("graph"), or what the labels tell ("learned"); see Notes. An array
        is symmetric and positive semidefinite, tasks in the order of ``task_names_in_``; a
        DataFrame is matched by their names.
    similarity : float or "auto", default="auto"
        For "mean": correlation of the tasks, between 0 (the identity) and 1 (one function).
        "auto" chooses 0 or .5, in long form also .8 or .95, by generalised cross-validation, see
        Notes.
    adjacency : array-like of shape (n_tasks, n_tasks), default=None
        For "graph": weights of the edges, at least 0; the larger, the more alike. A DataFrame is
        matched by the names of the tasks.
    <task parameters>
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task. In long form, where ``alpha="auto"``, it is one
        for all tasks if that predicts better: tasks with few labels are then told apart by the
        functions alone.
    task_weight : "labels", list of float, dict {task: weight} or None, default=None
        Weight of each task in the loss, 1 by default: a task with few labels counts as much as
        one with many. "labels" makes every label count the same. A task of weight 0 has no
        influence on the others.
    max_iter : int, default=200
        For "learned": largest number of iterations.
    tol : float, default=1e-4
        For "learned": stop when the duality gap is at most ``tol`` times the loss of constant
        predictions.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples_fit, n_tasks), or (n_samples_fit,) for 1-D y
        Dual coefficients a, 0 where a label is unobserved. One per row in long form.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    X_fit_ : {ndarray, sparse array} of shape (n_samples_fit, n_features)
        The rows that have a label, without the task feature; their kernel if precomputed.
    alpha_ : float
        The alpha of the fit: as given, or the chosen one.
    similarity_ : float
        The similarity of the fit: as given, or the chosen one. Only with "mean".
    gamma_ : float or None
        The gamma of the fit; None where it is the default of the kernel.
    task_kernel_ : ndarray of shape (n_tasks, n_tasks)
        Task kernel B; 0 for tasks without labels, which have no influence on it.
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The task kernel with trace 1. Only if it was learned.
    dual_gap_ : float
        Upper bound on the distance of the objective from its optimum; 0 unless the task
        kernel was learned.
    n_iter_ : int
        Iterations taken; 1 unless the task kernel was learned.
    <task attributes>

    See Also
    --------
    MultiTaskKernelRidgeCV : Chooses kernels, widths and alphas, for any task types.
    MultiTaskLinear : Linear functions, any task types, many more rows.
    sklearn.kernel_ridge.KernelRidge : One task, or complete labels with nothing shared.

    Notes
    -----
    With T tasks, the task kernels are

    * "mean": :math:`B = \rho 11' + (1 - \rho) I`, :math:`\rho` being ``similarity`` [2]_. In
      terms of the functions, :math:`\|f\|^2` is
      :math:`\frac{1}{1 - \rho} \sum_t \|f_t - \bar f\|^2 + \frac{T}{1 - \rho + \rho T}
      \|\bar f\|^2`: with a linear kernel and :math:`\rho` towards 1, the penalty
      "mean_deviation" of `MultiTaskLinear` with the mean itself slightly penalised. In general
      :math:`\varrho \sum_t \|f_t - \bar f\|^2 + \lambda \sum_t \|f_t\|^2` is the norm of
      :math:`B = \frac{1}{\lambda + \varrho} I + (\frac1\lambda - \frac{1}{\lambda + \varrho})
      \frac1T 11'`.
    * "graph": :math:`B = (I + L)^{-1}` with the graph's Laplacian L, so that
      :math:`\|f\|^2 = \sum_t \|f_t\|^2 + \sum_{s<t} a_{st} \|f_s - f_t\|^2` [2]_.
    * "learned": B minimises the objective too, over the positive semidefinite matrices
      with trace T. Together this is convex [3]_ [4]_. With a linear kernel it is the penalty
      :math:`\frac{\alpha}{2 T} (\sum_k \sigma_k(W))^2` on the singular values of W. Output
      kernel learning in its first form [5]_ penalises the Frobenius norm of B instead of
      fixing its trace.

    With labels that are complete, the cost is an eigendecomposition of the kernel of the rows.
    Otherwise it is a Cholesky factorisation of a matrix with a row and a column per label
    (for "learned", in every iteration). Above 1 GiB for that matrix, about 11 500 labels, `fit`
    raises ValueError.

    ``alpha="auto"`` minimises
    :math:`\|\text{residuals}\|^2 / (1 - 1.4 \, d / n)^2` with the degrees of freedom d [6]_, for
    "learned" with the identity as task kernel. In long form it also decides whether tasks have
    intercepts of their own. It takes an eigendecomposition of that matrix, or
    of a part of 2,000 labels, which are drawn with a fixed seed. ``similarity="auto"`` takes the
    same minimum over similarities (at the alpha that is given, if it is one above 0; at
    ``alpha=0`` it is .5), which with labels that are not complete is a decomposition for each, of
    1,000 labels at most.

    References
    ----------
    .. [1] E. Bonilla, K. Chai and C. Williams, "Multi-task Gaussian process prediction",
       NeurIPS 2007, eq. 1.
    .. [2] T. Evgeniou, C. Micchelli and M. Pontil, "Learning multiple tasks with kernel
       methods", Journal of Machine Learning Research 6, 2005, section 3.
    .. [3] Y. Zhang and D.-Y. Yeung, "A convex formulation for learning task relationships in
       multi-task learning", UAI 2010, section 2.
    .. [4] C. Ciliberto, Y. Mroueh, T. Poggio and L. Rosasco, "Convex learning of multiple tasks
       and their structure", ICML 2015.
    .. [5] F. Dinuzzo, C. S. Ong, P. Gehler and G. Pillonetto, "Learning output kernels with
       block coordinate descent", ICML 2011.
    .. [6] G. Golub, M. Heath and G. Wahba, "Generalized cross-validation as a method for choosing
       a good ridge parameter", Technometrics 21, 1979; the factor 1.4 from Y.-J. Kim and C. Gu,
       Journal of the Royal Statistical Society B 66, 2004, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskKernelRidge
    >>> X = np.linspace(0, 3, 30).reshape(-1, 1)
    >>> Y = np.column_stack([np.sin(X), np.sin(X) + 1])
    >>> Y[15:, 1] = np.nan  # what the first task says is used for the second
    >>> model = MultiTaskKernelRidge(similarity=0.95, alpha=1e-4).fit(X, Y)
    >>> model.predict([[2.5]]).round(1)
    array([[0.6, 1.6]])
    """

    _parameter_constraints = {
        "kernel": [StrOptions({*kernel_metrics(), "precomputed"}), callable],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "gamma": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"}), None],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
        "task_kernel": [StrOptions(set(TASK_KERNELS)), "array-like"],
        "similarity": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "adjacency": ["array-like", None],
        **constraints.TASKS,
        "fit_intercept": ["boolean"],
        **constraints.TASK_WEIGHT,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        kernel: Any = "rbf",
        *,
        alpha: float | str = "auto",
        gamma: float | str | None = "auto",
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict[str, Any] | None = None,
        task_kernel: Any = "mean",
        similarity: float | str = "auto",
        adjacency: Any = None,
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        fit_intercept: bool = True,
        task_weight: Any = None,
        max_iter: int = 200,
        tol: float = 1e-4,
    ) -> None:
        self.kernel = kernel
        self.alpha = alpha
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.task_kernel = task_kernel
        self.similarity = similarity
        self.adjacency = adjacency
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.fit_intercept = fit_intercept
        self.task_weight = task_weight
        self.max_iter = max_iter
        self.tol = tol
