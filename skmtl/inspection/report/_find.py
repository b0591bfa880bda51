"""Everything a report is made of, computed once."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skmtl._innermost import final_estimator
from skmtl._warnings import known_labels
from skmtl.inspection._affinity import task_affinity
from skmtl.inspection._clones import typed_clone
from skmtl.inspection._cross_validate import fit, fit_jobs, in_batches, read_splits
from skmtl.inspection._gain import transfer_gain
from skmtl.inspection._importance import task_importance
from skmtl.inspection._task_data import TaskData
from skmtl.inspection.report._explained import explained
from skmtl.inspection.report._findings import Findings, TaskFindings
from skmtl.inspection.report._importances import joined_importance, repeats_for
from skmtl.inspection.report._in_units import mean_in_units
from skmtl.inspection.report._predictions import join_folds, read_predictions
from skmtl.metrics import make_multitask_scorer
from skmtl.metrics._keys import score_keys


def find(
    estimator,
    X,
    y,
    cv,
    *,
    metric,
    baseline,
    affinity,
    importance,
    sample_weight,
    groups,
    confidence,
    n_jobs,
) -> Findings:
    """Fit where that is needed, predict, score and compare."""
    scorer = make_multitask_scorer(metric, average=None)
    data = TaskData(estimator, X, y, sample_weight)
    was_fitted = _is_fitted(estimator)
    fitted = estimator if was_fitted else fit(clone(estimator), *data.take())
    final, splits = final_estimator(fitted), [] if cv is None else read_splits(cv, data, groups)
    repeats = repeats_for(importance, data.X, len(splits))
    whole = _evaluate(fitted, data.take(), scorer, 0 if splits else repeats)
    folds = _evaluate_folds(estimator, data, splits, scorer, repeats, n_jobs)
    gain = None
    if splits and data.n_tasks > 1:
        gain = transfer_gain(
            estimator,
            X,
            y,
            baseline=baseline,
            cv=splits,
            sample_weight=sample_weight,
            confidence=confidence,
            n_jobs=n_jobs,
        )
    return Findings(
        tasks=_tasks(data, whole, splits, folds, _curves(final), confidence),
        estimator=re.sub(r" at 0x\w+", "", repr(estimator)),
        kind=final._kind,
        metric=metric,
        confidence=confidence,
        was_fitted=was_fitted,
        is_long=data.is_long,
        n_rows=data.n_rows,
        n_splits=len(splits),
        feature_names=_feature_names(data.X),
        row_names=X.index if hasattr(X, "iloc") else None,
        gain=gain,
        affinity=_affinity(affinity, fitted, final, data, sample_weight),
        importance=joined_importance(
            [important for *_, important in folds or [whole]], data.names, confidence
        ),
    )


def _is_fitted(estimator):
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _evaluate(fitted, rows, scorer, repeats):
    """`TaskPredictions` and scores by name of the task, and importances if they are wanted."""
    X, y, sample_weight = rows
    predictions = read_predictions(fitted, X, y, sample_weight)
    scores = scorer(fitted, X, y, sample_weight)
    keys = zip(predictions, score_keys(list(predictions)), strict=True)
    important = None
    if repeats and any(len(found.rows) for found in predictions.values()):
        important = task_importance(
            fitted, X, y, n_repeats=repeats, sample_weight=sample_weight, random_state=0
        )
    return predictions, {name: scores.get(key, np.nan) for name, key in keys}, important


def _evaluate_folds(estimator, data, splits, scorer, repeats, n_jobs):
    """`_evaluate` on the rows that each fold holds out; networks train side by side."""
    batches = in_batches([estimator] * len(splits), n_jobs)
    found = Parallel(n_jobs=n_jobs)(
        delayed(_evaluate_some)(estimator, data, [splits[k] for k in batch], scorer, repeats)
        for batch in batches
    )
    by_fold = dict(zip(chain(*batches), chain(*found), strict=True))
    return [by_fold[k] for k in range(len(splits))]


def _evaluate_some(estimator, data, splits, scorer, repeats):
    """`_evaluate_folds` in one process; nothing where there is nothing to learn from."""
    model, everything = typed_clone(estimator, data.column_types), np.arange(data.n_tasks)
    teaches = [any(len(data.labelled_in(rows, t)) for t in everything) for rows, _ in splits]
    learnt = [k for k, does in enumerate(teaches) if does]
    fits = fit_jobs(data, [(model, everything, splits[k][0]) for k in learnt])
    found: list[Any] = [({}, {}, None)] * len(splits)
    for k, fitted in zip(learnt, fits, strict=True):
        test = splits[k][1]
        with known_labels():
            predictions, scores, important = _evaluate(fitted, data.take(test), scorer, repeats)
        placed = {name: replace(one, rows=test[one.rows]) for name, one in predictions.items()}
        found[k] = placed, scores, important
    return found


def _tasks(data, whole, splits, folds, curves, confidence):
    """`TaskFindings` in the order of the data's tasks."""
    predictions, scores, _ = whole
    known = data.names
    if not data.is_long and set(predictions) != set(known):
        # One of fit and report saw a DataFrame, the other an array: columns match by position.
        known = list(predictions)
    n_rows = [data.n_rows] * data.n_tasks
    if data.is_long:
        n_rows = np.bincount(data.index, minlength=data.n_tasks).tolist()
    share, interval = np.full(data.n_tasks, np.nan), np.full((data.n_tasks, 2), np.nan)
    if splits:
        share, interval = explained(data, splits, folds, confidence)
    found, keys = [], score_keys(data.names)
    for t, (name, mine) in enumerate(zip(data.names, known, strict=True)):
        of_folds = [placed[name] for placed, *_ in folds if name in placed]
        task = predictions[mine].task
        found.append(
            TaskFindings(
                key=keys[t],
                rows=data.rows[t],
                n_rows=n_rows[t],
                score=scores[mine],
                fold_scores=np.array([of_fold.get(name, np.nan) for _, of_fold, _ in folds]),
                predictions=join_folds(of_folds, task) if of_folds else predictions[mine],
                curves=curves.get(mine, {}),
                measures=mean_in_units(of_folds or [predictions[mine]]),
                explained=float(share[t]),
                explained_interval=tuple(interval[t].tolist()),
            )
        )
    return found


def _curves(final):
    """Losses by epoch of each task, where training left any."""
    history = getattr(final, "history_", {})
    kinds = [kind for kind in ("loss", "validation_loss") if kind in history]
    return {
        name: {kind: np.asarray(history[kind])[:, t] for kind in kinds}
        for t, name in enumerate(final.task_names_in_.tolist())
    }


def _feature_names(X):
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns]
    return [str(j) for j in range(X.shape[1])] if len(X.shape) > 1 else []


def _affinity(method, fitted, final, data, sample_weight):
    """Affinities by a method; "auto" takes what one look at every task can tell."""
    is_auto = method == "auto"
    if is_auto:
        method = "coef_cosine" if hasattr(final, "coef_") else None
        method = "grad_cosine" if hasattr(final, "history_") else method
    if method is None or data.n_tasks < 2:
        return None
    try:
        X, y, _ = data.take()
        return task_affinity(
            _without_search(fitted), X, y, method=method, sample_weight=sample_weight, noise=True
        )
    except ValueError:
        # A network whose tasks share nothing has no gradients to compare.
        if is_auto:
            return None
        raise


def _without_search(fitted):
    """The best estimators of fitted searches in their place."""
    if hasattr(fitted, "best_estimator_"):
        return _without_search(fitted.best_estimator_)
    if isinstance(fitted, Pipeline):
        (*steps, (name, last)) = fitted.steps
        return Pipeline([*steps, (name, _without_search(last))])
    return fitted
