"""Kernel ridge regression of many tasks as it is fitted, and as it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._base import MultiTaskEstimator
from skmtl._grown import with_added_tasks
from skmtl._indexing import batches
from skmtl.kernel._choose_alpha import Choice, choose
from skmtl.kernel._labels import Labels
from skmtl.kernel._later_tasks import GrowsKernelTasks
from skmtl.kernel._learn import learn_task_kernel
from skmtl.kernel._problem import KernelProblem
from skmtl.kernel._raw_scores import raw_long, raw_wide
from skmtl.kernel._row_kernel import RowKernel, gamma_of_spread
from skmtl.kernel._task_kernels import SIMILARITIES, make_task_kernel
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._training_data import learnable
from skmtl.tasks._by_name import matrix_by_task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

ROWS_AT_ONCE = 2_000
"""Rows predicted at a time: bounds the memory beside X."""


class KernelRidgeModel(GrowsKernelTasks, MultiTaskEstimator):
    """Functions in the space of a kernel of rows and a task kernel."""

    kernel: Any
    alpha: Any
    gamma: Any
    degree: float
    coef0: float
    kernel_params: Any
    task_kernel: Any
    similarity: Any
    adjacency: Any
    task_feature: Any
    fit_intercept: bool
    task_weight: Any
    max_iter: int
    tol: float

    def _fit(self, X: Any, targets: Targets) -> None:
        require_squared_loss(targets.tasks, type(self).__name__)
        self._check_parameters(X)
        known = np.flatnonzero(targets.tasks.n_labels)
        task_kernels = self._task_kernels(known, targets.tasks.names.tolist())
        self._used_rows = np.flatnonzero(targets.row_is_observed)
        given = X
        X, targets, weights = learnable(X, targets, self.task_weight)
        labels = Labels.of(targets, weights)
        labels.check_memory(X.shape[0])
        if self.kernel == "precomputed":
            X = X[:, self._used_rows]
        self._row_kernel = self._make_row_kernel(X, labels)
        kernel = self._row_kernel(X)
        chosen = self._choose(kernel, labels, X, list(task_kernels.values()))
        self.alpha_, B = chosen.alpha, list(task_kernels.values())[chosen.position]
        self.__dict__.pop("similarity_", None)
        if (similarity := list(task_kernels)[chosen.position]) is not None:
            self.similarity_ = float(similarity)
        problem = KernelProblem(
            kernel, labels, self.alpha_, centred=self.fit_intercept, pooled=chosen.pooled
        )
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

    def _task_kernels(self, known: Array, names: list[Any]) -> dict[float | None, Array]:
        """Task kernels to choose from, by similarity; None is the only one without."""
        given, adjacency = (
            matrix_by_task(getattr(self, name), names, name)
            for name in ("task_kernel", "adjacency")
        )
        similarities: Sequence[Any] = (self.similarity,)
        if not isinstance(given, str) or given != "mean":
            similarities = (None,)
        elif self.similarity == "auto":
            # Without alpha nothing tells them apart, and one task has none.
            is_open = self.alpha != 0 and len(known) > 1
            similarities = SIMILARITIES[self._task_set.is_long][: None if is_open else 1]
        return {
            similarity: make_task_kernel(given, known, len(names), similarity, adjacency)
            for similarity in similarities
        }

    def _choose(self, kernel: Array, labels: Labels, X: Any, task_kernels: list[Array]) -> Choice:
        """alpha, the task kernel, and whether tasks have one intercept."""
        is_given = not isinstance(self.alpha, str)
        if is_given and len(task_kernels) == 1:
            return Choice(float(self.alpha), False, 0)
        return choose(
            kernel,
            labels,
            task_kernels,
            X,
            alpha=float(self.alpha) if is_given else None,
            centred=self.fit_intercept,
            may_pool=not is_given and self.fit_intercept and self._task_set.is_long,
        )

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
        for rows in batches(X.shape[0], ROWS_AT_ONCE):
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
