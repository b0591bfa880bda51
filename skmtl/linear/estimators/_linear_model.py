"""What the linear models of all task types have in common: fit, warm starts, predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._base import MultiTaskEstimator
from skmtl._grown import with_added_tasks
from skmtl.linear.cross_validation._held_out_alpha import held_out_alpha
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.estimators._directions import RepresentsDirections
from skmtl.linear.estimators._stored import working_statistics
from skmtl.linear.estimators._zero import warn_of_zero
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._options import FitOptions, Origin
from skmtl.linear.objective._parameters import compares_tasks, penalty_meant, read_penalty
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._strengths import with_strengths
from skmtl.linear.objective._training_data import learnable, learnable_outputs, learnable_tasks
from skmtl.linear.penalties import PENALTIES, TraceNorm
from skmtl.linear.solvers._coefficients import (
    Coefficients,
    LinearRows,
    coefficients_of,
    use_units_of_y,
    warm_start_of,
)
from skmtl.linear.solvers._fit import fit_linear
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._shapes import set_shapes
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Link, TaskSet

Array = NDArray[Any]

CHOOSERS = {
    "any": "MultiTaskLinearCV",
    "regression": "MultiTaskLinearRegressorCV",
    "classification": "MultiTaskLinearClassifierCV",
}
"""What chooses alpha, by the types of task."""


class LinearPredictor(MultiTaskEstimator):
    """Predicts from ``coef_`` and ``intercept_``; unknown tasks from ``shared_coef_``."""

    coef_: Array
    intercept_: Array
    shared_coef_: Array
    _shared_intercept: Array

    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        return self._task_set.inverse_link(self._raw(X, task_index), task_index, link)

    @with_added_tasks
    def _raw(self, X: Any, task_index: Array | None) -> Array:
        """Raw scores (n_samples, n_outputs)."""
        rows = LinearRows(X.astype(np.float64, copy=False), task_index, self._task_set.n_tasks)
        shared = () if task_index is None else (self.shared_coef_, self._shared_intercept)
        (raw,) = rows.raw_scores([Coefficients(self.coef_, self.intercept_, None, *shared)])
        return raw


class LinearModel(RepresentsDirections, LinearPredictor):
    """Loss plus alpha times a penalty, certified by a duality gap."""

    penalty: Any
    alpha: Any
    fit_intercept: bool
    task_weight: Any
    scale_targets: Any
    tol: float
    warm_start: bool
    _origin: Origin = None
    # Rows are as good as columns: what a solver needs, it asks for.
    _sparse_formats = ("csr", "csc")

    @property
    def _standardize(self) -> bool | str:  # type: ignore[override]
        return "mixed" if self.scale_targets == "auto" else self.scale_targets

    @property
    def _is_low_rank(self) -> bool:
        penalty = penalty_meant(self)
        return isinstance(penalty, TraceNorm) or penalty == TraceNorm.alias

    @property
    def _about_zero(self) -> bool:  # type: ignore[override]
        return not self.fit_intercept

    def _fit(self, X: Any, targets: Targets) -> None:
        tasks, n_features = targets.tasks, X.shape[1]
        penalty = read_penalty(self, tasks, n_features)
        warm = self._warm_coefficients(n_features, len(penalty.parts()))
        if not learnable_outputs(tasks).any():
            targets.task_weights(self.task_weight)  # a wrong one is an error all the same
            self._publish_fit(FitOptions.of(self), n_features, None)
            return
        X, labelled, label_weights = learnable(X, targets, self.task_weight)
        penalty = penalty.for_tasks(np.flatnonzero(learnable_tasks(tasks)), tasks.n_tasks)
        data, options = (X, labelled, label_weights, penalty), FitOptions.of(self)
        options = self._with_strengths(*data, options)
        fitted = fit_linear(*data, options, warm)
        self._publish_fit(options, n_features, fitted)
        if not fitted.W.any():
            largest, _ = alpha_max(*data, options)
            chooser = CHOOSERS[self._kind]
            warn_of_zero(options.alpha, largest, X, labelled.values, tol=self.tol, chooser=chooser)

    def _with_strengths(
        self, X: Any, targets: Targets, label_weights: Any, penalty: Any, options: FitOptions
    ) -> FitOptions:
        """The options with a number for each "auto"."""
        if isinstance(X, StoredRows):
            if "auto" not in (options.alpha, options.shared_alpha, options.intercept_alpha):
                return options
            fit_intercept = options.fit_intercept
            work = working_statistics(X, targets, label_weights, fit_intercept=fit_intercept)
            return with_strengths(work, targets, None, penalty, options)
        choose: Any = held_out_alpha
        if isinstance(X, StreamStatistics):
            # What is summed up has no rows to hold out, but the source that it is of may.
            choose = vars(self).get("_choose")
        return with_strengths(X, targets, label_weights, penalty, options, choose)

    def _path_problem(self, X: Any, targets: Targets) -> PathProblem | None:
        """What fits with any alpha solve; None where there is nothing to learn."""
        read_penalty(self, targets.tasks, X.shape[1])
        model = clone(self)
        model._choose_strengths(X, targets)
        return PathProblem.of_rows(PathModel.of(model), X, targets)

    def _path_problem_of_sums(self, sums: MergedStatistics, tasks: TaskSet) -> PathProblem:
        """The same of columns of y, from what their rows add up to."""
        read_penalty(self, tasks, sums.n_features)
        return PathProblem.of_statistics(PathModel.of(self), sums, tasks)

    @property
    def _fits_sums(self) -> bool:
        """Whether what it fits to columns of y is known from sums: no strength is chosen."""
        if self.scale_targets is True:
            return False
        penalty = penalty_meant(self)
        penalty = PENALTIES[penalty]() if isinstance(penalty, str) else penalty
        return not (self.center or compares_tasks(penalty))

    def _publish_of_path(
        self, problem: PathProblem | None, n_features: int, fitted: LinearFit | None
    ) -> None:
        """Set what a fit of a path has found."""
        # Strengths that were chosen are in those of the path.
        options = FitOptions.of(self) if problem is None else problem.options
        self._publish_fit(replace(options, alpha=self.alpha), n_features, fitted)

    def _choose_strengths(self, X: Any, targets: Targets) -> None:
        """Set what is "auto" beside alpha, for all fits of a search."""
        tasks, self._origin = targets.tasks, None
        if not learnable_outputs(tasks).any():
            return
        penalty = read_penalty(self, tasks, X.shape[1])
        X, labelled, label_weights = learnable(X, targets, self.task_weight)
        penalty = penalty.for_tasks(np.flatnonzero(learnable_tasks(tasks)), tasks.n_tasks)
        options = replace(FitOptions.of(self), alpha=1.0)
        options = with_strengths(X, labelled, label_weights, penalty, options)
        self.set_params(shared_alpha=options.shared_alpha, intercept_alpha=options.intercept_alpha)
        self._origin = options.origin

    def _publish_fit(self, options: FitOptions, n_features: int, fitted: LinearFit | None) -> None:
        """Set what a fit has found; None where there was nothing to learn."""
        for name in ("shared_coef_", "coef_components_", "task_covariance_"):
            self.__dict__.pop(name, None)
        self._publish_strengths(options)
        self.dual_gap_, self.n_iter_ = (0.0, 1) if fitted is None else (fitted.gap, fitted.n_iter)
        if fitted is not None and fitted.task_covariance is not None:
            self.task_covariance_ = fitted.task_covariance
        self._publish_coefficients(n_features, fitted)

    def _publish_strengths(self, options: FitOptions) -> None:
        """Set the numbers that "auto" stands for; NaN where there was nothing to learn."""
        for name in ("alpha", "shared_alpha", "intercept_alpha"):
            value = getattr(options, name)
            setattr(self, f"{name}_", float("nan") if isinstance(value, str) else float(value))

    def _publish_coefficients(self, n_features: int, fitted: LinearFit | None) -> None:
        """Set coefficients, intercepts and what is shared, in the units of y."""
        found = coefficients_of(fitted, self._task_set, n_features)
        set_shapes(self._task_set, fitted)
        self.coef_, self.intercept_ = found.coef, found.intercept
        if getattr(self, "positive", False):
            # What units and rounding have left below 0.
            self.coef_ = np.maximum(self.coef_, 0.0)
        if found.components is not None:
            self.coef_components_ = found.components
        if found.shared_coef is not None and found.shared_intercept is not None:
            self.shared_coef_, self._shared_intercept = found.shared_coef, found.shared_intercept
        use_units_of_y(self._task_set)

    def _warm_coefficients(self, n_features: int, n_parts: int) -> tuple[Array, ...] | None:
        """Coefficients of the previous fit and their parts, where they fit and are wanted."""
        tasks = self._task_set
        shape = len(learnable_outputs(tasks)), n_features
        if not self.warm_start or np.shape(getattr(self, "coef_", ())) != shape:
            return None
        components = getattr(self, "coef_components_", None)
        return warm_start_of(self.coef_, self.intercept_, components, tasks, n_parts)
