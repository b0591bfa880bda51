"""Fits along a path of alphas: where it starts, and how a fit helps the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.linear.cross_validation._alpha_grid import alpha_grid
from skmtl.linear.cross_validation._ridge_path import RidgePath, has_ridge_path
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable, penalty_meant
from skmtl.linear.objective._penalty_part import PenaltyPart, parts_for
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.objective._setup import without_center
from skmtl.linear.objective._statistics import Statistics, gram_bytes
from skmtl.linear.objective._training_data import (
    learnable,
    learnable_outputs,
    learnable_tasks,
    vanishing_for_zero,
)
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import PENALTIES, Penalty
from skmtl.linear.solvers import Case
from skmtl.linear.solvers._fit import LinearFitter
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._select import fits_in_grams, select_solver
from skmtl.tasks._by_name import put_in_order
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import read_task_weight

Array = NDArray[Any]

QUADRATIC_RANGE = (1e3, 1e-5)
"""Largest and smallest alpha, relative to the curvature, where no alpha makes W vanish."""


@dataclass(frozen=True)
class PathModel:
    """What is fitted along a path: all but the data and alpha.

    Attributes
    ----------
    penalty : str or Penalty
        Penalty, in the names of all tasks.
    options : FitOptions
        How it is fitted.
    task_weight : "labels", list, dict or None, default=None
        Weights of the tasks in the loss.
    """

    penalty: str | Penalty
    options: FitOptions
    task_weight: Any = None

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """That of a `MultiTaskLinear`; of strengths that were not chosen, nothing is pulled."""
        names = ("shared_alpha", "intercept_alpha")
        given = {name: getattr(estimator, name, 0.0) for name in names}
        given = {name: 0.0 if value == "auto" else value for name, value in given.items()}
        return cls(
            penalty_meant(estimator), FitOptions.of(estimator, **given), estimator.task_weight
        )

    def penalty_of(self, kept: Array, names: list[Any]) -> Penalty:
        """The penalty on the tasks ``kept`` of those with these names."""
        penalty = self.penalty
        penalty = PENALTIES[penalty]() if isinstance(penalty, str) else clone(penalty)
        return put_in_order(penalty, names).for_tasks(kept, len(names))


class PathProblem:
    """What is fitted for every alpha: data with labels, their weights, the penalty.

    Parameters
    ----------
    X : ndarray or MergedStatistics
        Features, or what squared loss needs of the data.
    targets : Targets
        Labels, each task with labels and outputs.
    label_weights : ndarray or None
        What each label counts; None with statistics.
    penalty : Penalty
        Penalty on these tasks.
    options : FitOptions
        How it is fitted, whatever ``alpha``.
    """

    def __init__(
        self,
        X: Any,
        targets: Targets,
        label_weights: Array | None,
        penalty: Penalty,
        options: FitOptions,
    ) -> None:
        self.X, self.targets, self.label_weights = X, targets, label_weights
        self.penalty, self.options = penalty, options
        check_comparable(targets.tasks, penalty, options)
        self.basis = None
        if not isinstance(X, Statistics):
            self.X, self.basis = in_row_space(X, penalty, options)
            self.options = options.in_basis(self.basis)

    @classmethod
    def of_rows(
        cls, model: PathModel, X: Any, targets: Targets, *, on_rows: bool = False
    ) -> Self | None:
        """From validated data, as `MultiTaskLinear.fit` does; None if nothing can be learned.

        Statistics take the place of the rows where these are small, unless ``on_rows``.
        """
        if not learnable_outputs(targets.tasks).any():
            return None
        kept = np.flatnonzero(learnable_tasks(targets.tasks))
        penalty = model.penalty_of(kept, targets.tasks.names.tolist())
        X, labelled, label_weights = learnable(X, targets, model.task_weight)
        problem = cls(X, labelled, label_weights, penalty, model.options)
        X = problem.X
        if (
            not on_rows
            and labelled.tasks.has_squared_loss
            and fits_in_grams(X.shape, gram_bytes(X, labelled, label_weights))
        ):
            # Once for all alphas.
            centred = model.options.fit_intercept
            problem.X = Statistics(X, labelled, label_weights, centred=centred)
        return problem

    @classmethod
    def of_statistics(cls, model: PathModel, statistics: MergedStatistics, tasks: TaskSet) -> Self:
        """What `of_rows` makes of the rows of ``tasks``, from their statistics."""
        kept, names = np.flatnonzero(statistics.n_labels), tasks.names.tolist()
        omega = read_task_weight(model.task_weight, names, statistics.omega)
        factors = vanishing_for_zero(omega)[kept] / statistics.omega[kept]
        some = statistics.select(kept).weighted(factors)
        if not model.options.fit_intercept:
            some = some.uncentred()
        none = np.zeros((1, tasks.n_tasks))
        counted = TaskSet(tasks.tasks, tasks.names, statistics.n_labels)
        targets = Targets(counted, none, none).select(kept)
        return cls(some, targets, None, model.penalty_of(kept, names), model.options)

    @property
    def data(self) -> tuple[Any, Targets, Any]:
        """What fits get: features or statistics, targets, weights of the labels."""
        return self.X, self.targets, self.label_weights

    def alphas(self, n_alphas: int, eps: float) -> Array:
        """Geometric grid of ``n_alphas``, descending.

        It starts from the alpha at which the penalised part of W vanishes, and ends at ``eps``
        times that. For penalties that never make it vanish (quadratic ones), from 1e3 to 1e-5
        times the mean curvature of the loss over that of the penalty.
        """
        largest, scale = alpha_max(*self.data, self.penalty, self.options)
        if scale is not None:
            start, end = (bound * scale for bound in QUADRATIC_RANGE)
            return np.geomspace(start, end, n_alphas)
        size = self._size_of_products()
        return alpha_grid(largest, eps=eps, n_alphas=n_alphas, size=size)

    def _size_of_products(self) -> float:
        """How large products of features and labels are."""
        if isinstance(self.X, Statistics):
            return np.sqrt(np.einsum("gjj->gj", self.X.gram).max() * self.X.squares.max())
        return np.abs(self.X).max() * np.abs(self.targets.values).max()

    def solutions(self, alphas: Any) -> Iterator[LinearFit]:
        """`LinearFit` for each alpha; an iterative one starts from the solution before.

        Where one decomposition solves for all alphas, the certificate is left out.
        """
        found = self._solutions(np.asarray(alphas, dtype=np.float64))
        if self.basis is None:
            return found
        return (fitted.expanded(self.basis) for fitted in found)

    def _solutions(self, alphas: Array) -> Iterator[LinearFit]:
        parts = self.parts()
        if alphas.all() and isinstance(self.X, Statistics) and has_ridge_path(parts, self.options):
            yield from self._ridge_path(alphas)
        else:
            found = self._solver_path(parts, alphas) if alphas.all() else None
            yield from self._one_by_one(alphas) if found is None else found

    def _ridge_path(self, alphas: Array) -> Iterator[LinearFit]:
        options, n_tasks = self.options, self.targets.tasks.n_tasks
        intercept_alpha = options.intercept_alpha if options.fit_intercept else 0.0
        statistics = self.X.from_origin(options.origin) if intercept_alpha else self.X
        path = RidgePath(statistics, intercept_alpha)
        for alpha in alphas:
            (part,), weights = self.parts_on_W(alpha)
            W, b = path.solve(part.Q)
            b = b - (self.X.mean_product(W) - statistics.mean_product(W))
            weights = np.full(n_tasks, 1.0 / n_tasks) if weights is None else weights
            yield LinearFit(W, b, (W @ weights)[:, None], gap=np.nan, n_iter=1)

    def _one_by_one(self, alphas: Array) -> Iterator[LinearFit]:
        fitter = LinearFitter(*self.data, self.penalty, self.options)
        past: list[tuple[float, Start]] = []
        for alpha in alphas.tolist():
            fitted = fitter.fit(alpha, predicted(past, alpha))
            past = [*past[-1:], (alpha, fitted.warm)]
            yield fitted

    def parts(self, alpha: float = 1.0) -> list[PenaltyPart]:
        """Parts of the penalty times alpha."""
        n_features, tasks = self.X.shape[1], self.targets.tasks
        return parts_for(self.penalty, alpha, n_features, tasks, positive=self.options.positive)

    def parts_on_W(self, alpha: float) -> tuple[list[PenaltyPart], Array | None]:
        """The same on W itself, and weights of the tasks in w0, as `without_center` has them."""
        options, n_tasks = self.options, self.targets.tasks.n_tasks
        shared_alpha = options.shared_alpha if alpha else 0.0
        return without_center(
            self.parts(alpha), n_tasks, center=options.center, shared_alpha=shared_alpha
        )

    def _solver_path(self, parts: list[PenaltyPart], alphas: Array) -> Iterator[LinearFit] | None:
        """Fits of a solver that takes the whole path, else None."""
        tasks, options = self.targets.tasks, self.options
        if not tasks.has_squared_loss:
            return None
        case = Case(tasks, parts, self.penalty, options, gram_bytes(*self.data), len(alphas))
        return select_solver(case).path(*self.data, parts[0], options, alphas=alphas)


def predicted(past: Sequence[tuple[float, Start]], alpha: float) -> Start | None:
    """Where to look for the next solution, given at most two alphas with theirs.

    On the line through both, in the logarithm of alpha (predictor and corrector: Park and Hastie,
    "L1-regularization path algorithm for generalized linear models", JRSS B 69, 2007, section 2,
    with the line in alpha; this one is close for ridges too, that shrink like 1 / alpha where alpha
    is large). It goes no further than the last step, and what was zero stays zero.
    """
    if not past:
        return None
    (first, before), (last, found) = past[0], past[-1]
    if not first > last > alpha > 0:
        return found
    step = min(np.log(last / alpha) / np.log(first / last), 1.0)

    def ahead(then: Array, now: Array) -> Array:
        return np.where(now == 0.0, 0.0, now + step * (now - then))

    parts = found.parts
    if before.parts is not None and parts is not None:
        parts = ahead(before.parts, parts)
    return Start(ahead(before.W, found.W), ahead(before.b, found.b), parts)
