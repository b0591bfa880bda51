"""Which labels there are: of each task, of each pair of tasks, and in which patterns."""

from dataclasses import dataclass

import numpy as np

from skmtl.tasks._features import read_task_column
from skmtl.tasks._labels import read_labels
from skmtl.tasks._rows import rows_by_task

# Patterns that are drawn, and the share of rows they must explain to be worth it.
MOST_PATTERNS, ENOUGH = 20, 0.6
# Groups of similar rows where there are too many patterns.
N_GROUPS = 60
CHUNK = 65536


@dataclass(frozen=True, eq=False)
class LabelCoverage:
    """Counts of observed labels.

    Parameters
    ----------
    task_names : list of length n_tasks
        Names of the tasks.
    n_rows : int
        Rows of y.
    n_labels : ndarray of shape (n_tasks,)
        Observed labels of each task.
    n_rarest : ndarray of shape (n_tasks,)
        Those of its rarest class; NaN for a task without classes.
    overlap : ndarray of shape (n_tasks, n_tasks) or None
        Rows with labels of both tasks; None in long form, where no row has two.
    patterns : ndarray of shape (n_patterns, n_tasks) or None
        Share of the rows of a pattern that have a label of each task: 0 and 1 for patterns proper,
        anything between for groups of rows.
    pattern_rows : ndarray of shape (n_patterns,) or None
        Rows of each pattern.
    n_patterns : int
        Distinct patterns; where these are more than rows of ``patterns``, the last row stands for
        all others.
    is_grouped : bool
        Whether each row of ``patterns`` is a group of similar rows of y instead.

    See Also
    --------
    LabelCoverageDisplay : Counts the labels and draws them.

    Examples
    --------
    >>> from skmtl.inspection import LabelCoverageDisplay
    >>> y = [[1.5, "a"], [2.5, None], [None, "a"], [3.5, "b"], [4.5, "a"]]
    >>> coverage = LabelCoverageDisplay.from_labels(y).coverage
    >>> coverage.n_labels, coverage.n_rarest
    (array([4, 4]), array([nan,  1.]))
    >>> coverage.patterns
    array([[1., 1.],
           [1., 0.],
           [0., 1.]])
    >>> coverage.pattern_rows
    array([3, 1, 1])
    """

    task_names: list
    n_rows: int
    n_labels: np.ndarray
    n_rarest: np.ndarray
    overlap: np.ndarray | None = None
    patterns: np.ndarray | None = None
    pattern_rows: np.ndarray | None = None
    n_patterns: int = 0
    is_grouped: bool = False


def label_coverage(y, *, tasks="auto", kind="any", sample_weight=None, task_ids=None):
    """Count the observed labels of y; a weight of 0 is the same as unobserved."""
    is_long = task_ids is not None
    labels = read_labels(y, sample_weight, declared=tasks, is_long=is_long)
    columns, weights, names = labels.columns, labels.weights, labels.task_names
    types = labels.types(tasks, kind, is_long=is_long)
    if is_long:
        return _long_coverage(columns[0], types[0], weights[0] > 0, task_ids)
    observed = np.column_stack([weight > 0 for weight in weights])
    rarest = [
        _rarest(column, task, seen)
        for column, task, seen in zip(columns, types, observed.T, strict=True)
    ]
    overlap = _overlap(observed)
    return LabelCoverage(
        names,
        len(observed),
        np.diag(overlap),
        np.array(rarest),
        overlap,
        *_patterns(observed, overlap),
    )


def _long_coverage(column, task, observed, task_ids):
    ids = read_task_column(task_ids, "task_ids")
    if len(ids.labels) != len(observed):
        raise ValueError(f"task_ids has {len(ids.labels)} rows, but y has {len(observed)}.")
    names, index = np.unique(ids.labels, return_inverse=True)
    index = np.where(ids.observed, index, -1)
    rows = rows_by_task(index, len(names))
    counts = np.array([int(observed[own].sum()) for own in rows])
    rarest = np.array([_rarest(column, task, own[observed[own]]) for own in rows])
    return LabelCoverage(names.tolist(), len(observed), counts, rarest)


def _rarest(column, task, rows):
    """Labels of the rarest class among some rows; NaN without classes."""
    if not task.is_classification:
        return np.nan
    labels = column.labels[rows]
    if not len(labels):
        return 0.0
    _, counts = np.unique(labels, return_counts=True)
    # One class only: of the other there is none.
    return float(counts.min()) if len(counts) > 1 else 0.0


def _chunks(observed):
    for start in range(0, len(observed), CHUNK):
        yield observed[start : start + CHUNK].astype(float)


def _overlap(observed):
    """Rows with both labels (n_tasks, n_tasks)."""
    return sum(chunk.T @ chunk for chunk in _chunks(observed)).astype(np.int64)


def _patterns(observed, overlap):
    """Share of labels in each pattern, its rows, the number of all, and whether they are groups."""
    packed = np.packbits(observed, axis=1)
    _, first, inverse, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    inverse = inverse.ravel()
    # The most frequent first; of equals the one with more labels.
    order = np.lexsort((first, -observed[first].sum(axis=1), -counts))
    if len(order) <= MOST_PATTERNS:
        return observed[first[order]].astype(float), counts[order], len(order), False
    shown = order[: MOST_PATTERNS - 1]
    if counts[shown].sum() < ENOUGH * len(observed) and len(observed) >= N_GROUPS:
        return *_groups(observed, overlap), len(order), True
    rest = observed[~np.isin(inverse, shown)]
    shares = np.vstack([observed[first[shown]], rest.mean(axis=0)])
    return shares, np.append(counts[shown], len(rest)), len(order), False


def _groups(observed, overlap):
    """Groups of similar rows: sorted along the direction in which patterns differ most."""
    mean = observed.mean(axis=0)
    _, directions = np.linalg.eigh(overlap / len(observed) - np.outer(mean, mean))
    direction = directions[:, -1]
    # The sign of an eigenvector is free; rows with more labels come first.
    direction = direction if direction.sum() >= 0 else -direction
    position = np.concatenate([chunk @ direction for chunk in _chunks(observed)])
    groups = np.array_split(np.argsort(-position, kind="stable"), N_GROUPS)
    shares = np.array([observed[rows].mean(axis=0) for rows in groups])
    return shares, np.array([len(rows) for rows in groups])
