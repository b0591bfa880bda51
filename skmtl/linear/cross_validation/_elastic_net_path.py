r"""The elastic net of many tasks, with alpha_max and paths of decreasing alpha.

.. math:: \sum_t \frac{1}{2 \sum_i s_{ti}} \sum_i s_{ti} (y_{ti} - x_i' w_t - b_t)^2
          + \alpha \Bigl( \rho \sum_j \|W_{j \cdot}\|_2 + \tfrac{1 - \rho}{2} \|W\|_F^2 \Bigr)

Block descent solves it where the tasks share their rows and the weights of these. With labels
missing here and there every task has a Gram matrix of its own, and without the norms the
problem is linear: `fit_linear` takes these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skmtl._range import power_of_two
from skmtl._warnings import warn
from skmtl.linear.cross_validation._alpha_grid import alpha_grid
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._statistics import Statistics, gram_bytes
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._training_data import check_range
from skmtl.linear.penalties import ElasticNet
from skmtl.linear.solvers._fit import fit_linear
from skmtl.linear.solvers._select import fits_in_grams
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

SMALLEST_MARGIN, LOOSE = 0.02, 1e-4


def path_margin(tol: float) -> float:
    """To which part of the gap allowed the fits along a path go.

    Scikit-learn looks at the gap only when no coefficient moves by more than ``tol``. At its
    default that says less than the gap (errors along a path are further off than ours), below it
    says more, with more samples than features: errors are compared with its errors.
    """
    return min(1.0, max(SMALLEST_MARGIN, tol / LOOSE))


class ElasticNetFit(NamedTuple):
    """W (p, T) and b (T,), 0 for tasks without labels; duality gap and iterations."""

    W: Array
    b: Array
    gap: float
    n_iter: int


def _in_range(targets: Targets) -> Targets:
    """The same with weights whose sums of squares stay in range: only their ratios matter."""
    if targets.is_complete and all(power_of_two(w) == 1.0 for w in targets.extreme_weights):
        return targets
    units = [power_of_two(largest) for largest in targets.weights.max(axis=0)]
    if all(unit == 1.0 for unit in units):
        return targets
    return replace(targets, weights=targets.weights / units)


class ElasticNetProblem:
    """Rows and tasks with labels, ready to be fitted at any alpha.

    Parameters
    ----------
    X : {ndarray, CSR} of shape (n_samples, n_features)
        Features.
    targets : Targets
        Labels of regression tasks, wide. Tasks without positive weight here are left out.
    options : FitOptions
        Whether each task has an intercept; ``tol`` and ``max_iter`` of the fits.

    Attributes
    ----------
    has_labels : ndarray of bool, shape (n_tasks,)
        Tasks that are fitted.
    squares : float
        Sum over tasks of the weighted mean of the squared (centred) labels.
    """

    def __init__(self, X: Any, targets: Targets, options: FitOptions) -> None:
        # Along short rows `any` takes long.
        if targets.is_complete:
            self.has_labels: Any = np.ones(targets.values.shape[1], bool)
        else:
            self.has_labels, rows = (targets.weights > 0).any(axis=0), targets.row_is_observed
            X, targets = (X, targets) if rows.all() else (X[rows], targets.take(rows))
        self.X = X.astype(np.float64, copy=False)
        self.targets = _in_range(targets.select(np.flatnonzero(self.has_labels)))
        check_range(self.X, self.targets)
        self.options = options
        values = self.targets.values
        self.y_mean = self._means(values) if options.fit_intercept else np.zeros(values.shape[1])
        self.centred = values - self.y_mean
        if self.targets.has_equal_weights:
            self.squares = float(np.vdot(self.centred, self.centred)) / len(values)
        else:
            self.squares = float(self._means(np.square(self.centred)).sum())

    def _means(self, values: Array) -> Array:
        """Weighted mean per task; not by ``label_weights``, which round that of a constant."""
        if self.targets.has_equal_weights:
            return np.ones(len(values)) @ values / len(values)
        return np.einsum("nt,nt->t", self.targets.weights, values) / self._totals

    @cached_property
    def _totals(self) -> Any:
        """Sum of the weights of each task."""
        return self.targets.weights.sum(axis=0)

    @cached_property
    def label_weights(self) -> Any:
        """What each label counts: the weights of a task sum to 1."""
        return self.targets.label_weights()

    @property
    def is_shared(self) -> bool:
        """Whether all tasks have the same rows, weighted alike."""
        weights = self.targets.weights
        return self.targets.has_equal_weights or bool((weights == weights[:, :1]).all())

    def alpha_max(self, l1_ratio: float) -> float:
        """Smallest alpha with W = 0; inf for the ridge."""
        if not l1_ratio:
            return np.inf
        correlation = self.X.T @ (self.label_weights * self.centred)
        return np.sqrt((correlation**2).sum(axis=1).max()) / l1_ratio

    def alphas(self, l1_ratio: float, *, eps: float, n_alphas: int) -> Array:
        """Geometric grid from the smallest alpha with W = 0 to ``eps`` times it."""
        if l1_ratio == 0:
            raise ValueError(
                "Automatic alpha grid generation is not supported for l1_ratio=0. "
                "Please supply a grid by providing your estimator with the appropriate "
                "`alphas=` argument."
            )
        size = self._largest * np.sqrt(self.squares)
        return alpha_grid(self.alpha_max(l1_ratio), eps=eps, n_alphas=n_alphas, size=size)

    @property
    def _largest(self) -> float:
        """Largest number in X, about."""
        return float(np.abs(self.X).max())

    def path(
        self, alphas: Any, l1_ratio: float, warm: tuple[Array, Array] | None = None
    ) -> Iterator[ElasticNetFit]:
        """Yield a `ElasticNetFit` for each of the decreasing alphas, each from the one before.

        Ends at a gap of ``tol`` times `squares`, scikit-learn's limit, or with a warning.
        ``warm`` are (W, b) to start the first from.
        """
        if warm is not None:
            warm = warm[0][:, self.has_labels], warm[1][self.has_labels]
        alphas = np.asarray(alphas, dtype=np.float64)
        n_sparse = int((alphas * l1_ratio > 0).sum()) if self.is_shared else 0
        for solve, part in ((self._descend, alphas[:n_sparse]), (self._fit, alphas[n_sparse:])):
            if len(part):
                yield from solve(part, l1_ratio, warm)

    def _descend(
        self, alphas: Array, l1_ratio: float, warm: tuple[Array, Array] | None
    ) -> Iterator[ElasticNetFit]:
        """Block descent on sums, not means, over the rows: all but W is that much larger."""
        # On first use: importing numba takes longer than many a fit.
        from skmtl.linear.solvers._row_descent import row_path

        space, x_mean, total = self._space
        tol, max_iter = self.options.tol, self.options.max_iter
        W = np.zeros((len(x_mean), len(self.y_mean))) if warm is None else warm[0]
        allowed = tol * space.squares
        inner = tol * (path_margin(tol) if len(alphas) > 1 else 1.0)
        path = row_path(space, alphas * total, l1_ratio, W, tol=inner, max_iter=max_iter)
        for solution in path:
            if solution.gap > allowed and solution.n_iter >= max_iter:
                warn(
                    "Objective did not converge. You might want to increase the number of "
                    f"iterations (max_iter={max_iter}), scale the features (StandardScaler) or "
                    f"raise alpha. Duality gap: {solution.gap:.3e}, tolerance: {allowed:.3e}.",
                    ConvergenceWarning,
                )
            b = self.y_mean - x_mean @ solution.W
            yield self._with_all_tasks(solution.W, b, solution.gap / total, solution.n_iter)

    def _fit(
        self, alphas: Array, l1_ratio: float, warm: tuple[Array, Array] | None
    ) -> Iterator[ElasticNetFit]:
        """What block descent does not take: each alpha by the general machinery."""
        data, penalty = (self._statistics, self.targets, self.label_weights), ElasticNet(l1_ratio)
        # There ``tol`` is a share of half of `squares`: twice as strict.
        options = replace(
            self.options, margin=path_margin(self.options.tol) if len(alphas) > 1 else 1.0
        )
        for alpha in alphas.tolist():
            fitted = fit_linear(*data, penalty, replace(options, alpha=alpha), warm)
            warm = fitted.W, fitted.b
            yield self._with_all_tasks(fitted.W, fitted.b, fitted.gap, fitted.n_iter)

    @cached_property
    def _space(self) -> tuple[Any, Array, float]:
        """Space of the descent, means of X, and sum of the weights that all tasks share."""
        from skmtl.linear.solvers._row_descent import make_space

        weights = self.targets.weights[:, 0]
        total = weights.sum()
        if not self.options.fit_intercept:
            zeros = np.zeros(self.X.shape[1])
            return make_space(self.X, self.centred, weights, None), zeros, total
        x_mean = (self.X.T @ weights) / total
        return make_space(self.X, self.centred, weights, x_mean), x_mean, total

    @cached_property
    def _statistics(self) -> Any:
        """What all alphas need of the data: sufficient statistics, where they are small."""
        if not fits_in_grams(self.X.shape, gram_bytes(self.X, self.targets, self.label_weights)):
            return self.X
        return Statistics(
            self.X, self.targets, self.label_weights, centred=self.options.fit_intercept
        )

    def _with_all_tasks(self, W: Array, b: Array, gap: float, n_iter: int) -> ElasticNetFit:
        """`ElasticNetFit` with zeros for the tasks left out."""
        if not self.has_labels.all():
            n_tasks = len(self.has_labels)
            W_all, b_all = np.zeros((len(W), n_tasks)), np.zeros(n_tasks)
            W_all[:, self.has_labels], b_all[self.has_labels] = W, b
            W, b = W_all, b_all
        return ElasticNetFit(W, b, gap, n_iter)


class ElasticNetOfSums(ElasticNetProblem):
    """`ElasticNetProblem` of rows that are summed up already.

    Parameters
    ----------
    sums : StreamStatistics
        Of wide data, with the weights of the labels; uncentred without intercepts.
    targets : Targets
        Their tasks.
    options : FitOptions
        As for rows.
    """

    def __init__(self, sums: StreamStatistics, targets: Targets, options: FitOptions) -> None:
        self.has_labels, self.options = sums.omega > 0, options
        kept = np.flatnonzero(self.has_labels)
        total = np.where(self.has_labels, sums.omega, 1.0)
        self.total, self.label_weights = float(total[kept[0]]), None
        self.X = self.sums = sums.weighted(1.0 / total).select(kept)
        self.targets = replace(targets, tasks=targets.tasks.take(kept))
        self.y_mean, self.squares = self.sums.y_mean, float(self.sums.squares.sum())

    @property
    def is_shared(self) -> bool:
        """Whether all tasks have the same rows, weighted alike."""
        return len(self.sums.gram) == 1

    def alpha_max(self, l1_ratio: float) -> float:
        """Smallest alpha with W = 0; inf for the ridge."""
        if not l1_ratio:
            return np.inf
        return float(np.sqrt((self.sums.cross**2).sum(axis=1).max()) / l1_ratio)

    @property
    def _largest(self) -> float:
        sums = self.sums
        return float(np.sqrt((np.einsum("gjj->gj", sums.gram) + sums.x_mean**2).max()))

    @property
    def _space(self) -> tuple[Any, Array, float]:
        from skmtl.linear.solvers._spaces import GramSpace

        sums, total = self.sums, self.total
        space = GramSpace(total * sums.gram[0], total * sums.cross, total * self.squares)
        return space, sums.x_mean[0], total

    @property
    def _statistics(self) -> Any:
        return self.sums
