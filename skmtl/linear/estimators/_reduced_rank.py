"""Linear regression of many tasks through few directions of X."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl._warnings import warn
from skmtl.linear.cross_validation._low_rank_path import LowRankPath
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.estimators._directions import RepresentsDirections
from skmtl.linear.estimators._docs import SHARED
from skmtl.linear.estimators._linear_model import LinearPredictor
from skmtl.linear.estimators._streaming import Streaming
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._statistics import Statistics, gram_bytes, statistics_of
from skmtl.linear.objective._strengths import with_strengths
from skmtl.linear.objective._training_data import learnable, learnable_outputs
from skmtl.linear.penalties import L2
from skmtl.linear.solvers._closed_form import closed_form
from skmtl.linear.solvers._reduced_rank import LowRank, reduced_rank
from skmtl.linear.solvers._select import MAX_GRAM_BYTES
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet


@documented("", "", shared=SHARED)
class ReducedRankRegressor(
    MultiTaskRegressorMixin, Streaming, RepresentsDirections, LinearPredictor
):
    r"""Linear regression of many tasks with coefficients of low rank.

    Minimises over coefficients W (one column :math:`w_t` a task) and intercepts

    .. math:: \sum_t \frac{\omega_t}{\sum_i s_{ti}} \sum_i s_{ti} \,
        \tfrac12 (y_{ti} - x_i' w_t - b_t)^2 + \frac{\alpha}{2} \|W\|_F^2
        \quad \text{subject to} \quad \mathrm{rank}(W) \le r

    where s are the weights of the labels, 0 where unobserved, and :math:`\omega` is
    ``task_weight``. All tasks are predicted from the same r directions of X, the components;
    how much of each a task takes are its loadings [1]_. With a ridge on the product, not on
    the factors, :math:`\alpha` means what it means in `MultiTaskLinear` with "l2" [2]_.

    Parameters
    ----------
    rank : int, default=None
        Largest rank of the coefficients. None, or anything from min(n_features, n_tasks) on,
        sets no bound: the solution is ridge regression of each task.
    alpha : "auto" or float, default="auto"
        How strongly coefficients are pulled to 0; "auto" is the ridge of largest marginal
        likelihood, as in `MultiTaskLinear` with "l2". For complete labels and weights of 1 it is
        ``alpha * n_samples`` of :class:`~sklearn.linear_model.Ridge`.
    <task parameters>
    fit_intercept : bool, default=True
        Whether to fit an intercept for each task.
    task_weight : "labels", list of float, dict {task: weight} or None, default=None
        Weight of each task in the loss, 1 by default: a task with few labels counts as much as
        one with many. "labels" makes every label count the same. A task of weight 0 has no
        influence on the others.
    max_iter : int, default=1000
        Largest number of iterations, where there is no closed form.
    tol : float, default=1e-6
        Stop when an iteration decreases the objective by at most ``tol`` times the loss of
        constant predictions.
    half_life : float, default=None
        In `partial_fit`, how many rows later a row counts half: one that came k rows ago has
        :math:`2^{-k / h}` of its weight. Rows are those of all tasks, with labels or without. A
        task keeps what it knew until labels of its own come. None forgets nothing.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients, ``loadings_ @ components_``; 0 for a task without labels. Without the
        task feature in long form.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    components_ : ndarray of shape (rank_, n_features)
        Directions of X that the tasks share, ``X @ components_.T`` are the factors; by
        decreasing share in the fitted values.
    loadings_ : ndarray of shape (n_tasks, rank_)
        What each task takes of the components. Columns are orthonormal, the entry of largest
        magnitude is positive.
    alpha_ : float
        The strength of the ridge: what "auto" has become.
    rank_ : int
        Number of components: the smallest of ``rank``, the number of features and the number
        of tasks with labels.
    objective_ : ndarray of shape (n_iter_,)
        Objective after each iteration; it never increases.
    n_iter_ : int
        Iterations taken; 1 for a closed form.
    shared_coef_ : ndarray of shape (n_features,)
        Mean of the coefficients over tasks with labels. Only in long form.
    statistics_ : TaskStatistics
        What is left of the rows of `partial_fit`.
    history_ : dict of ndarray
        How well every chunk of `partial_fit` was predicted before it was learned: see
        `MultiTaskLinear`.
    <task attributes>

    See Also
    --------
    MultiTaskLinear : With "trace_norm", the convex relative: low rank by a penalty, certified.
    sklearn.cross_decomposition.PLSRegression : Directions that explain X and y.

    Notes
    -----
    If all tasks have the same rows and weights (complete labels), the solution is exact: with
    ridge coefficients R, centred X and :math:`V_r` the leading eigenvectors of
    :math:`R' (X' S X + \alpha I) R`, it is :math:`W = R V_r V_r'`. Otherwise the problem is
    not convex. Factors A of :math:`W = A B'` and B are then minimised exactly in turn, from
    the solution as if all tasks had the mean of their Gram matrices: the objective never
    increases and what is found cannot be improved in either factor alone, but it may not be
    the global minimum. `MultiTaskLinear` with "trace_norm" has no such doubt.

    A Gram matrix is kept for each distinct pattern of missing labels, up to 1 GiB in all;
    `fit` raises ValueError beyond. Fits are computed in float64 whatever the dtype of X.

    References
    ----------
    .. [1] A. J. Izenman, "Reduced-rank regression for the multivariate linear model", Journal
       of Multivariate Analysis 5, 1975.
    .. [2] A. Mukherjee and J. Zhu, "Reduced rank ridge regression and its kernel extensions",
       Statistical Analysis and Data Mining 4, 2011, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import ReducedRankRegressor
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
    >>> Y = (X @ [[1.0], [2.0]]) @ [[1.0, -1.0, 3.0]]  # one direction, three tasks
    >>> Y[0, 0] = Y[3, 1] = np.nan
    >>> model = ReducedRankRegressor(rank=1).fit(X, Y)
    >>> model.coef_.round(3)
    array([[ 1.,  2.],
           [-1., -2.],
           [ 3.,  6.]])
    """

    _parameter_constraints = {
        "rank": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        **constraints.TASKS,
        "fit_intercept": ["boolean"],
        **constraints.TASK_WEIGHT,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        rank: int | None = None,
        *,
        alpha: float | str = "auto",
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        fit_intercept: bool = True,
        task_weight: Any = None,
        max_iter: int = 1000,
        tol: float = 1e-6,
        half_life: float | None = None,
    ) -> None:
        self.rank = rank
        self.alpha = alpha
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.fit_intercept = fit_intercept
        self.task_weight = task_weight
        self.max_iter = max_iter
        self.tol = tol
        self.half_life = half_life

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to all those so far, and fit the model to all of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
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
        With ``half_life`` it is that of a fit in which the rows weigh less, the older they are.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def _fit(self, X: Any, targets: Targets) -> None:
        learned = learnable_outputs(targets.tasks)
        data, options = self._learnable(X, targets), FitOptions.of(self)
        statistics = self._statistics(*data)
        self.alpha_ = float(with_strengths(*data, L2(), options).alpha)
        found = self._low_rank(statistics, self.alpha_)
        self.rank_ = len(found.components)
        self.objective_, self.n_iter_ = found.objective, len(found.objective)
        coef, intercept = np.zeros((len(learned), X.shape[1])), np.zeros(len(learned))
        self.components_, self.loadings_ = found.components, np.zeros((len(learned), self.rank_))
        coef[learned], self.loadings_[learned] = found.W.T, found.loadings
        intercept[learned] = statistics.intercepts(found.W)
        self.coef_, self.intercept_ = coef, intercept
        self.__dict__.pop("shared_coef_", None)
        if self._task_set.is_long:
            self.shared_coef_ = coef[learned].mean(axis=0)
            self._shared_intercept = intercept[learned].mean(keepdims=True)

    def _learnable(self, X: Any, targets: Targets) -> tuple[Any, Targets, Any]:
        require_squared_loss(targets.tasks, type(self).__name__)
        return learnable(X, targets, self.task_weight)

    def _statistics(self, X: Any, targets: Targets, label_weights: Any) -> Statistics:
        _check_memory(gram_bytes(X, targets, label_weights))
        return statistics_of(X, targets, label_weights, centred=self.fit_intercept)

    def _low_rank(self, statistics: Statistics, alpha: float) -> LowRank:
        ridge, _ = closed_form(statistics, ridge=alpha, deviation=0.0, intercept_alpha=None)
        rank = min(min(ridge.shape), self.rank or np.inf)
        max_decrease = self.tol * 0.5 * float(statistics.squares.sum())
        found = reduced_rank(
            statistics, ridge, rank, alpha, max_decrease=max_decrease, max_iter=self.max_iter
        )
        if found.decrease > max_decrease:
            self._warn_of_max_iter(found.decrease, max_decrease)
        return found

    _fits_sums = True

    def _path_problem(self, X: Any, targets: Targets) -> LowRankPath:
        """What fits with any alpha solve."""
        return LowRankPath(self._low_rank, self._statistics(*self._learnable(X, targets)))

    def _path_problem_of_sums(self, sums: MergedStatistics, tasks: TaskSet) -> LowRankPath:
        """The same of columns of y, from what their rows add up to."""
        model = PathModel(L2(), FitOptions.of(self), self.task_weight)
        return LowRankPath(self._low_rank, PathProblem.of_statistics(model, sums, tasks).X)

    @property
    def _is_low_rank(self) -> bool:
        return True

    def _directions(self) -> Any:
        return self.components_

    def _add_rows(self, position: int, head: Any) -> None:
        super()._add_rows(position, head)
        loading = self.coef_[position] @ np.linalg.pinv(self.components_)
        self.loadings_ = np.insert(self.loadings_, position, loading, axis=0)

    def _drop_rows(self, position: int) -> None:
        super()._drop_rows(position)
        self.loadings_ = np.delete(self.loadings_, position, axis=0)

    def _warn_of_max_iter(self, decrease: float, max_decrease: float) -> None:
        last = f"decreased the objective by {decrease:.3g}"
        if not np.isfinite(decrease):
            last = "was the start"
        warn(
            f"max_iter={self.max_iter} iterations reached; the last one {last}, "
            f"tol={self.tol:g} asks for at most {max_decrease:.3g} (tol times the loss of a "
            "constant prediction). Increase max_iter or alpha, or raise tol.",
            ConvergenceWarning,
        )


def _check_memory(n_bytes: float) -> None:
    if n_bytes > MAX_GRAM_BYTES:
        raise ValueError(
            f"ReducedRankRegressor keeps a Gram matrix for each pattern of missing labels: here "
            f"{n_bytes / 2**30:.1f} GiB, the limit is {MAX_GRAM_BYTES / 2**30:.0f} GiB. Reduce the "
            "features (sklearn.decomposition.TruncatedSVD), or use MultiTaskLinear('trace_norm')."
        )
