"""The findings as columns with an entry per task, and as a number or two for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.inspection.report._in_units import UNITS

# Columns that measure a task: what best, worst and difference are of.
MEASURES = ("score", "cv_score", "explained", "gain")


def columns(findings):
    """Lists by name of the column, in the order of the tasks."""
    tasks, gain = findings.tasks, findings.gain
    table = {
        "type": [task.predictions.task.alias for task in tasks],
        "labels": [len(task.rows) for task in tasks],
        "coverage": [task.coverage for task in tasks],
        "score": [float(task.score) for task in tasks],
    }
    if findings.n_splits:
        table["cv_score"] = [task.cv_score for task in tasks]
        table["cv_std"] = [task.cv_std for task in tasks]
        table["explained"] = [task.explained for task in tasks]
        for end, at in (("low", 0), ("high", 1)):
            table[f"explained_{end}"] = [task.explained_interval[at] for task in tasks]
    for name in UNITS:
        found = [task.measures.get(name, float("nan")) for task in tasks]
        if not np.isnan(found).all():
            table[name] = found
    table["rank"] = ranks(table[ranking_score(findings)])
    if gain is not None:
        table["gain"] = gain.gain.tolist()
        table["gain_low"], table["gain_high"] = gain.interval.T.tolist()
        table["sharing"] = gain.verdicts
    return table


def ranking_score(findings):
    """The score that counts: on rows that the model has not seen, where there is one."""
    if findings.has_shares:
        return "explained"
    return "cv_score" if findings.n_splits else "score"


def ranks(scores):
    """1 for the highest score, equal for equal ones; NaN where there is none."""
    scores = np.array(scores, dtype=float)
    higher = scores[None, :] > scores[:, None]
    return np.where(np.isnan(scores), np.nan, 1.0 + higher.sum(axis=1)).tolist()


def summarise(findings, how):
    """One number of each measure: "overall", "best", "worst" or "difference"."""
    table = columns(findings)
    measured = {name: np.array(table[name]) for name in MEASURES if name in table}
    known = {name: values[~np.isnan(values)] for name, values in measured.items()}
    return {
        name: float(FUNCTIONS[how](values)) if len(values) else float("nan")
        for name, values in known.items()
    }


FUNCTIONS: dict[str, Any] = {
    "overall": np.mean,
    "best": np.max,
    "worst": np.min,
    "difference": np.ptp,
}
