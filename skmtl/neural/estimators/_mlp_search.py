"""Networks of several settings, trained in folds side by side and blended by held-out rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl._range import power_of_two
from skmtl._scored_columns import mean_score
from skmtl._scorers import read_scorer, scored_by
from skmtl._shown import joined
from skmtl._warnings import warn
from skmtl.model_selection._folds import Folds
from skmtl.neural import training
from skmtl.neural._one_process import shared_fit
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_blend import NetworkBlend
from skmtl.neural.estimators._mlp_candidates import read_candidates
from skmtl.neural.estimators._mlp_classifier import MultiTaskMLPClassifier
from skmtl.neural.estimators._mlp_folds import folds_of, with_labels
from skmtl.neural.estimators._mlp_held_out import HeldOutPredictions
from skmtl.neural.estimators._mlp_regressor import MultiTaskMLPRegressor
from skmtl.sources._as_source import refuse_source
from skmtl.sources._base import Source
from skmtl.tasks._labels import weights_as_array
from skmtl.tasks._rows import some_rows, takeable
from skmtl.tasks._survival_task import constant_of_times
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

OF_KIND = {
    "any": MultiTaskMLP,
    "regression": MultiTaskMLPRegressor,
    "classification": MultiTaskMLPClassifier,
}
"""What is trained with every setting, by the types of task."""

OF_THE_SEARCH = ("grid", "cv", "scoring", "n_jobs", "verbose")
"""Parameters that the networks do not have."""


class NetworkSearch(NetworkBlend):
    """Trains candidates in folds, and finds what each counts in their blend."""

    balancing: Any

    def _make_part(self, name: str) -> None:
        if name == "balancing" and callable(self.balancing):
            self.balancing = training.resolve(name, self.balancing)
        super()._make_part(name)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
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
            with shared_fit():
                return super().fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_given", None)

    _learns_from_blocks = False

    def _fit_source(self, source: Source) -> None:
        refuse_source(self, source)

    def _fit(self, X: Any, targets: Targets) -> None:
        self.params_ = read_candidates(self.grid, X)
        models = [self._model(params) for params in self.params_]
        used = np.flatnonzero(targets.row_is_observed)
        folds = folds_of(self.cv, targets, used, *self._given)
        folds, within = with_labels(folds, used, targets)
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
        parts = takeable(X), takeable(y), weights_as_array(sample_weight, y, self.tasks)
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
    """Standard deviation over the folds that have a score, which may be as bad as -inf."""
    defined = scores[np.isfinite(scores)]
    unit = power_of_two(float(np.abs(defined).max(initial=0.0)))
    return float(unit * (defined / unit).std()) if len(defined) else float("nan")
