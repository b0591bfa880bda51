"""What the counterparts of scikit-learn's multi-task lassos have in common."""

from __future__ import annotations

from numbers import Integral, Number, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._by_blocks import by_blocks
from skmtl._grown import with_added_tasks
from skmtl._kinds import MultiTaskRegressorMixin
from skmtl._random import RANDOM_STATE
from skmtl.linear.cross_validation._elastic_net_errors import elastic_net_model
from skmtl.linear.cross_validation._elastic_net_path import (
    ElasticNetFit,
    ElasticNetOfSums,
    ElasticNetProblem,
)
from skmtl.linear.cross_validation._path import PathProblem
from skmtl.linear.estimators._later_tasks import GrowsLinearTasks
from skmtl.linear.estimators._zero import warn_of_zero
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.solvers._coefficients import coefficients_of
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

CONSTRAINTS = {
    "fit_intercept": ["boolean"],
    "copy_X": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "random_state": RANDOM_STATE,
    "selection": [StrOptions({"cyclic", "random"})],
}


class LassoModel(MultiTaskRegressorMixin, GrowsLinearTasks, MultiTaskEstimator):
    """Linear regression with 2-D y of numbers, and no further parameters on tasks."""

    # Not parameters here; the base class reads them.
    tasks = "auto"
    task_feature = None
    unknown_task = "error"

    fit_intercept: bool
    l1_ratio: Any
    tol: float

    @by_blocks
    def predict(self, X: Any) -> Array:
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

    def _predict(self, X: Any) -> Array:
        prediction: Array = self._raw(X, None)
        prediction[:, self._task_set.n_labels == 0] = np.nan
        return prediction

    @with_added_tasks
    def _raw(self, X: Any, task_index: Array | None) -> Array:
        return np.asarray(X @ self.coef_.T + self.intercept_)

    @property
    def _about_zero(self) -> bool:  # type: ignore[override]
        return not self.fit_intercept

    def _expected(self, X: Any, task_index: Array | None) -> list[Array]:
        return list(self._predict(X).T)

    def _read_y(
        self,
        X: Any,
        y: Any,
        task_column: Any,
        sample_weight: Any,
        classes: Any = None,
        standardize: bool | str | None = None,
    ) -> Targets:
        # One number is no weights, as scikit-learn has it.
        sample_weight = None if isinstance(sample_weight, Number) else sample_weight
        targets = super()._read_y(X, y, task_column, sample_weight, classes, standardize)
        if targets.tasks.is_1d:
            alone = type(self).__name__.removeprefix("MultiTask")
            raise ValueError(
                f"For mono-task outputs, use {alone}: y is 1-D. "
                "As one task it has one column, y.reshape(-1, 1)."
            )
        return targets

    def _problem(self, X: Any, targets: Targets) -> ElasticNetProblem:
        if isinstance(X, StreamStatistics):
            return ElasticNetOfSums(X, targets, FitOptions.of(self))
        return ElasticNetProblem(X, targets, FitOptions.of(self))

    def _warn_of_zero(
        self, problem: ElasticNetProblem, W: Array, alpha: float, l1_ratio: float, chooser: str
    ) -> None:
        """Warn if W is 0 where a smaller alpha would learn something."""
        if not W.any():
            largest, values = problem.alpha_max(l1_ratio), problem.targets.values
            warn_of_zero(alpha, largest, problem.X, values, tol=self.tol, chooser=chooser)

    _fits_sums = True

    def _path_problem(self, X: Any, targets: Targets) -> PathProblem | None:
        """What fits with any alpha solve; None where there is nothing to learn."""
        model = elastic_net_model(self.l1_ratio, FitOptions.of(self))
        return PathProblem.of_rows(model, X, targets)

    def _path_problem_of_sums(self, sums: MergedStatistics, tasks: TaskSet) -> PathProblem:
        """The same from what the rows add up to."""
        model = elastic_net_model(self.l1_ratio, FitOptions.of(self))
        return PathProblem.of_statistics(model, sums, tasks)

    def _publish_of_path(
        self, problem: PathProblem | None, n_features: int, fitted: LinearFit | None
    ) -> None:
        """Set what a fit of a path has found."""
        coef = coefficients_of(fitted, self._task_set, n_features)
        gap, n_iter = (0.0, 1) if fitted is None else (fitted.gap, fitted.n_iter)
        found = ElasticNetFit(coef.coef.T, coef.intercept, gap, n_iter)
        self._publish_fit(found, np.float64)

    def _publish_fit(self, fitted: ElasticNetFit, dtype: Any) -> None:
        """Set coefficients, in the dtype of X, and certificate."""
        self.coef_ = np.asarray(fitted.W.T, dtype=dtype)
        self.intercept_ = fitted.b.astype(dtype, copy=False) if self.fit_intercept else 0.0
        self.dual_gap_, self.n_iter_ = float(fitted.gap), int(fitted.n_iter)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags
