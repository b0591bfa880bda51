"""How far chance moves affinities."""

from __future__ import annotations

import numpy as np

from skmtl._warnings import known_labels
from skmtl.inspection.displays._heat_map import hide_diagonal
from skmtl.model_selection._folds import even_folds
from skmtl.tasks._columns import match


def noise_of_halves(data, names, find):
    r"""Standard deviation of an affinity; NaN where no pair can be compared in both halves.

    Two halves of the rows differ by :math:`A_{ij} - B_{ij}`, which has twice the variance of
    either; all rows have half the variance of a half.

    Parameters
    ----------
    data : TaskData
        All rows.
    names : list
        Names of the tasks, in the order of the result.
    find : callable
        ``find(X, y, sample_weight)`` has names of tasks and affinities.
    """
    half = even_folds(data.strata(), 2, np.random.RandomState(0))
    found = np.full((2, len(names), len(names)), np.nan)
    for k in range(2):
        try:
            with known_labels():
                known, affinity = find(*data.take(np.flatnonzero(half == k)))
        except ValueError:  # a half may lack the labels that a method needs
            return float("nan")
        at = match(np.array(known), np.array(names))
        found[k][np.ix_(at, at)] = affinity
    apart = hide_diagonal(found[0] - found[1])
    squares = apart[np.isfinite(apart)] ** 2
    return float(np.sqrt(squares.mean()) / 2) if len(squares) else float("nan")
