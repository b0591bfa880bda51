r"""Scores of classes: how far down a class stands among the probabilities of a row.

"lac" [1]_ is :math:`1 - p_c`, and gives the smallest sets that cover so many labels. "aps" [2]_ is
the probability of all classes that are likelier, so that the set of a row has its likeliest classes
until they reach a level, one at least; "aps_random" adds a random part of the class itself, and
may then leave the last one out. Of classes with an order the sets are neighbours [3]_: from the
likeliest class on the likelier neighbour comes next, and the score is the probability of those
that come before.

References
----------
.. [1] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers with bounded
   error levels", JASA 114, 2019, section 2.
.. [2] Y. Romano, M. Sesia and E. J. Candes, "Classification with valid and adaptive coverage",
   NeurIPS 2020, eq. 4 to 7.
.. [3] C. Lu, A. N. Angelopoulos and S. Pomerantz, "Improving trustworthiness of AI disease
   severity rating in medical imaging with ordinal conformal prediction sets", MICCAI 2022,
   algorithm 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks import Task
from skmtl.tasks._columns import match

Array = NDArray[Any]

SET_SCORES = "lac", "aps", "aps_random"


def class_scores(task: Task, probability: Array, how: str, rng: Any) -> Array:
    """Scores (n, n_classes) of the classes of a task."""
    order = _order(task)
    if order is not None:
        scores = np.empty_like(probability)
        scores[:, order] = _growing(probability[:, order])
        return scores
    if how == "lac":
        return 1.0 - probability
    first = np.argsort(-probability, axis=1, kind="stable")
    ordered = np.take_along_axis(probability, first, axis=1)
    total = ordered.cumsum(axis=1) - ordered
    if how == "aps_random":
        total += ordered * rng.uniform(size=(len(ordered), 1))
    scores = np.empty_like(probability)
    np.put_along_axis(scores, first, total, axis=1)
    return scores


def neighbours(task: Task, is_in: Array) -> Array:
    """Sets with the classes between: several models may leave one out."""
    order = _order(task)
    if order is None:
        return is_in
    found = np.empty_like(is_in)
    by_rank = is_in[:, order]
    up = np.logical_or.accumulate(by_rank, axis=1)
    down = np.logical_or.accumulate(by_rank[:, ::-1], axis=1)[:, ::-1]
    found[:, order] = up & down
    return found


def _order(task: Task) -> Array | None:
    """Columns of the classes from the lowest to the highest, where they have an order."""
    ordered = getattr(task, "ordered_classes_", None)
    classes: Any = task
    return None if ordered is None else match(classes.classes_, ordered)


def _growing(probability: Array) -> Array:
    """Probability of the neighbours before each class, in order, is reached."""
    n_rows, n_classes = probability.shape
    rows = np.arange(n_rows)
    low = probability.argmax(axis=1)
    high, total = low.copy(), probability[rows, low]
    padded = np.column_stack([np.full(n_rows, -1.0), probability, np.full(n_rows, -1.0)])
    scores = np.zeros_like(probability)
    for _ in range(n_classes - 1):
        below, above = padded[rows, low], padded[rows, high + 2]
        goes_up = above > below
        low, high = np.where(goes_up, low, low - 1), np.where(goes_up, high + 1, high)
        scores[rows, np.where(goes_up, high, low)] = total
        total = total + np.where(goes_up, above, below)
    return scores
