"""Networks of several settings, trained in folds side by side and blended by held-out rows."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._blending import mix
from skmtl._grown import scores_of_expected, with_added_tasks
from skmtl._scored_columns import mean_score
from skmtl._scorers import read_scorer, scored_by
from skmtl._shown import joined
from skmtl._warnings import warn
from skmtl.model_selection._folds import Folds, is_number, read_folds, spread_folds
from skmtl.model_selection._strata import strata_of
from skmtl.neural import networks, training
from skmtl.neural.estimators._later_tasks import GrowsNetworkTasks
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_candidates import read_candidates
from skmtl.neural.estimators._mlp_classifier import MultiTaskMLPClassifier
from skmtl.neural.estimators._mlp_held_out import HeldOutPredictions
from skmtl.neural.estimators._mlp_regressor import MultiTaskMLPRegressor
from skmtl.neural.inputs._tables import ReadsTables
from skmtl.neural.networks._tasks import find_network_tasks, restrict
from skmtl.tasks._labels import weights_as_array
from skmtl.tasks._rows import some_rows, takeable
from skmtl.tasks._survival_task import constant_of_times
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Link

Array = NDArray[Any]

OF_KIND = {
    "any": MultiTaskMLP,
    "regression": MultiTaskMLPRegressor,
    "classification": MultiTaskMLPClassifier,
}
"""What is trained with every setting, by the types of task."""

OF_THE_SEARCH = ("grid", "cv", "scoring", "n_jobs", "verbose")
"""Parameters that the networks do not have."""

N_FOLDS, OF_MANY, MANY = 10, 5, 5_000
"""Folds where ``cv`` is None, and from so many rows on: a network of nine tenths of few rows is
better than one of three quarters (measured: benchmarks/accuracy), with many rows it is the same."""

CHUNK = 2**24
"""Numbers that all members predict at a time."""


class NetworkSearch(GrowsNetworkTasks, ReadsTables, MultiTaskEstimator):
    """Trains candidates in folds, and predicts by a blend of all their networks."""

    _standardize = True
    _shape_varies = True
    _has_units_of_y = True

    balancing: Any

    def _make_part(self, name: str) -> None:
        if name == "balancing" and callable(self.balancing):
            self.balancing = training.resolve(name, self.balancing)
        super()._make_part(name)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train all candidates in all folds, and find what each counts.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features. In long form (``task_feature`` given) one column says which task a row
            belongs to.
        y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
            Labels; NaN, None, pandas.NA and masked entries are unobserved. One label per row in
            long form.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the labels, in training and in what held-out rows decide. A weight of 0 is
            the same as an unobserved label.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are never parted: by a number, and by splitters that want groups.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If no label is observed, labels do not fit their task type, the grid names a parameter
            that holds for all candidates, or no fold has labels on both sides.
        """
        # Splitters and scorers want what was given.
        self._given = X, y, sample_weight, groups
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_given", None)

    def _fit(self, X: Any, targets: Targets) -> None:
        self.params_ = read_candidates(self.grid, X)
        models = [self._model(params) for params in self.params_]
        used = np.flatnonzero(targets.row_is_observed)
        folds, within = _within(self._folds(targets), used, targets)
        stacks = self._train(models, X[used], targets.take(used), within)
        held_out = HeldOutPredictions.of(stacks, targets.take(used), within)
        _check_divergence(self.params_, held_out.is_sound)
        self._publish_blend(stacks, held_out, used, len(targets.values))
        self._publish_scores(stacks, held_out, folds)

    def _model(self, params: dict[str, Any]) -> MultiTaskMLP:
        """A network with some parameters, not fitted."""
        given = self.get_params(deep=False).items()
        own = {name: value for name, value in given if name not in OF_THE_SEARCH}
        model = OF_KIND[self._kind](precision="float32")
        # Not to change objects of the user, where the grid names parameters of theirs.
        model.set_params(**{name: clone(value, safe=False) for name, value in own.items()})
        model.set_params(**{name: clone(value, safe=False) for name, value in params.items()})
        model._validate_params()
        model._categories = self._categories if hasattr(self, "_categories") else {}
        return model

    def _folds(self, targets: Targets) -> Folds:
        """Training and test rows of every fold; a number spreads the rows with labels alone."""
        X, y, _, groups = self._given
        if not is_number(self.cv):
            return read_folds(self.cv, X, y, groups, strata=partial(strata_of, targets))
        used = np.flatnonzero(targets.row_is_observed)
        n_folds, n_parts = self.cv, len(used)
        if groups is not None:
            check_consistent_length(targets.values, groups)
            groups = some_rows(groups, used)
            n_parts = len(np.unique(groups))
        if n_folds is None:
            n_folds = min(N_FOLDS if len(used) < MANY else OF_MANY, max(2, n_parts))
        folds = spread_folds(strata_of(targets.take(used)), int(n_folds), groups)
        return [(used[train], used[test]) for train, test in folds]

    def _train(self, models: list[Any], X: Any, targets: Targets, folds: Folds) -> list[Any]:
        """A `Stack` for the candidates of each structure."""
        seed = training.draw_seed(self.random_state)
        fits = (
            delayed(training.fit_stack)([models[c] for c in some], some, X, targets, folds, seed)
            for some in training.same_structure(models)
        )
        found: list[Any] = Parallel(n_jobs=self.n_jobs, verbose=int(self.verbose))(fits)
        return found

    def _publish_blend(
        self, stacks: list[Any], held_out: HeldOutPredictions, used: Array, n_samples: int
    ) -> None:
        """Set the weights, and what they say of rows that were held out."""
        weights = held_out.weights()
        self.weights_ = weights[:-1]
        is_used: Array = np.any(self.weights_ > 0, axis=1)
        self._stacks = []
        self.members_: dict[str, list[int]] = {"candidate": [], "fold": []}
        n_folds = len(held_out.folds)
        for stack in stacks:
            kept = np.flatnonzero(is_used[stack.candidates])
            if len(kept):
                models = (kept[:, None] * n_folds + np.arange(n_folds)).ravel()
                self._stacks.append(stack.fitted.take(models))
                candidates = np.array(stack.candidates)[kept]
                self.members_["candidate"] += np.repeat(candidates, n_folds).tolist()
                self.members_["fold"] += list(range(n_folds)) * len(kept)
        self._constants = held_out.constants
        self._raw_constants = [constant_of_times(column) for column in held_out.targets.columns()]
        blended = held_out.blended()
        self.out_of_fold_ = []
        for of_task in blended:
            whole = np.full((n_samples, *of_task.shape[1:]), np.nan)
            whole[used] = of_task
            self.out_of_fold_.append(whole)
        self.task_scores_ = held_out.task_scores(self, blended)
        self.best_score_ = mean_score(self.task_scores_)
        if not is_used.any():
            warn(
                "No network predicts rows that it has not seen better than a constant, and "
                "predictions are constant. More rows may help."
            )

    def _publish_scores(
        self, stacks: list[Any], held_out: HeldOutPredictions, folds: Folds
    ) -> None:
        """Set the scores of every candidate, and which has the best."""
        by_task = held_out.fold_scores(self)
        scores = np.array([[mean_score(of_fold) for of_fold in one] for one in by_task])
        if self.scoring is not None:
            scores, by_task = self._scored(stacks, folds)
        mean = np.array([mean_score(one) for one in scores])
        loss, n_iter = (np.empty(len(mean)) for _ in range(2))
        for stack in stacks:
            loss[stack.candidates], n_iter[stack.candidates] = stack.loss, stack.n_iter
        # Without a score, as with a label per fold, the loss decides.
        order = np.lexsort([loss, -np.where(np.isnan(mean), -np.inf, mean)])
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(1, len(order) + 1)
        self.best_params_ = self.params_[order[0]]
        self.cv_scores_, self.task_cv_scores_ = scores, by_task
        self.cv_results_ = {
            "params": self.params_,
            "mean_test_score": mean,
            "std_test_score": np.array([_spread(one) for one in scores]),
            "rank_test_score": rank,
            "held_out_loss": loss,
            "n_iter": n_iter.astype(int),
            "weight": self.weights_.mean(axis=1),
            **{f"split{k}_test_score": scores[:, k] for k in range(scores.shape[1])},
        }

    def _scored(self, stacks: list[Any], folds: Folds) -> tuple[Array, Array]:
        """What a scorer says of every candidate in every fold, and of each task if it says so."""
        scorer = read_scorer(self.scoring)
        X, y, sample_weight, _ = self._given
        parts = takeable(X), takeable(y), weights_as_array(sample_weight, y)
        n_tasks = len(self._task_set.tasks)
        scores = np.full((len(self.params_), len(folds)), np.nan)
        by_task = np.full((*scores.shape, n_tasks), np.nan)
        for stack in stacks:
            for place, c in enumerate(stack.candidates):
                for k, (_, test) in enumerate(folds):
                    member = self._alone(stack.fitted.take([place * len(folds) + k]))
                    some = [None if part is None else some_rows(part, test) for part in parts]
                    scores[c, k], of_tasks = scored_by(scorer, member, *some)
                    if len(of_tasks) == n_tasks:
                        by_task[c, k] = of_tasks
        return scores, by_task

    def _alone(self, fitted: Any) -> Any:
        """The estimator, as if it consisted of a single network."""
        alone = copy(self)
        alone._stacks = [fitted]
        alone.members_ = {"candidate": [0], "fold": [0]}
        alone.weights_ = np.ones((1, self._task_set.n_tasks))
        return alone

    def member_predictions(self, X: Any) -> Any:
        """What every network predicts.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        expected : list of ndarray of shape (n_members, n_samples) or \
                (n_members, n_samples, n_classes), or ndarray if y was 1-D in `fit`
            Expected values or class probabilities of each task, one for each of ``members_``.
        """
        check_is_fitted(self)
        X, task_index = self._read_new(X)
        if hasattr(self, "_grown"):
            raise ValueError("Tasks were added or dropped: members have those of fit only.")
        found = self._by_stack(X, task_index)
        columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        return columns[0] if self._task_set.is_1d or self._task_set.is_long else columns

    def _by_stack(
        self, X: Any, task_index: Array | None, link: Link | None = None
    ) -> list[list[Array]]:
        """For each stack an array (n_members, n, ...) for each column of y."""
        found = []
        for fitted in self._stacks:
            # What is predicted of a row depends on no other, to more digits than training has.
            raw = networks.scores_of_models(self, fitted, X, task_index, np.float64)
            each = [self._task_set.inverse_link(one, task_index, link) for one in raw]
            found.append([np.array(columns) for columns in zip(*each, strict=True)])
        return found

    def _networks(self) -> list[Any]:
        return self._stacks

    def _scores(self, X: Any, task_index: Array | None) -> Array:
        return scores_of_expected(self._task_set.tasks, self._expected(X, task_index))

    @with_added_tasks
    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        n_rows = X.shape[0]
        size = max(1, CHUNK // max(1, len(self.members_["fold"]) * self._task_set.n_outputs))
        parts = [
            self._blended(
                X[k : k + size],
                task_index if task_index is None else task_index[k : k + size],
                link,
            )
            for k in range(0, n_rows, size)
        ]
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def _linked_constants(self, link: Link) -> list[Array]:
        """What is said of the best constant of each column of y."""
        of_tasks = zip(self._task_set.tasks, self._raw_constants, strict=True)
        return [
            link(task, np.zeros((1, task.n_outputs_)) if raw is None else raw[None])[0]
            for task, raw in of_tasks
        ]

    def _blended(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        """Expected values of the mean network of every candidate, blended."""
        members = np.array(self.members_["candidate"], dtype=int)
        used, place = np.unique(members, return_inverse=True)
        of_one = self._constants if link is None else self._linked_constants(link)
        constants = [np.repeat(c[None], X.shape[0], axis=0) for c in of_one]
        expected = [[np.zeros_like(c) for c in constants] for _ in used]
        networks_of = np.bincount(place)
        start = 0
        for stack in self._by_stack(X, task_index, link):
            for k, c in enumerate(place[start : start + len(stack[0])]):
                for total, of_members in zip(expected[c], stack, strict=True):
                    total += of_members[k] / networks_of[c]
            start += len(stack[0])
        weights = np.vstack([self.weights_[used], 1.0 - self.weights_.sum(axis=0)])
        tasks = self._task_set.tasks if link is None else None
        return mix([*expected, constants], np.maximum(weights, 0.0), task_index, tasks)


def _within(folds: Folds, used: Array, targets: Targets) -> tuple[Folds, Folds]:
    """Folds that have labels on both sides, as given and by the positions of the rows in use.

    Labels of tasks from which nothing can be learnt do not count.

    Raises
    ------
    ValueError
        If there is none.
    """
    place = np.full(len(targets.values), -1)
    place[used] = np.arange(len(used))
    can_teach = restrict(targets, find_network_tasks(targets)).row_is_observed
    given, within = [], []
    for fold in folds:
        if all(can_teach[rows].any() for rows in fold):
            given.append(fold)
            train, test = (place[rows][place[rows] >= 0] for rows in fold)
            within.append((train, test))
    if not given:
        raise ValueError(
            "No fold has labels both to train on and to hold out. Use fewer folds, or a splitter "
            "that puts labels into each."
        )
    return given, within


def _check_divergence(candidates: list[dict[str, Any]], is_sound: Array) -> None:
    """Warn of candidates that were never finite.

    Raises
    ------
    ValueError
        If none was: there is nothing to keep.
    """
    diverged = [params for params, sound in zip(candidates, is_sound, strict=True) if not sound]
    if not diverged:
        return
    what = "The loss of networks became infinite or NaN for"
    do = "Lower learning_rate_init, or scale X (feature_scaling='auto')."
    if not is_sound.any():
        raise ValueError(f"{what} every candidate. {do}")
    warn(
        f"{what} {joined(map(str, diverged), between='; ')}: left out of the blend. {do}",
        ConvergenceWarning,
    )


def _spread(scores: Array) -> float:
    """Standard deviation over the folds that have a score."""
    defined = scores[~np.isnan(scores)]
    return float(defined.std()) if len(defined) else float("nan")
