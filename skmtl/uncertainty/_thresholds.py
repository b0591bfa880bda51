r"""The threshold of a probability above which the second of two classes is predicted.

Of every threshold the counts of decisions are those of held-out rows, with labels

.. math:: \tilde y = \frac{n_1 y + n_0 q}{n_1 + n_0}

in place of y: q is the calibrated probability of the row, :math:`n_1` the number of labels of the
rarer class. Where these are few, that is the threshold which calibrated probabilities call for, of
the F1 score half the best score [1]_; where they are many, that of the labels.

References
----------
.. [1] Z. Lipton, C. Elkan and B. Naryanaswamy, "Optimal thresholding of classifiers to maximize F1
   measure", ECML PKDD 2014, theorem 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._calibration import fit_calibration
from skmtl.uncertainty._decision_rules import Rule
from skmtl.uncertainty._decision_scores import Counts, Score
from skmtl.uncertainty._held_out import only_known

Array = NDArray[Any]

N_IMAGINED = 200.0
"""n_0. Measured on Tox21 with linear models, networks and forests: of 0, 10, 30, 100, 300 and inf,
100 and 300 give the best mean F1 score with a tenth of the labels, by 1 to 2 points over 0, and are
within .3 of the best with all of them. Chosen by parts of the rows instead, it was no better.
"""
MOST, MOST_SLOW = 200, 50
"""Thresholds that are tried, of as many steps of the share of labels above them; fewer by a metric
without a formula.
"""


class Decided(NamedTuple):
    """Rows of a task: probability of the second class, the calibrated one, codes and weights."""

    p: Array
    q: Array
    codes: Array
    weights: Array

    def take(self, rows: Array) -> Decided:
        """Some of the rows."""
        return Decided(*(of_all[rows] for of_all in self))

    @property
    def has_both(self) -> bool:
        """Whether there are labels of both classes."""
        return len(np.unique(self.codes)) > 1

    def labels(self) -> Array:
        """The labels, drawn to the calibrated probabilities."""
        positive = float(self.weights @ self.codes)
        fewest = min(positive, float(self.weights.sum()) - positive)
        share = fewest / (fewest + N_IMAGINED)
        found: Array = share * self.codes + (1.0 - share) * self.q
        return found


def choose_threshold(rows: Decided, score: Score, most: int = MOST) -> float:
    """The threshold of the best score; NaN where no score is defined."""
    order = np.argsort(-rows.p, kind="stable")
    p, weights = rows.p[order], rows.weights[order]
    positive = weights * rows.labels()[order]
    # Rows of one probability are decided alike: where the last of them is.
    ends = np.append(np.flatnonzero(np.diff(p)), len(p) - 1)
    true = np.append(0.0, positive.cumsum()[ends])
    false = np.append(0.0, (weights - positive).cumsum()[ends])
    step = np.floor(true / true[-1] * most)
    tried = np.append(np.flatnonzero(np.diff(step, prepend=-1.0)), len(true) - 1)
    tp, fp = true[tried], false[tried]
    value = score(Counts(false[-1] - fp, fp, true[-1] - tp, tp))
    if not np.isfinite(value).any():
        return float("nan")
    best = tried[int(np.nanargmax(value))]
    # Above the highest there has to be room, for none to be predicted.
    highest = 1.0 if p[0] < 1.0 else 1.0 + 1e-9
    edges = np.concatenate([[highest], p[ends], [0.0]])
    # Between the last of the `best` probabilities above it and the next.
    return float(0.5 * (edges[best] + edges[best + 1]))


def choose_thresholds(
    expected: list[Array],
    targets: Targets,
    counts: Array,
    part: Array,
    rules: list[Rule | None],
    *,
    is_one: bool,
) -> tuple[Array, float]:
    """Thresholds (n_tasks,), NaN for tasks without; and, in long form, that of all rows together.

    ``expected`` and ``part`` are those of held-out rows, ``counts`` how many labels each weight
    stands for. ``is_one``: all tasks have one rule.
    """
    thresholds, common = np.full(len(rules), np.nan), float("nan")
    scored = [rule for rule in rules if rule and rule.score]
    if not scored:
        return thresholds, common
    calibrated = fit_calibration(expected, targets, counts, part, "platt")[1]
    for k, (_, values, _) in enumerate(targets.columns()):
        if expected[k].shape[1:] != (2,):
            continue
        rows = only_known(expected[k], counts[:, k])
        codes = values[rows].astype(np.intp)
        decided = Decided(expected[k][rows, 1], calibrated[k][rows, 1], codes, counts[rows, k])
        parts = {k: np.arange(len(rows))}
        if targets.task_index is not None:
            of_tasks = rows_by_task(targets.task_index[rows], targets.tasks.n_tasks)
            parts = dict(enumerate(of_tasks))
            if decided.has_both and is_one:
                common = _by_rule(decided, scored[0])
        for t, mine in parts.items():
            # Of one class there is nothing to tell it from.
            if (rule := rules[t]) and (of_task := decided.take(mine)).has_both:
                thresholds[t] = _by_rule(of_task, rule)
    return thresholds, common


def _by_rule(rows: Decided, rule: Rule) -> float:
    if rule.score is None:
        return float("nan")
    return choose_threshold(rows, rule.score, MOST if rule.is_fast else MOST_SLOW)
