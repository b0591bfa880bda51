"""The steps that all generators share: coefficients, rows, labels, gaps."""

from collections import Counter
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl._random import RANDOM_STATE, read_random_state
from skmtl.datasets._coefficients import related_coefficients
from skmtl.datasets._frames import as_pandas
from skmtl.datasets._missing import remove_labels

PROBLEM_CONSTRAINTS = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_features": [Interval(Integral, 1, None, closed="left")],
    "n_informative": [Interval(Integral, 1, None, closed="left")],
    "relatedness": [Interval(Real, 0, 1, closed="both")],
    "rank": [Interval(Integral, 1, None, closed="left"), None],
    "n_groups": [Interval(Integral, 1, None, closed="left")],
    "missing": [Interval(Real, 0, 1, closed="both"), "array-like"],
    "as_frame": ["boolean"],
    "return_truth": ["boolean"],
    "random_state": RANDOM_STATE,
}
FORM_CONSTRAINTS = {
    "n_samples": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "form": [StrOptions({"wide", "long"})],
}


def make_problem(
    kinds,
    *,
    n_samples,
    n_features,
    missing,
    as_frame,
    return_truth,
    random_state,
    form="wide",
    **related,
):
    """Generate one data set with a task per element of `kinds` (see `_labels`)."""
    n_tasks = len(kinds)
    missing = per_task("missing", missing, n_tasks, 0, 1)
    n_samples = _rows_per_task(n_samples, n_tasks, form)
    rng = read_random_state(random_state)

    n_outputs = [kind.n_outputs for kind in kinds]
    coef, groups, informative = related_coefficients(rng, n_features, n_outputs, **related)
    coef *= np.repeat([kind.length for kind in kinds], n_outputs)
    X, rows = _draw_rows(rng, n_samples, n_features, n_tasks, form)
    y, labels = _draw_labels(rng, X, rows, coef, kinds, missing, form)
    if form == "long":
        X = _with_task_column(X, rows)

    truth = Bunch(
        coef=coef,
        **labels,
        groups=groups,
        informative=informative,
        output_task=np.repeat(np.arange(n_tasks), n_outputs),
        task_names=_task_names(kinds),
        task_types=[kind.task_type for kind in kinds],
    )
    if as_frame:
        truth["y_complete"] = as_pandas(X, truth.y_complete, kinds, truth.task_names, form)[1]
        X, y = as_pandas(X, y, kinds, truth.task_names, form)
    return (X, y, truth) if return_truth else (X, y)


def per_task(name, value, n_tasks, low=-np.inf, high=np.inf):
    """Return a parameter that is a number or one number per task as an array of n_tasks floats."""
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in {(), (n_tasks,)}:
        raise ValueError(
            f"{name} must be a number or hold one per task, shape ({n_tasks},); "
            f"got shape {values.shape}."
        )
    # Written so that NaN fails, too.
    if not (np.isfinite(values) & (values >= low) & (values <= high)).all():
        raise ValueError(f"{name} must be finite and in [{low}, {high}]; got {value!r}.")
    return np.broadcast_to(values, n_tasks)


def _rows_per_task(n_samples, n_tasks, form):
    if np.ndim(n_samples) == 0:
        return np.full(n_tasks, n_samples)
    counts = np.asarray(n_samples)
    if form == "wide":
        raise ValueError(
            "n_samples must be an int with form='wide': its tasks share their rows. "
            "form='long' takes one number of rows per task."
        )
    if counts.shape != (n_tasks,) or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise ValueError(
            f"n_samples must be an int or hold {n_tasks} positive ints, one per task; "
            f"got {n_samples!r}."
        )
    return counts


def _draw_rows(rng, n_samples, n_features, n_tasks, form):
    """Return standard normal features, and the rows of each task."""
    if form == "wide":
        return rng.standard_normal((n_samples[0], n_features)), [slice(None)] * n_tasks
    X = rng.standard_normal((n_samples.sum(), n_features))
    # Shuffled, so that an unshuffled cross-validation does not leave out whole tasks.
    task = rng.permutation(np.repeat(np.arange(n_tasks), n_samples))
    return X, np.split(np.argsort(task, kind="stable"), np.cumsum(n_samples)[:-1])


def _draw_labels(rng, X, rows, coef, kinds, missing, form):
    """Return y and the part of the truth that depends on the rows.

    Wide: a task fills its columns. Long: the tasks are alike and fill their rows of the same ones.
    """
    long = form == "long"
    ends = np.cumsum([kind.n_outputs for kind in kinds])
    complete = np.empty((len(X), 1 if long else len(kinds)))
    y = np.empty_like(complete)
    scores = np.empty((len(X), kinds[0].n_outputs if long else ends[-1]))
    intercept, probabilities = np.empty(ends[-1]), []
    for t, kind in enumerate(kinds):
        outputs = slice(ends[t] - kind.n_outputs, ends[t])
        linear = X[rows[t]] @ coef[:, outputs]
        intercept[outputs], labels, probability = kind.draw(rng, linear)
        scores[rows[t], slice(None) if long else outputs] = linear + intercept[outputs]
        complete[rows[t], 0 if long else t] = labels
        y[rows[t], 0 if long else t] = remove_labels(rng, labels, missing[t], bool(kind.labels))
        probabilities.append(probability)
    if long:
        y, complete = y[:, 0], complete[:, 0]
        scores = scores[:, 0] if scores.shape[1] == 1 else scores
    truth: dict[str, Any] = {"intercept": intercept, "scores": scores, "y_complete": complete}
    if any(kind.labels for kind in kinds):
        truth["probabilities"] = _in_row_order(probabilities, rows) if long else probabilities
    return y, truth


def _with_task_column(X, rows):
    task = np.empty(len(X))
    for t, own in enumerate(rows):
        task[own] = t
    return np.column_stack([task, X])


def _in_row_order(probabilities, rows):
    stacked = np.concatenate(probabilities)
    in_order = np.empty_like(stacked)
    in_order[np.concatenate(rows)] = stacked
    return in_order


def _task_names(kinds):
    seen: Counter[str] = Counter()
    names = []
    for kind in kinds:
        names.append(f"{kind.prefix}{seen[kind.prefix]}")
        seen[kind.prefix] += 1
    return names
