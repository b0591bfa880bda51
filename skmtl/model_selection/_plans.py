"""What a search is about to train, and what it then asks for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils.validation import _check_method_params

from skmtl._dask_rows import is_dask
from skmtl.model_selection._along_paths import FoldRows, sums_of
from skmtl.model_selection._side_by_side import (
    Results,
    Scores,
    fit_parts,
    has_path,
    is_network,
    last_of,
    same_steps,
    scores_at_once,
)
from skmtl.tasks._rows import some_rows, takeable

Params = dict[str, Any]


@dataclass
class Plan:
    """What a search is about to do.

    Parameters
    ----------
    X, y, params
        As they were given to `fit`.
    estimator : estimator
        The user's.
    n_jobs : int or None
        Processes to train in.
    is_scored, scores_training : bool
        Whether the search asks for no more than what `score` says of each fit, and of the training
        rows too.

    Attributes
    ----------
    backend : tuple
        Where joblib runs what is to be done at once, and in how many processes, as the user says.
    results : deque
        What has been trained, candidates first, in the order in which they will be asked for.
    seconds : list of float
        What each fit has taken, in the same order.
    """

    X: Any
    y: Any
    params: dict[str, Any]
    estimator: Any
    n_jobs: int | None
    is_scored: bool = False
    scores_training: bool = False
    backend: tuple[Any, int | None] = field(default_factory=get_active_backend)
    results: Results = field(default_factory=deque)
    seconds: list[float] = field(default_factory=list)

    def train(
        self, candidates: list[dict[str, Any]], folds: Sequence[Any], fit: Params, score: Params
    ) -> None:
        """Train all candidates in all folds, with the parameters of their fits and scores."""
        models = [
            clone(self.estimator).set_params(**clone(params, safe=False)) for params in candidates
        ]
        start = time.perf_counter()
        by_fold = self._by_fold(models, folds, fit, score)
        n_fits = len(models) * len(folds)
        self.seconds += [(time.perf_counter() - start) / n_fits] * n_fits
        self.results.extend(of_fold[i] for i in range(len(models)) for of_fold in by_fold)

    def _by_fold(
        self, models: list[Any], folds: Sequence[Any], fit: Params, score: Params
    ) -> list[list[Any]]:
        """For every fold what each model has become."""
        raise NotImplementedError

    def asked(self, folds: Sequence[Any]) -> Sequence[Any]:
        """Rows that the search itself has to take of each fold."""
        return folds

    def _backend(self) -> Any:
        """Where joblib is to run what follows."""
        return parallel_config(self.backend[0], n_jobs=self.backend[1])


class NetworkPlan(Plan):
    """Networks of one structure train side by side, folds of equal size too."""

    def _by_fold(
        self, models: list[Any], folds: Sequence[Any], fit: Params, score: Params
    ) -> list[list[Any]]:
        groups = same_steps(models)
        parts = [
            (
                [clone(models[i]) for i in positions],
                some_rows(self.X, train),
                some_rows(self.y, train),
                _check_method_params(self.X, fit, indices=train),
            )
            for train, _ in folds
            for positions in groups
        ]
        with self._backend():
            n_batches = min(effective_n_jobs(self.n_jobs), len(parts))
            in_batches = Parallel(n_jobs=self.n_jobs)(
                delayed(fit_parts)(parts[k::n_batches]) for k in range(n_batches)
            )
        found: list[list[Any]] = [[None] * len(models) for _ in folds]
        for k in range(len(parts)):
            results = in_batches[k % n_batches][k // n_batches]
            positions, fold = groups[k % len(groups)], k // len(groups)
            for i, result in zip(positions, self._scored(results, folds[fold], score), strict=True):
                found[fold][i] = result
        return found

    def _scored(self, fitted: list[Any], fold: Any, params: Params) -> list[Any]:
        """Their `Scores`, where that is all that is asked for; else they are scored one by one."""
        if not self.is_scored or any(isinstance(model, Exception) for model in fitted):
            return fitted
        train, test = fold
        by_set = [
            scores_at_once(
                fitted,
                some_rows(self.X, rows),
                some_rows(self.y, rows),
                _check_method_params(self.X, params, indices=rows),
            )
            for rows in ([test, train] if self.scores_training else [test])
        ]
        if any(scores is None for scores in by_set):
            return fitted
        return [Scores(list(of_model)) for of_model in zip(*by_set, strict=True)]


class PathPlan(Plan):
    """Linear models that differ in alpha are fitted along a path, and scored at once."""

    def _by_fold(
        self, models: list[Any], folds: Sequence[Any], fit: Params, score: Params
    ) -> list[list[Any]]:
        sums: list[Any] = [None] * len(folds)
        if self.is_scored:
            options = {
                "scores_training": self.scores_training,
                "weighs_scores": "sample_weight" in score,
            }
            sums = sums_of(models, self.X, self.y, fit, folds, **options)
        jobs = [
            FoldRows(self.X, self.y, fit, score, train, self._scored(train, test), of_fold)
            for (train, test), of_fold in zip(folds, sums, strict=True)
        ]
        with self._backend():
            return list(
                Parallel(n_jobs=self.n_jobs)(
                    # What is scored is left as it is.
                    delayed(job.results)(models if self.is_scored else [*map(clone, models)])
                    for job in jobs
                )
            )

    def _scored(self, train: Any, test: Any) -> list[Any] | None:
        if not self.is_scored:
            return None
        return [test, train] if self.scores_training else [test]

    def asked(self, folds: Sequence[Any]) -> Sequence[Any]:
        # What is scored need not be taken once more.
        return [(train[:1], test[:1]) for train, test in folds] if self.is_scored else folds


def plan_for(search: Any, X: Any, y: Any, params: dict[str, Any]) -> Plan | None:
    """How the candidates of a search are trained; None for scikit-learn's way."""
    last = last_of(search.estimator)
    if get_config()["enable_metadata_routing"] or is_dask(X) or is_dask(y):
        return None
    kind = NetworkPlan if is_network(last) else PathPlan if has_path(last) else None
    if kind is None:
        return None
    given = takeable(X), takeable(y), params, search.estimator, search.n_jobs
    return kind(*given, search.scoring is None, search.return_train_score)
