"""How far off a task is in the units of its labels: what a share of deviance does not say."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from skmtl.inspection._words import number, percent, significant

UNITS = ("mae", "accuracy", "roc_auc")


def in_units(predictions):
    """Measures by name, of those that are for such a task.

    "mae" is the mean absolute error, in units of y; "accuracy" the share of the labels that are
    predicted; "roc_auc" the chance that of two rows of different classes the right one has the
    higher probability.
    """
    labels, decided, weight = predictions.labels, predictions.decided, predictions.weight
    task = predictions.task
    if not len(labels) or np.ndim(decided) > 1:
        return {}
    if not task.is_classification:
        if task.has_times:
            return {}
        off = np.abs(labels.astype(float) - decided.astype(float))
        return {"mae": float(np.average(off, weights=weight))}
    found = {"accuracy": float(np.average(labels == decided, weights=weight))}
    is_second = labels == task.classes_[-1]
    if len(task.classes_) == 2 and 0 < is_second.sum() < len(labels):
        probability = predictions.expected[:, 1]
        found["roc_auc"] = float(roc_auc_score(is_second, probability, sample_weight=weight))
    return found


def mean_in_units(parts):
    """The mean of each measure over the folds that have it."""
    found = [in_units(part) for part in parts]
    return {
        name: float(np.mean([one[name] for one in found if name in one]))
        for name in UNITS
        if any(name in one for one in found)
    }


def say_in_units(measures):
    """The measures in a line."""
    said = {
        "mae": lambda value: f"MAE {significant(value, 3)}",
        "accuracy": lambda value: f"{percent(value)} right",
        "roc_auc": lambda value: f"AUC {number(value)}",
    }
    return ", ".join(said[name](value) for name, value in measures.items())
