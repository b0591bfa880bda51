"""Kernel ridge regression of many tasks: functions that need not be linear in X."""

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import kernel_metrics, pairwise_kernels
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._base import MultiTaskEstimator, MultiTaskRegressorMixin
from skmtl._docstrings import documented
from skmtl._warnings import warn
from skmtl.kernel._solve import KernelProblem, learn_task_kernel
from skmtl.kernel._task_kernels import TASK_KERNELS, make_task_kernel
from skmtl.linear.objective._centring import large_means, shifted
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._training_data import learnable
from skmtl.tasks import Task
from skmtl.tasks._by_name import matrix_by_task

MAX_KERNEL_BYTES = 2**30
"""Largest matrix of the dual system; `fit` holds about three of this size."""

ROWS_AT_ONCE = 2_000
"""Rows predicted at a time: bounds the memory beside X."""


@documented("", "", shared="with the mean of the tasks' functions and intercepts.")
class MultiTaskKernelRidge(MultiTaskRegressorMixin, MultiTaskEstimator):
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
    alpha : float, default=1.0
        How strongly functions are pulled to 0. With one task, or with complete labels and the
        identity as task kernel, ``alpha * n_samples`` is the alpha of
        :class:`~sklearn.kernel_ridge.KernelRidge` (which has no intercept).
    gamma : float, default=None
        Parameter of the "rbf", "laplacian", "poly", "chi2" and "sigmoid" kernels. None is the
        default of the kernel: 1 / n_features, 1 for "chi2".
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
        Whether to fit an intercept for each task.
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
        Dual coefficients a, 0 where a label is unobserved. One a row in long form.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    X_fit_ : {ndarray, sparse array} of shape (n_samples_fit, n_features)
        The rows that have a label, without the task feature; their kernel if precomputed.
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
    MultiTaskLinear : Linear functions, any task types, many more rows.
    sklearn.kernel_ridge.KernelRidge : One task, or complete labels with nothing shared.

    Notes
    -----
    With T tasks, the task kernels are

    * "mean": :math:`B = \rho 11' + (1 - \rho) I`, :math:`\rho` being ``similarity`` [2]_. In
      terms of the functions, :math:`\|f\|^2` is
      :math:`\frac{1}{1 - \rho} \sum_t \|f_t - \bar f\|^2 + \frac{T}{1 - \rho + \rho T}
      \|\bar f\|^2`: with a linear kernel and :math:`\rho` towards 1, the penalty
      "mean" of `MultiTaskLinear` with the mean itself slightly penalised. In general
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
    Otherwise it is a Cholesky factorisation of a matrix with a row and a column a label (for
    "learned", in every iteration). Above 1 GiB for that matrix, about 11 500 labels, `fit`
    raises ValueError.

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
        "alpha": [Interval(Real, 0, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="left"), None],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
        "task_kernel": [StrOptions(set(TASK_KERNELS)), "array-like"],
        "similarity": [Interval(Real, 0, 1, closed="both")],
        "adjacency": ["array-like", None],
        "tasks": [str, Task, "array-like", dict],
        "task_feature": [Integral, str, None],
        "unknown_task": [StrOptions({"error", "shared"})],
        "fit_intercept": ["boolean"],
        "task_weight": [StrOptions({"labels"}), "array-like", dict, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        kernel="rbf",
        *,
        alpha=1.0,
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        task_kernel="mean",
        similarity=0.5,
        adjacency=None,
        tasks="auto",
        task_feature=None,
        unknown_task="error",
        fit_intercept=True,
        task_weight=None,
        max_iter=200,
        tol=1e-4,
    ):
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

    def _fit(self, X, targets):
        require_squared_loss(targets.tasks, type(self).__name__)
        self._check_parameters(X)
        n_tasks, known = targets.tasks.n_tasks, np.flatnonzero(targets.tasks.n_labels)
        B = self._task_kernel(known, targets.tasks.names.tolist())
        self._used_rows = np.flatnonzero(targets.row_is_observed)
        given = X
        X, targets, weights = learnable(X, targets, self.task_weight)
        is_complete, label_weights = _labels(targets, weights)
        _check_memory(X.shape[0] if is_complete else len(label_weights[0]), is_complete)
        if self.kernel == "precomputed":
            X = X[:, self._used_rows]
        self._shift = self._large_means(X)
        problem = KernelProblem(
            self._kernel(X),
            label_weights,
            self.alpha,
            centred=self.fit_intercept,
            is_complete=is_complete,
        )
        own = np.ix_(known, known)
        self.__dict__.pop("task_covariance_", None)
        if isinstance(self.task_kernel, str) and self.task_kernel == "learned":
            B, duals = self._learn(problem)
            self.task_covariance_ = np.zeros((n_tasks, n_tasks))
            self.task_covariance_[own] = B / len(known)
        else:
            duals = problem.solve(B)
            self.dual_gap_, self.n_iter_ = 0.0, 1
        # Not the caller's array, which may change.
        self.X_fit_ = X.copy() if X is given else X
        self.task_kernel_, self.intercept_ = np.zeros((n_tasks, n_tasks)), np.zeros(n_tasks)
        self.task_kernel_[own] = B
        self.intercept_[known] = problem.intercepts(duals, B)
        self._publish_duals(duals, problem.rows, known[problem.tasks])

    def _task_kernel(self, known, names):
        given = [
            matrix_by_task(getattr(self, name), names, name)
            for name in ("task_kernel", "adjacency")
        ]
        return make_task_kernel(given[0], known, len(names), self.similarity, given[1])

    def _learn(self, problem):
        max_gap = self.tol * problem.null_loss
        B, duals, self.dual_gap_, self.n_iter_ = learn_task_kernel(
            problem, max_gap=max_gap, max_iter=self.max_iter
        )
        if self.dual_gap_ > max_gap:
            warn(
                f"{self.n_iter_} iterations (max_iter={self.max_iter}) end with a duality gap of "
                f"{self.dual_gap_:.3g}; tol={self.tol:g} asks for at most {max_gap:.3g} (tol times "
                "the loss of a constant prediction). Increase max_iter or raise tol.",
                ConvergenceWarning,
            )
        return B, duals

    def _publish_duals(self, duals, rows, tasks):
        if self._task_set.is_long:
            self.dual_coef_, self._task_of_row = duals, tasks
            return
        self.dual_coef_ = np.zeros((self.X_fit_.shape[0], self._task_set.n_tasks))
        self.dual_coef_[rows, tasks] = duals
        if self._task_set.is_1d:
            self.dual_coef_ = self.dual_coef_[:, 0]

    def _kernel(self, X, Y=None):
        if self.kernel == "precomputed":
            return X.toarray() if hasattr(X, "toarray") else X
        if self._shift is not None:
            X, Y = shifted(X, self._shift), None if Y is None else shifted(Y, self._shift)
        if callable(self.kernel):
            options = self.kernel_params or {}
        else:
            names = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
            options = {"filter_params": True, **names}
        K = pairwise_kernels(X, Y, metric=self.kernel, **options)
        return np.asarray(K.toarray() if hasattr(K, "toarray") else K, dtype=np.float64)

    def _large_means(self, X):
        """What to take off X first, (n_features,), where that does not change the functions."""
        if self.kernel != "rbf" and not (self.kernel == "linear" and self.fit_intercept):
            return None
        mean = np.asarray(X.mean(axis=0)).ravel()
        shift = large_means(X, mean, np.ones(X.shape[0]))
        return shift if shift.any() else None

    def _check_parameters(self, X):
        if isinstance(self.task_kernel, str) and self.task_kernel == "learned" and not self.alpha:
            raise ValueError("task_kernel='learned' needs alpha > 0: without it, B has no effect.")
        if self.kernel != "precomputed":
            return
        if self.task_feature is not None:
            raise ValueError("kernel='precomputed' needs one column of y a task, no task_feature.")
        if X.shape[0] != X.shape[1]:
            raise ValueError(f"A precomputed kernel is square in fit; X has shape {X.shape}.")

    def _expected(self, X, task_index):
        X = X.astype(np.float64, copy=False)
        if self.kernel == "precomputed":
            X = X[:, self._used_rows]
        predict = self._raw_wide if task_index is None else self._raw_long
        raw = [
            predict(self._kernel(X[rows], self.X_fit_), rows, task_index)
            for rows in gen_batches(X.shape[0], ROWS_AT_ONCE)
        ]
        return self._task_set.inverse_link(np.vstack(raw), task_index)

    def _raw_wide(self, K, rows, task_index):
        duals = self.dual_coef_.reshape(len(self.dual_coef_), -1)
        return K @ (duals @ self.task_kernel_) + self.intercept_

    def _raw_long(self, K, rows, task_index):
        # One task more, the mean of those with labels: where the index is -1, an unknown task.
        known = self._task_set.n_labels > 0
        B = np.vstack([self.task_kernel_, self.task_kernel_[known].mean(axis=0)])
        b = np.append(self.intercept_, self.intercept_[known].mean())
        coef = B[np.ix_(task_index[rows], self._task_of_row)] * self.dual_coef_
        return (np.einsum("ij,ij->i", K, coef) + b[task_index[rows]])[:, None]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags


def _labels(targets, weights):
    """Whether labels are complete with the same weights, and (rows, tasks, values, weights)."""
    if targets.task_index is not None:
        rows = np.arange(len(weights))
        return False, (rows, targets.task_index, targets.values, weights)
    is_complete = bool((targets.weights == targets.weights[:, :1]).all())
    tasks, rows = np.nonzero(targets.weights.T)
    return is_complete, (rows, tasks, targets.values[rows, tasks], weights[rows, tasks])


def _check_memory(n_rows, is_complete):
    if 8 * n_rows**2 > MAX_KERNEL_BYTES:
        what = "rows" if is_complete else "labels"
        raise ValueError(
            f"The kernel of {n_rows} {what} takes {8 * n_rows**2 / 2**30:.1f} GiB, the limit is "
            f"{MAX_KERNEL_BYTES / 2**30:g} GiB. Fit on fewer rows, or approximate: "
            "make_pipeline(Nystroem(), MultiTaskLinear('mean')) with "
            "sklearn.kernel_approximation.Nystroem."
        )
