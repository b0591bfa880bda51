"""Estimators in one fold: those that differ in alpha are one path, and are scored at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._same import groups_of_same
from skmtl.linear.cross_validation._fold_scores import CHUNK, scores_of_fits
from skmtl.linear.cross_validation._held_out import HeldOut
from skmtl.linear.cross_validation._search_data import SearchData
from skmtl.linear.cross_validation._sums_of_folds import FoldSums, may_be_on_a_path, reads_alike
from skmtl.linear.solvers._linear_fit import LinearFit

Array = NDArray[Any]


@dataclass(frozen=True)
class Fold:
    """Rows of a fold, as given, which are taken where they are needed.

    Attributes
    ----------
    train : callable
        Gives X and y that estimators are fitted to.
    params : dict
        What their fits take beside.
    scored : list of callable
        Each gives X and y of rows that are scored, and what `score` takes beside.
    sums : list of FoldSums or None
        What stands for all these rows, for each group of estimators that read labels alike; None
        where they are needed.
    """

    train: Callable[[], tuple[Any, Any]]
    params: dict[str, Any] = field(default_factory=dict)
    scored: Sequence[Callable[[], tuple[Any, Any, dict[str, Any]]]] = ()
    sums: list[FoldSums | None] | None = None

    def scores(self, models: Sequence[Any]) -> list[Any]:
        """Scores of estimators, which are not fitted yet.

        Returns
        -------
        found : list
            For each its scores (n_sets,), of which some may be what `score` has raised, or what
            its fit has raised.
        """
        return self._by_group(models, _scores_of_path, _scores_alone)

    def fitted(self, models: Sequence[Any]) -> list[Any]:
        """The estimators, fitted; in the place of one what its fit has raised."""
        return self._by_group(models, _fitted_on_path, _fitted_alone)

    def _by_group(self, models: Sequence[Any], on_path: Any, alone: Any) -> list[Any]:
        found: list[Any] = [None] * len(models)
        groups = reads_alike(models)
        for positions, sums in zip(groups, self.sums or repeat(None), strict=False):
            read = _Reading(self, models[positions[0]], sums)
            for of_path in groups_of_same(_but_alpha(models[i]) for i in positions):
                places = [positions[j] for j in of_path]
                results = _try(on_path, read, [models[i] for i in places])
                for k, i in enumerate(places):
                    found[i] = results[k] if results else alone(self, models[i])
        return found


def _but_alpha(model: Any) -> dict[str, Any]:
    return {**model.get_params(deep=False), "alpha": None, "of": type(model)}


def _try(on_path: Any, read: _Reading, models: list[Any]) -> list[Any] | None:
    """What a path gives; None where models fit alone, or one of them is to say what is wrong."""
    if not (may_be_on_a_path(models[0]) and set(read.fold.params) <= {"sample_weight"}):
        return None
    try:
        return on_path(read, models)
    except Exception:
        return None


def _fitted_alone(fold: Fold, model: Any) -> Any:
    try:
        return model.fit(*fold.train(), **fold.params)
    except Exception as error:
        return error


def _scores_alone(fold: Fold, model: Any) -> Any:
    fitted = _fitted_alone(fold, clone(model))
    if isinstance(fitted, Exception):
        return fitted
    found: list[Any] = []
    for rows in fold.scored:
        try:
            X, y, params = rows()
            found.append(fitted.score(X, y, **params))
        except Exception as error:
            found.append(error)
    return found


class _Reading:
    """The rows of a fold, read once for estimators that read labels alike."""

    def __init__(self, fold: Fold, model: Any, sums: FoldSums | None) -> None:
        self.fold, self.model, self.sums = fold, clone(model), sums

    @cached_property
    def training(self) -> tuple[Any, Any]:
        weight = self.fold.params.get("sample_weight")
        X, _, targets = self.model._begin(*self.fold.train(), weight)
        return X.astype(np.float64, copy=False), targets

    @cached_property
    def scored(self) -> list[HeldOut]:
        """Rows to score, as `score` reads them."""
        tasks, found = self.training[1].tasks, []
        for rows in self.fold.scored:
            X, y, params = rows()
            X, task_column = self.model._read_X(X, reset=False)
            weight = params.get("sample_weight")
            data = SearchData(None, X, y, task_column, weight, np.empty(0), [])
            found.append(HeldOut(self.model, tasks, data, None, unseen="raise"))
        return found

    def problem(self, model: Any) -> Any:
        """What fits of a model with any alpha solve; None where there is nothing to learn."""
        return model._path_problem(*self.training)


def _alphas_of(models: Sequence[Any]) -> tuple[Array, list[int]]:
    """Alphas, descending, and the place of that of each model."""
    negative, place = np.unique([-float(model.alpha) for model in models], return_inverse=True)
    return -negative, place.tolist()


def _solutions(problem: Any, alphas: Array) -> Iterator[LinearFit | None]:
    if problem is None:
        return repeat(None, len(alphas))
    # 0 is another problem for many solvers.
    parts = [alphas[alphas > 0], alphas[alphas == 0]]
    return chain.from_iterable(problem.solutions(part) for part in parts if len(part))


def _scores_of_path(read: _Reading, models: list[Any]) -> list[list[float]]:
    alphas, place = _alphas_of(models)
    first, sums = models[0], read.sums
    if sums is not None and first._fits_sums:
        problem = first._path_problem_of_sums(sums.train, sums.tasks)
        fits: list[Any] = [*_solutions(problem, alphas)]
        by_set = [scores_of_fits(fits, len(fits), sums.train, s).mean for s in sums.scored]
    else:
        solutions, parts = _solutions(read.problem(first), alphas), []
        for k in range(0, len(alphas), CHUNK):
            chunk = alphas[k : k + CHUNK]
            fits = [*islice(solutions, len(chunk))]
            parts.append([rows.scores(chunk, fits).mean for rows in read.scored])
        by_set = [*np.concatenate(parts, axis=1)]
    return [[float(scores[k]) for scores in by_set] for k in place]


def _fitted_on_path(read: _Reading, models: list[Any]) -> list[Any]:
    alphas, place = _alphas_of(models)
    problem = read.problem(models[0])
    fits = [*_solutions(problem, alphas)]
    (X, targets), own = read.training, models[0].get_params(deep=False)
    tasks, known = targets.tasks, {k: v for k, v in vars(read.model).items() if k not in own}
    for model, k in zip(models, place, strict=True):
        model.__dict__.update(known)
        # Publishing puts tasks into the units of y.
        model._publish(replace(tasks, tasks=tuple(copy(task) for task in tasks.tasks)))
        model._publish_of_path(problem, X.shape[1], fits[k])
    return models
