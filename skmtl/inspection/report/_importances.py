"""What every feature is worth to every task, on the rows that the report is about."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skmtl.inspection._importance import interval_of_mean
from skmtl.inspection._importance_result import TaskImportance

MOST_FEATURES = 100
"""Above, each permutation predicts so often that nobody wants to wait unasked."""
REPEATS = 5
"""Permutations where there are no folds; with folds, one for each."""


def repeats_for(importance, X, n_splits):
    """Permutations of a feature on each fold, or on the data; 0 to leave it out."""
    if importance is None:
        return 0
    if importance != "auto":
        return int(importance)
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if sparse.issparse(X) or len(shape) != 2 or shape[1] > MOST_FEATURES:
        return 0
    return 1 if n_splits else REPEATS


def joined_importance(parts, names, confidence):
    """`TaskImportance` of all folds; each task has those that score it."""
    parts = [part for part in parts if part is not None]
    if not parts:
        return None
    features, n_tasks = parts[0].feature_names, len(names)
    n_repeats = sum(len(part.repeats) for part in parts)
    repeats = np.full((n_repeats, len(features), n_tasks), np.nan)
    score, n_labels = np.full((len(parts), n_tasks), np.nan), np.zeros(n_tasks, dtype=int)
    start, places_of = 0, {name: t for t, name in enumerate(names)}
    for k, part in enumerate(parts):
        places = [places_of.get(name, t) for t, name in enumerate(part.task_names)]
        stop = start + len(part.repeats)
        repeats[start:stop, :, places] = part.repeats
        score[k, places] = part.score
        n_labels[places] += part.n_labels
        start = stop
    mean, interval = interval_of_mean(repeats, confidence)
    score, _ = interval_of_mean(score, confidence)
    return TaskImportance(names, features, mean, interval, repeats, score, n_labels, confidence)
