"""What decisions between two classes are worth, as a function of how often which is made of which.

A metric of labels and decisions knows no more than the table of counts: it is asked of four rows
that have them as weights.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.metrics._single_metric import _fill_in, _positive

Array = NDArray[Any]


class Counts(NamedTuple):
    """Sums of weights, arrays of one shape: labels of the second class are positive."""

    tn: Array
    fp: Array
    fn: Array
    tp: Array


Score = Callable[[Counts], Array]


def _f1(c: Counts) -> Array:
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def _jaccard(c: Counts) -> Array:
    return _ratio(c.tp, c.tp + c.fp + c.fn)


def _accuracy(c: Counts) -> Array:
    return _ratio(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn)


def _balanced_accuracy(c: Counts) -> Array:
    return 0.5 * (_ratio(c.tp, c.tp + c.fn) + _ratio(c.tn, c.tn + c.fp))


def _matthews(c: Counts) -> Array:
    sides = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    return np.where(sides > 0, _ratio(c.tp * c.tn - c.fp * c.fn, np.sqrt(sides)), 0.0)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


# Of these with their default settings; the same numbers in next to no time.
FORMULAS: dict[str, Score] = {
    "f1_score": _f1,
    "jaccard_score": _jaccard,
    "accuracy_score": _accuracy,
    "balanced_accuracy_score": _balanced_accuracy,
    "matthews_corrcoef": _matthews,
}


def is_fast(scorer: Any) -> bool:
    """Whether there is a formula."""
    name = getattr(scorer._score_func, "__name__", "")
    known = set(scorer._kwargs) <= {"pos_label", "average"}
    is_binary = scorer._kwargs.get("average", "binary") == "binary"
    return name in FORMULAS and known and is_binary and _is_of_scikit_learn(scorer)


def _is_of_scikit_learn(scorer: Any) -> bool:
    return (scorer._score_func.__module__ or "").startswith("sklearn.metrics")


def score_of(scorer: Any, view: Any) -> Score:
    """The value of a scorer, high is good; NaN where it has none.

    ``view`` tells the classes of the task.
    """
    settings = _fill_in(scorer, view)
    classes = view.classes_
    if is_fast(scorer):
        formula = FORMULAS[scorer._score_func.__name__]
        is_second = _positive(scorer, view) != classes[0]
        return lambda c: formula(c if is_second else Counts(c.tp, c.fn, c.fp, c.tn))
    labels, decisions = classes[[0, 0, 1, 1]], classes[[0, 1, 0, 1]]
    takes_weights = "sample_weight" in signature(scorer._score_func).parameters

    def value(*counts: float) -> float:
        if takes_weights:
            given, more = (labels, decisions), {"sample_weight": np.array(counts)}
        else:
            times = np.round(counts).astype(int)
            given, more = (np.repeat(labels, times), np.repeat(decisions, times)), {}
        return float(scorer._sign * scorer._score_func(*given, **settings, **more))

    def score(c: Counts) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array([value(*of_one) for of_one in zip(*c, strict=True)])

    return score


def score_of_costs(costs: Array) -> Score:
    """Costs of a row, negative, over those of the better of two constant decisions.

    ``costs[i, j]`` is that of predicting class j where i is true.
    """

    def score(c: Counts) -> Array:
        cost = costs[0, 0] * c.tn + costs[0, 1] * c.fp + costs[1, 0] * c.fn + costs[1, 1] * c.tp
        negative, positive = c.tn + c.fp, c.fn + c.tp
        constants = [costs[0, j] * negative + costs[1, j] * positive for j in (0, 1)]
        least = np.minimum(*constants)
        return -np.divide(cost, least, out=cost.astype(float), where=least > 0)

    return score
