"""What the rows of every fold add up to, for candidates that are scored by their own score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._same import groups_of_same
from skmtl.linear.cross_validation._fold_statistics import fold_statistics, folds_fit
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._training_data import check_range
from skmtl.model_selection._folds import Folds
from skmtl.model_selection._side_by_side import has_path
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

OF_LABELS = ("tasks", "task_feature", "unknown_task", "class_weight", "scale_targets")
"""Parameters that say how labels are read."""


@dataclass(frozen=True)
class FoldSums:
    """What the training rows of a fold add up to, and those of every set that is scored."""

    tasks: TaskSet
    train: MergedStatistics
    scored: list[MergedStatistics]


def reads_alike(models: Sequence[Any]) -> list[list[int]]:
    """Positions of the models that read labels alike; alone are those that are on no path."""
    return groups_of_same(
        {
            "of": type(model),
            "alone": None if may_be_on_a_path(model) else id(model),
            **{name: getattr(model, name, None) for name in OF_LABELS},
        }
        for model in models
    )


def may_be_on_a_path(model: Any) -> bool:
    """Whether its fit is one of those along a path of alphas."""
    if not has_path(model) or isinstance(model.alpha, str) or getattr(model, "warm_start", False):
        return False
    try:
        model._validate_params()
    except ValueError:
        # Its fit says so.
        return False
    return True


def sums_of_folds(
    models: Sequence[Any],
    X: Any,
    y: Any,
    params: dict[str, Any],
    folds: Folds,
    *,
    scores_training: bool = False,
    weighs_scores: bool = False,
) -> list[list[FoldSums | None]]:
    """For every fold what stands for its rows, for each group of `reads_alike`.

    None where rows are needed: for other losses than squared ones, and where a fold may read labels
    otherwise than all rows do. ``scores_training`` adds the training rows to what is scored;
    ``weighs_scores``: labels count there what they weigh in fits.
    """
    found: list[list[FoldSums | None]] = [[] for _ in folds]
    for positions in reads_alike(models):
        some = [models[i] for i in positions]
        by_fold: Sequence[FoldSums | None] = [None] * len(folds)
        options = scores_training, weighs_scores
        is_known = set(params) <= {"sample_weight"} and may_be_on_a_path(some[0])
        if is_known and any(model._fits_sums for model in some):
            try:
                weight = params.get("sample_weight")
                by_fold = _sums(clone(some[0]), X, y, weight, folds, *options)
            except ValueError:
                # The folds that it is in will say what is wrong.
                pass
        for of_fold, sums in zip(found, by_fold, strict=True):
            of_fold.append(sums)
    return found


def _sums(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    folds: Folds,
    scores_training: bool,
    weighs_scores: bool,
) -> list[FoldSums | None]:
    X, task_column, targets = model._begin(X, y, sample_weight)
    tasks, nothing = targets.tasks, [None] * len(folds)
    if tasks.is_long or not (tasks.has_squared_loss and tasks.has_r2_score):
        return [*nothing]
    X = X.astype(np.float64, copy=False)
    check_range(X, targets)
    if not folds_fit(X, _columns(targets)[1], folds):
        return [*nothing]
    learned = counted = fold_statistics(X, *_columns(targets), folds)
    if sample_weight is not None and not weighs_scores:
        counted = fold_statistics(X, *_columns(model._read_y(X, y, task_column, None)), folds)
    is_known = model._kind == "regression" or not _is_auto(model)
    return [
        FoldSums(tasks, train, [held_out, seen] if scores_training else [held_out])
        if _reads_same(targets.take(rows), is_known=is_known)
        else None
        for (rows, _), (train, _), (seen, held_out) in zip(folds, learned, counted, strict=True)
    ]


def _columns(targets: Targets) -> tuple[Array, Array]:
    n_samples = len(targets.values)
    return targets.values.reshape(n_samples, -1), targets.weights.reshape(n_samples, -1)


def _is_auto(model: Any) -> bool:
    return isinstance(model.tasks, str) and model.tasks == "auto"


def _reads_same(targets: Targets, *, is_known: bool) -> bool:
    """Whether some rows say of every task what all do: a number, of which there are some."""
    values, weights = _columns(targets)
    seen = weights > 0
    # A fold whose labels are all 0 or 1 has classes.
    tells = seen if is_known else seen & (values != 0.0) & (values != 1.0)
    return bool(tells.any(axis=0).all())
