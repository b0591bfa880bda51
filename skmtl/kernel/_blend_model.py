"""A blend of kernels as it is fitted, published, and as it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._base import MultiTaskEstimator
from skmtl._grown import with_added_tasks
from skmtl._scored_columns import mean_score
from skmtl.kernel._blend import BlendFit
from skmtl.kernel._later_tasks import GrowsKernelTasks
from skmtl.kernel._options import read_options
from skmtl.kernel._search import best_of
from skmtl.kernel._tables import described, table
from skmtl.kernel._trial import Fold
from skmtl.linear.objective._training_data import learnable, learnable_tasks
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Link

Array = NDArray[Any]


class KernelBlendModel(GrowsKernelTasks, MultiTaskEstimator):
    """Functions of several kernels, blended by what they say of rows that are left out."""

    feature_scaling: Any

    def _fit(self, X: Any, targets: Targets, folds: list[Fold] | None = None) -> None:
        options, used = read_options(self), np.flatnonzero(targets.row_is_observed)
        if folds is not None:
            folds = [fold.within(used, X.shape[0]) for fold in folds]
        X, some, _ = learnable(X, targets, None)
        if targets.tasks.is_long:
            self._known = np.flatnonzero(targets.tasks.n_labels)
        else:
            self._known = np.flatnonzero(learnable_tasks(targets.tasks))
        self._blend = fitted = None
        if some.tasks.n_outputs:
            scale = self.feature_scaling is not None
            fitted = BlendFit.of(X, some, folds, options, scale=scale)
            self._blend = fitted.blend
        self._publish_choice(fitted, some, used, len(targets.values))

    def _publish_choice(
        self, fitted: BlendFit | None, targets: Targets, used: Array, n_samples: int
    ) -> None:
        """Set what was chosen, and what left-out rows say of it."""
        tasks, known = self._task_set, self._known
        best = fitted.choice.best if fitted else []
        nothing = tasks.inverse_link(np.zeros((n_samples, tasks.n_outputs)))
        self.out_of_fold_ = [np.full(of_task.shape, np.nan) for of_task in nothing]
        self.task_scores_ = np.full(len(tasks.tasks), np.nan)
        self.weights_ = np.zeros((len(best), tasks.n_tasks))
        self.alpha_ = np.full(self.weights_.shape, np.nan)
        self.best_params_ = {}
        if fitted:
            self.weights_[:] = fitted.weights.mean(axis=1, keepdims=True)
            self.weights_[:, known] = fitted.weights
            self.alpha_[:, known] = [trial.alphas for trial in best]
            self._publish_held_out(fitted.expected, targets, used)
            first = best.index(best_of(best))
            self.best_params_ = described(best[first], is_long=tasks.is_long)
            self.best_params_["alpha"] = self.alpha_[first]
        self.best_score_ = mean_score(self.task_scores_)
        self.kernels_ = table(best, is_long=tasks.is_long)
        self.kernels_["weight"] = [float(w.mean()) for w in self.weights_[:, known]]
        tried = fitted.choice.tried if fitted else []
        self.cv_results_ = table(tried, is_long=tasks.is_long)

    def _publish_held_out(self, expected: list[Array], targets: Targets, used: Array) -> None:
        """Set predictions of left-out rows, and their scores."""
        positions = [0] if self._task_set.is_long else self._known.tolist()
        for k, of_task, column in zip(positions, expected, targets.columns(), strict=True):
            seen = np.isfinite(of_task.reshape(len(of_task), -1)).all(axis=1)
            task, values, weights = column
            self.task_scores_[k] = task.score(of_task[seen], values[seen], weights[seen])
            self.out_of_fold_[k][used] = of_task

    def _kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        return None if self._blend is None else self._blend.kernel_of_rows(X, anchors)

    @with_added_tasks
    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        tasks = self._task_set
        expected = tasks.inverse_link(np.zeros((X.shape[0], tasks.n_outputs)), task_index, link)
        if self._blend is None:
            return expected
        if task_index is None:
            for t, of_task in zip(self._known.tolist(), self._blend(X, None, link), strict=True):
                expected[t] = of_task
            return expected
        # Tasks without labels are in no kernel; the last position is that of unknown ones.
        position = np.full(tasks.n_tasks + 1, -1)
        position[self._known] = np.arange(len(self._known))
        found = self._blend(X, position[task_index], link)[0]
        silent = (task_index >= 0) & (position[task_index] < 0)
        found[silent] = expected[0][silent]
        return [found]
