"""Kernel ridge regression of many tasks: functions that need not be linear in X."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import kernel_metrics
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._base import MultiTaskEstimator
from skmtl._docstrings import documented
from skmtl._grown import with_added_tasks
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl.kernel._choose_alpha import choose_alpha
from skmtl.kernel._labels import Labels
from skmtl.kernel._later_tasks import GrowsKernelTasks
from skmtl.kernel._learn import learn_task_kernel
from skmtl.kernel._problem import KernelProblem
from skmtl.kernel._raw_scores import raw_long, raw_wide
from skmtl.kernel._row_kernel import RowKernel, gamma_of_spread
from skmtl.kernel._task_kernels import TASK_KERNELS, make_task_kernel
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._training_data import learnable
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._by_name import matrix_by_task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

ROWS_AT_ONCE = 2_000
"""Rows predicted at a time: bounds the memory beside X."""


@documented("", "", shared="with the mean of the tasks' functions and intercepts.")
class MultiTaskKernelRidge(MultiTaskRegressorMixin, GrowsKernelTasks, MultiTaskEstimator):
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
    similarity : float, default=0.5
        For "mean": correlation of the tasks, between 0 (the identity) and 1 (one function).
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
    of a part of 2,000 labels, which are drawn with a fixed seed.

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
        "similarity": [Interval(Real, 0, 1, closed="both")],
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
        similarity: float = 0.5,
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

    def _fit(self, X: Any, targets: Targets) -> None:
        require_squared_loss(targets.tasks, type(self).__name__)
        self._check_parameters(X)
        known = np.flatnonzero(targets.tasks.n_labels)
        B = self._task_kernel(known, targets.tasks.names.tolist())
        self._used_rows = np.flatnonzero(targets.row_is_observed)
        given = X
        X, targets, weights = learnable(X, targets, self.task_weight)
        labels = Labels.of(targets, weights)
        labels.check_memory(X.shape[0])
        if self.kernel == "precomputed":
            X = X[:, self._used_rows]
        self._row_kernel = self._make_row_kernel(X, labels)
        kernel = self._row_kernel(X)
        centred, pooled = self.fit_intercept, False
        if isinstance(self.alpha, str):
            may_pool = centred and targets.tasks.is_long
            self.alpha_, pooled = choose_alpha(
                kernel, labels, B, X, centred=centred, may_pool=may_pool
            )
        else:
            self.alpha_ = float(self.alpha)
        problem = KernelProblem(kernel, labels, self.alpha_, centred=centred, pooled=pooled)
        self.__dict__.pop("task_covariance_", None)
        if self._learns_task_kernel:
            B, duals, self.dual_gap_, self.n_iter_ = learn_task_kernel(
                problem, tol=self.tol, max_iter=self.max_iter
            )
            self.task_covariance_ = self._for_all_tasks(B / len(known), known)
        else:
            duals = problem.solve(B)
            self.dual_gap_, self.n_iter_ = 0.0, 1
        # Not the caller's array, which may change.
        self.X_fit_ = X.copy() if X is given else X
        self.task_kernel_ = self._for_all_tasks(B, known)
        self.intercept_ = np.zeros(len(self.task_kernel_))
        self.intercept_[known] = problem.intercepts(duals, B)
        self._publish_duals(duals, labels.rows, known[labels.tasks])

    @property
    def _learns_task_kernel(self) -> bool:
        return isinstance(self.task_kernel, str) and self.task_kernel == "learned"

    def _make_row_kernel(self, X: Any, labels: Labels) -> RowKernel:
        gamma = self.gamma
        if isinstance(gamma, str):
            share = np.bincount(labels.rows, labels.weights, X.shape[0])
            gamma = gamma_of_spread(self.kernel, X, share / share.sum())
        self.gamma_ = gamma
        parameters = {"gamma": gamma, "degree": self.degree, "coef0": self.coef0}
        if callable(self.kernel):
            parameters = self.kernel_params or {}
        return RowKernel(self.kernel, parameters, X, fit_intercept=self.fit_intercept)

    def _task_kernel(self, known: Array, names: list[Any]) -> Array:
        given = [
            matrix_by_task(getattr(self, name), names, name)
            for name in ("task_kernel", "adjacency")
        ]
        return make_task_kernel(given[0], known, len(names), self.similarity, given[1])

    def _for_all_tasks(self, matrix: Array, known: Array) -> Array:
        """A matrix of the tasks with labels, 0 for the others."""
        full = np.zeros((self._task_set.n_tasks,) * 2)
        full[np.ix_(known, known)] = matrix
        return full

    def _publish_duals(self, duals: Array, rows: Array, tasks: Array) -> None:
        if self._task_set.is_long:
            self.dual_coef_, self._task_of_row = duals, tasks
            return
        self.dual_coef_ = np.zeros((self.X_fit_.shape[0], self._task_set.n_tasks))
        self.dual_coef_[rows, tasks] = duals
        if self._task_set.is_1d:
            self.dual_coef_ = self.dual_coef_[:, 0]

    def _check_parameters(self, X: Any) -> None:
        if self._learns_task_kernel and not self.alpha:
            raise ValueError("task_kernel='learned' needs alpha > 0: without it, B has no effect.")
        if self.kernel != "precomputed":
            return
        if self.task_feature is not None:
            raise ValueError(
                "kernel='precomputed' needs one column of y per task, no task_feature."
            )
        if X.shape[0] != X.shape[1]:
            raise ValueError(f"A precomputed kernel is square in fit; X has shape {X.shape}.")

    def _kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        if self.kernel == "precomputed":
            return None
        of_rows = X.astype(np.float64, copy=False), anchors.astype(np.float64, copy=False)
        return self._row_kernel(*of_rows)

    @with_added_tasks
    def _expected(self, X: Any, task_index: Array | None) -> list[Array]:
        X = X.astype(np.float64, copy=False)
        if self.kernel == "precomputed":
            X = X[:, self._used_rows]
        raw = []
        known = self._task_set.n_labels > 0
        for rows in gen_batches(X.shape[0], ROWS_AT_ONCE):
            K = self._row_kernel(X[rows], self.X_fit_)
            fitted = K, self.dual_coef_, self.task_kernel_, self.intercept_
            if task_index is None:
                raw.append(raw_wide(*fitted))
            else:
                raw.append(raw_long(*fitted, self._task_of_row, task_index[rows], known))
        return self._task_set.inverse_link(np.vstack(raw), task_index)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags
