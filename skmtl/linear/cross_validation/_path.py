"""Fits along a path of alphas: where it starts, and how a fit helps the next."""

import numpy as np
from sklearn.base import clone

from skmtl.linear.cross_validation._ridge_path import SpectralPath, is_spectral
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.objective._statistics import Statistics, gram_bytes
from skmtl.linear.objective._training_data import learnable, learnable_outputs, learnable_tasks
from skmtl.linear.penalties import PENALTIES
from skmtl.linear.solvers import Case
from skmtl.linear.solvers._fit import fit_linear
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._select import fits_in_grams, select_solver
from skmtl.tasks._by_name import put_in_order
from skmtl.tasks._regression import Regression

QUADRATIC_RANGE = (1e3, 1e-5)
"""Largest and smallest alpha, relative to the curvature, where no alpha makes W vanish."""


def is_squared(tasks):
    """Whether all losses are squared."""
    return all(type(task) is Regression and task.loss == "squared" for task in tasks.tasks)


class PathProblem:
    """What is fitted for every alpha: data with labels, their weights, the penalty.

    Parameters
    ----------
    model : MultiTaskLinear
        Its parameters, but ``alpha``.
    X : ndarray or MergedStatistics
        Features, or what squared loss needs of the data.
    targets : Targets
        Labels, each task with labels and outputs.
    label_weights : ndarray or None
        What each label counts; None with statistics.
    kept : ndarray of int
        Tasks that are left.
    names : list
        Names of the tasks before.
    """

    def __init__(self, model, X, targets, label_weights, kept, names):
        self.model, self.X, self.targets, self.label_weights = model, X, targets, label_weights
        penalty = PENALTIES[model.penalty]() if isinstance(model.penalty, str) else model.penalty
        self.penalty = put_in_order(clone(penalty), names).for_tasks(kept, len(names))
        check_comparable(targets.tasks, self.penalty, model)
        self.basis = None
        if not isinstance(X, Statistics):
            self.X, self.basis = in_row_space(X, self.penalty, model)

    @classmethod
    def of_rows(cls, model, X, targets, *, on_rows=False):
        """From validated data, as `MultiTaskLinear.fit` does; None if nothing can be learned.

        Statistics take the place of the rows where these are small, unless ``on_rows``.
        """
        if not learnable_outputs(targets.tasks).any():
            return None
        kept = np.flatnonzero(learnable_tasks(targets.tasks))
        X, labelled, label_weights = learnable(X, targets, model.task_weight)
        problem = cls(model, X, labelled, label_weights, kept, targets.tasks.names.tolist())
        X = problem.X
        if (
            not on_rows
            and is_squared(labelled.tasks)
            and fits_in_grams(X.shape, gram_bytes(X, labelled, label_weights))
        ):
            # Once for all alphas.
            problem.X = Statistics(X, labelled, label_weights, centred=model.fit_intercept)
        return problem

    def alphas(self, n_alphas, eps):
        """Geometric grid of ``n_alphas``, descending.

        It starts from the alpha at which the penalised part of W vanishes, and ends at ``eps``
        times that. For penalties that never make it vanish (quadratic ones), from 1e3 to 1e-5
        times the mean curvature of the loss over that of the penalty.
        """
        largest, scale = alpha_max(
            self.X, self.targets, self.label_weights, self.penalty, self.model
        )
        if not np.isfinite(largest):
            start, end = (bound * scale for bound in QUADRATIC_RANGE)
            return np.geomspace(start, end, n_alphas)
        tiny = np.finfo(np.float64).resolution
        # What rounding leaves of nothing, in the units of X and y.
        if largest <= tiny * min(self._size_of_products(), 1.0):
            return np.full(n_alphas, tiny)
        return np.geomspace(largest, largest * eps, n_alphas)

    def _size_of_products(self):
        """How large products of features and labels are."""
        if isinstance(self.X, Statistics):
            return np.sqrt(np.einsum("gjj->gj", self.X.gram).max() * self.X.squares.max())
        return np.abs(self.X).max() * np.abs(self.targets.values).max()

    def solutions(self, alphas):
        """`LinearFit` for each alpha; an iterative one starts from the solution before.

        Where one decomposition solves for all alphas, the certificate is left out.
        """
        for fitted in self._solutions(alphas):
            yield fitted.expanded(self.basis)

    def _solutions(self, alphas):
        alphas = np.asarray(alphas, dtype=np.float64)
        parts = self.parts()
        if alphas.all() and (path := self._spectral_path(parts)):
            for alpha in alphas:
                W, b = path.solve(alpha)
                yield LinearFit(W, b, W.mean(axis=1, keepdims=True), gap=np.nan, n_iter=1)
        else:
            path = self._solver_path(parts, alphas) if alphas.all() else None
            yield from self._one_by_one(alphas) if path is None else path

    def _one_by_one(self, alphas):
        warm = None
        for alpha in alphas.tolist():
            self.model.alpha = alpha
            fitted = fit_linear(
                self.X, self.targets, self.label_weights, self.penalty, self.model, warm
            )
            warm = fitted.warm
            yield fitted

    def parts(self):
        """Parts of the penalty for alpha = 1."""
        shape, tasks = self.X.shape, self.targets.tasks
        return parts_for(self.penalty, 1.0, shape[1], tasks, positive=self.model.positive)

    def _solver_path(self, parts, alphas):
        """Fits of a solver that takes the whole path, else None."""
        tasks, options = self.targets.tasks, FitOptions.of(self.model)
        if not tasks.has_squared_loss:
            return None
        data = self.X, self.targets, self.label_weights
        case = Case(tasks, parts, self.penalty, options, gram_bytes(*data), len(alphas))
        return select_solver(case).path(*data, parts[0], options, alphas=alphas)

    def _spectral_path(self, parts):
        """`SpectralPath` where it applies, else None."""
        if not isinstance(self.X, Statistics) or not is_spectral(parts, self.model):
            return None
        return SpectralPath(self.X, parts[0].Q, center=self.model.center)
