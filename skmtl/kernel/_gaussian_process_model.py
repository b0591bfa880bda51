"""A Gaussian process of many tasks as it is fitted, and as it predicts."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._random import read_random_state
from skmtl._warnings import warn
from skmtl.kernel._feature_scaling import FeatureScaling
from skmtl.kernel._gaussian_predictions import GaussianPredictions
from skmtl.kernel._later_tasks import GrowsKernelTasks
from skmtl.kernel._task_kernels import checked_matrix
from skmtl.kernel.gaussian._cells import Cells, distinct_rows
from skmtl.kernel.gaussian._complete import Complete
from skmtl.kernel.gaussian._default_kernel import default_kernel
from skmtl.kernel.gaussian._hyper_parameters import Likelihood, Prior
from skmtl.kernel.gaussian._incomplete import Incomplete
from skmtl.kernel.gaussian._iterative import LargePosterior, is_large
from skmtl.kernel.gaussian._likely import Found, most_likely
from skmtl.kernel.gaussian._part import rows_to_search
from skmtl.kernel.gaussian._reading import check_memory, differ, read_noise
from skmtl.kernel.gaussian._start import start_of_tasks
from skmtl.kernel.gaussian._task_covariances import Shared, TaskCovariance, task_covariance
from skmtl.kernel.gaussian._unsure import Unsure
from skmtl.linear.objective._squared_loss import require_squared_loss
from skmtl.linear.objective._training_data import learnable
from skmtl.tasks._by_name import matrix_by_task
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

TOL = 1e-9
"""Relative gain in the likelihood at which the search ends."""


class GaussianProcessModel(GaussianPredictions, GrowsKernelTasks, MultiTaskEstimator):
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
    _likelihood: Likelihood | None
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
        self._posterior = self._likelihood = self._unsure = None
        if len(self._known):
            design = np.ones((len(self._known), 1)) if is_long else np.eye(len(self._known))
            design = design[:, : design.shape[1] * self.fit_intercept]
            self._learn(cells, design, X, names)
        self._publish_prior(len(names))

    def _kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        if self._posterior is None:
            return None
        return np.asarray(self.kernel_(self._scaled(X), self._scaled(anchors)))

    def _cells(self, X: Any, targets: Targets) -> tuple[Cells, Array]:
        """Labels of tasks with something to learn, and the distinct rows they are on."""
        counts, is_long = numbers_of_labels(targets), targets.tasks.is_long
        known = np.flatnonzero(self._n_labels > 0)
        rows, columns = np.nonzero(counts)
        tasks = columns if targets.task_index is None else targets.task_index[rows]
        values = targets.values.reshape(counts.shape)[rows, columns]
        counts = counts[rows, columns]
        if self.fit_intercept:
            # Labels that are all the same are their mean, and nothing else.
            group = np.zeros_like(tasks) if is_long else tasks
            is_varied = differ(group, values, targets.tasks.tasks)
            known = known[np.repeat(is_varied, len(known)) if is_long else is_varied]
            used, place = is_varied[group], np.cumsum(is_varied) - 1
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

    def _learn(self, cells: Cells, design: Array, X: Array, names: list[Any]) -> None:
        """Find the hyper-parameters, and what the labels tell for them."""
        check_memory(len(X))
        kernel = self._kernel_at_start(X.shape[1])
        kept = rows_to_search(cells, kernel.n_dims)
        some, of_some = (cells, X) if kept is None else (cells.take(kept), X[kept])
        system = _system(some, design)
        B, noise, family, one_noise = self._first_guess(some, len(cells.rows), names)
        self._likelihood = Likelihood(kernel, of_some, system, family, one_noise)
        prior, self.n_iter_ = Prior(kernel, B, noise), 0
        self._theta = self._likelihood.theta_of(prior)
        if self.optimizer is not None:
            found = self._search(self._theta)
            self._theta, self.n_iter_ = found.theta, found.n_iter
            prior = self._likelihood.prior(found.theta)
        self.kernel_, self._B, self._noise = prior
        self.X_fit_ = X
        decomposed = system.decompose(self.kernel_(of_some))
        evidence = system.evidence(decomposed, self._B, self._noise)
        if evidence is None:
            raise ValueError(
                "The covariance of the labels is singular: increase noise, or choose a kernel "
                "that is positive definite."
            )
        self.log_marginal_likelihood_value_ = evidence.value
        # Parameters that are given are known.
        if self.optimizer is not None:
            self._unsure = Unsure.of(self._likelihood, self._theta)
        if kept is None:
            self._posterior = system.posterior(decomposed, self._B, self._noise)
            return
        K = self.kernel_(X)
        if is_large(cells):
            part = system.posterior(decomposed, self._B, self._noise), kept
            all_of_it = K, self._B, self._noise
            self._posterior = LargePosterior.of(cells, design, all_of_it, part)
        else:
            system = _system(cells, design)
            self._posterior = system.posterior(system.decompose(K), self._B, self._noise)

    def _first_guess(
        self, cells: Cells, n_labels: int, names: list[Any]
    ) -> tuple[Array, Array, TaskCovariance, bool]:
        """A task covariance and noise, their family, and whether noise is one for all tasks."""
        known, scale = self._known, self._scale[self._known]
        B, noise = start_of_tasks(cells)
        structure, kind_of_noise = self.task_covariance, self.noise
        if not isinstance(structure, (str, Integral)):
            given = matrix_by_task(structure, names, "task_covariance")
            given = checked_matrix(given, len(names), "task_covariance")
            B, structure = given[np.ix_(known, known)] / np.outer(scale, scale), "full"
        if not isinstance(self.noise, str):
            noise, kind_of_noise = read_noise(self.noise, names)[known] / scale**2, "task"
        family = task_covariance(structure, len(known), n_labels)
        if kind_of_noise == "auto":
            kind_of_noise = "shared" if isinstance(family, Shared) else "task"
        return B, noise, family, kind_of_noise == "shared"

    def _kernel_at_start(self, n_features: int) -> Any:
        if self.kernel is None:
            return default_kernel(n_features, is_long=self._task_set.is_long)
        return clone(self.kernel)

    def _search(self, start: Array) -> Found:
        """The best of the searches from ``start`` and from drawn kernels."""
        assert self._likelihood is not None
        rng, n = read_random_state(self.random_state), self._likelihood.kernel.n_dims
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
            self.kernel_ = self._kernel_at_start(self.n_features_in_)

    def log_marginal_likelihood(self, theta: Any = None, eval_gradient: bool = False) -> Any:
        r"""Logarithm of the likelihood of the standardised labels of the fit.

        Parameters
        ----------
        theta : array-like of shape (n_parameters,), default=None
            Hyper-parameters: ``kernel_.theta``, those of the task covariance (for "full" the
            lower triangle of C in :math:`B = CC'`, row by row; for a rank L, row by row, and
            logarithms of v; for "shared" logarithms of the covariance and of what the variance
            is beyond it) and logarithms of the noise. By default those of the fit.
        eval_gradient : bool, default=False
            Whether to return its slopes in theta.

        Returns
        -------
        log_likelihood : float
            The logarithm of the likelihood.
        gradient : ndarray of shape (n_parameters,)
            Its slopes; if ``eval_gradient``.
        """
        check_is_fitted(self)
        if self._likelihood is None:
            raise ValueError("There is no likelihood: the labels of every task are all the same.")
        if theta is None and not eval_gradient:
            return self.log_marginal_likelihood_value_
        found = self._likelihood(self._theta if theta is None else np.asarray(theta, dtype=float))
        return found if eval_gradient else found[0]


def _system(cells: Cells, design: Array) -> Any:
    return (Complete if cells.is_complete else Incomplete)(cells, design)
