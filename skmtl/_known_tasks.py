r"""What the tasks that are known say of one that comes later, before it has any label.

Each of them is taken for the new one: the likelihood of its scores g, given those of the others, is

.. math:: g \sim N\bigl(b + c \bar f, \, \kappa (K / \mathrm{tr} K + \epsilon I)\bigr),
    \qquad K = s_1 A_1 A_1' + s_2 A_2 A_2',

:math:`\bar f` and :math:`A_1` without that task, :math:`\kappa` at its best. It tells whether tasks
are like their mean and like each other, or each has its own direction; the mean of its logarithm
over the tasks counts as one task does.

References
----------
J. Baxter, "A Bayesian/information theoretic model of learning to learn via multiple task sampling",
Machine Learning 28, 1997 (a prior that is learned from tasks).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._feature_group import Group
from skmtl._likely_strengths import Labels, Squared, Trial
from skmtl.tasks._regression import Regression

Array = NDArray[Any]

FEW_ROWS, FEW_TASKS = 60, 12
"""Rows and scores that are looked at, evenly spread: a tenth of a second."""
JITTER = 0.01
"""epsilon: what of a score is rounding. From .001 to .1 hardly anything changes (measured: Tox21
and digits, 4 to 80 labels)."""


def known_tasks_say(
    trials: Sequence[Trial],
    scores: Array,
    owners: Array | None,
    mean: Array | None,
    groups: Sequence[Group],
) -> Array:
    """Mean log likelihood of the known tasks for the strengths of each trial.

    Parameters
    ----------
    trials : sequence of Trial
        Their strengths; that of the scores is the first.
    scores : ndarray of shape (n, m)
        Raw scores of known tasks.
    owners : ndarray of shape (m,) or None
        The task of each; None where they are not those of single tasks.
    mean : ndarray of shape (m, n_outputs) or None
        As in `fit_head`.
    groups : sequence of Group
        What coefficients of the tasks are on, for these rows.
    """
    if owners is None or len(np.unique(owners)) < 2:
        return np.zeros(len(trials))
    # A row that is there twice says nothing new.
    rows = np.unique(scores, axis=0, return_index=True)[1]
    rows = rows[_spread(len(rows), FEW_ROWS)]
    scores, grams = scores[rows], [group.take(rows).gram() for group in groups]
    share = np.full(len(rows), 1.0 / len(rows))
    said = np.zeros(len(trials))
    columns = _spread(len(owners), FEW_TASKS)
    for column in columns:
        others = owners != owners[column]
        of_others = Group(scores[:, others], share, centred=True).gram()
        offset = np.zeros((len(rows), 1))
        if mean is not None:
            weights = mean[:, int(mean[column].argmax())] * others
            offset = scores @ (weights / (weights.sum() or 1.0))[:, None]
        said += _likelihoods(trials, scores[:, column], offset, [of_others, *grams])
    return said / len(columns)


def _likelihoods(
    trials: Sequence[Trial], values: Array, offset: Array, grams: Sequence[Array]
) -> Array:
    """Log likelihoods of one score; only proportions of the strengths count."""
    n_rows, found = len(values), []
    labels = Labels(Regression(), values, np.ones(n_rows), True)
    known: dict[tuple[float, ...], float] = {}
    for trial in trials:
        largest = max(*trial.strengths, 0.0) or 1.0
        proportions = tuple(s / largest for s in trial.strengths)
        key = (trial.share, *proportions)
        if key not in known:
            K = np.zeros((n_rows, n_rows))
            for s, gram in zip(proportions, grams, strict=True):
                K += s * gram
            size = float(np.trace(K)) / n_rows
            K = K / (JITTER * size) if size > 0 else K
            known[key] = float(Squared(labels, K)(trial.share * offset)[0])
        found.append(known[key])
    return np.array(found)


def _spread(n: int, most: int) -> Array:
    """Positions of at most so many of n, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(int)
