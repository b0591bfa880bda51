"""A Gaussian process of many tasks as it is fitted, and as it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skmtl._base import MultiTaskEstimator
from skmtl._warnings import warn
from skmtl.kernel._feature_scaling import FeatureScaling
from skmtl.kernel._gaussian_predictions import GaussianPredictions
from skmtl.kernel._task_kernels import checked_matrix
from skmtl.kernel.gaussian._cells import Cells, distinct_rows
from skmtl.kernel.gaussian._complete import Complete
from skmtl.kernel.gaussian._default_kernel import default_kernel
from skmtl.kernel.gaussian._hyper_parameters import Likelihood, Prior
from skmtl.kernel.gaussian._incomplete import Incomplete
from skmtl.kernel.gaussian._likely import Found, most_likely
from skmtl.kernel.gaussian._start import start_of_tasks
from skmtl.kernel.gaussian._task_covariances import task_covariance
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._training_data import learnable
from skmtl.tasks._by_name import matrix_by_task
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

TOL = 1e-9
"""Relative gain in the likelihood at which the search ends."""


class GaussianProcessModel(GaussianPredictions, MultiTaskEstimator):
    """Functions with a normal distribution over rows and tasks."""

    kernel: Any
    task_covariance: Any
    noise: Any
    fit_intercept: bool
    feature_scaling: Any
    optimizer: Any
    n_restarts_optimizer: int
    max_iter: int
    random_state: Any
    _standardize = True

    @property
    def _about_zero(self) -> bool:  # type: ignore[override]
        return not self.fit_intercept

    def _fit(self, X: Any, targets: Targets) -> None:
        require_squared_loss(targets.tasks, type(self).__name__)
        names, is_long = targets.tasks.names.tolist(), targets.tasks.is_long
        self._scale = np.array([task.scale_ for task in targets.tasks.tasks])
        if is_long:
            self._scale = np.full(len(names), self._scale[0])
        self._n_labels = targets.tasks.n_labels
        X, targets, _ = learnable(X, targets, None)
        cells, X = self._cells(X, targets)
        self._posterior = self._likelihood = None
        if len(self._known):
            design = np.ones((len(self._known), 1)) if is_long else np.eye(len(self._known))
            design = design[:, : design.shape[1] * self.fit_intercept]
            system = (Complete if cells.is_complete else Incomplete)(cells, design)
            self._learn(system, X, names)
        self._publish_prior(len(names))

    def _cells(self, X: Any, targets: Targets) -> tuple[Cells, Array]:
        """Labels of tasks with something to learn, and the distinct rows they are on."""
        counts, is_long = numbers_of_labels(targets), targets.tasks.is_long
        known = np.flatnonzero(self._n_labels > 0)
        rows, columns = np.nonzero(counts)
        tasks = targets.task_index[rows] if is_long else columns
        values = targets.values.reshape(counts.shape)[rows, columns]
        counts = counts[rows, columns]
        if self.fit_intercept:
            # Labels that are all the same are their mean, and nothing else.
            group = np.zeros_like(tasks) if is_long else tasks
            differ = np.zeros(group.max() + 1, dtype=bool)
            differ[group[values != 0.0]] = True
            known = known[differ if not is_long else np.repeat(differ, len(known))]
            used, place = differ[group], np.cumsum(differ) - 1
            rows, values, counts = rows[used], values[used], counts[used]
            tasks = tasks[used] if is_long else place[tasks[used]]
        self._known = known
        kept, rows = np.unique(rows, return_inverse=True)
        X = X[kept].toarray() if sparse.issparse(X) else X[kept]
        if not len(known):
            return Cells.of(rows, tasks, values, counts, (0, 0)), X
        share = np.bincount(rows, counts)
        self._scaling = FeatureScaling.of(X, share / share.sum(), scale=True)
        X, which = distinct_rows(self._scaled(X))
        shape = (len(X), len(known))
        return Cells.of(which[rows], tasks, values, counts, shape), X

    def _scaled(self, X: Any) -> Array:
        X = X.toarray() if sparse.issparse(X) else X
        return X.astype(np.float64) if self.feature_scaling is None else self._scaling(X)

    def _learn(self, system: Any, X: Array, names: list[Any]) -> None:
        """Find the hyper-parameters, and what the labels tell for them."""
        kernel = default_kernel(X.shape[1]) if self.kernel is None else clone(self.kernel)
        B, noise = start_of_tasks(system.cells)
        structure, scale = self.task_covariance, self._scale[self._known]
        if not isinstance(structure, (str, int)):
            given = matrix_by_task(structure, names, "task_covariance")
            given = checked_matrix(given, len(names), "task_covariance")
            B = given[np.ix_(self._known, self._known)] / np.outer(scale, scale)
            structure = "full"
        one_noise = False
        if not isinstance(self.noise, str):
            noise = np.broadcast_to(self.noise, len(names))[self._known] / scale**2
        n_labels = len(system.cells.rows)
        family = task_covariance(structure, len(self._known), n_labels)
        self._likelihood = Likelihood(kernel, X, system, family, one_noise)
        prior = Prior(kernel, B, np.asarray(noise))
        self.n_iter_ = 0
        if self.optimizer is None:
            theta = self._likelihood.theta_of(prior)
            value = self._likelihood(theta)[0]
        else:
            found = self._search(self._likelihood.theta_of(prior))
            theta, value, self.n_iter_ = found.theta, found.value, found.n_iter
            prior = self._likelihood.prior(theta)
        self.kernel_, self._B, self._noise = prior
        self._theta, self.log_marginal_likelihood_value_ = theta, value
        self.X_fit_ = X
        decomposed = system.decompose(self.kernel_(X))
        self._posterior = system.posterior(decomposed, self._B, self._noise)

    def _search(self, start: Array) -> Found:
        """The best of the searches from ``start`` and from drawn kernels."""
        assert self._likelihood is not None
        rng, n = check_random_state(self.random_state), self._likelihood.kernel.n_dims
        starts = [start]
        if self.n_restarts_optimizer and n:
            low, high = self._likelihood.kernel.bounds.T
            if not np.isfinite([low, high]).all():
                raise ValueError("n_restarts_optimizer needs finite bounds of the kernel.")
            starts += [
                np.concatenate([rng.uniform(low, high), start[n:]])
                for _ in range(self.n_restarts_optimizer)
            ]
        tries = [most_likely(self._likelihood, s, max_iter=self.max_iter, tol=TOL) for s in starts]
        best = max(tries, key=lambda found: found.value)
        if not best.converged:
            warn(
                f"max_iter={self.max_iter} steps reached before the most likely hyper-parameters "
                "were found. Increase max_iter, or choose a simpler task_covariance.",
                ConvergenceWarning,
            )
        return best

    def _publish_prior(self, n_tasks: int) -> None:
        """Set the prior in the units of y."""
        self.task_covariance_, self.noise_ = np.zeros((n_tasks, n_tasks)), np.full(n_tasks, np.nan)
        known, scale = self._known, self._scale[self._known]
        if len(known):
            self.task_covariance_[np.ix_(known, known)] = self._B * np.outer(scale, scale)
            self.noise_[known] = self._noise * scale**2
        else:
            self.log_marginal_likelihood_value_, self.n_iter_ = np.nan, 0
