"""What a fitted model says besides predictions: how sure it is, of one row, with names.

A check that says False has nothing to ask of this model.
"""

import warnings

import numpy as np

from tests.fuzz.checks import require
from tests.fuzz.problem import TWINS, TWINS_CV

TINY = 1e-9
ALONE = 1e-5
"""Relative: networks have the dtype of X, and sums of one row another order."""


def has_classes(outcome, t):
    """Whether the labels of a column were read as classes."""
    return outcome.probabilities[t] is not None


def per_task(problem, found):
    """Answers as a list with one entry per column of the labels."""
    return [found] if problem.is_1d or problem.is_long else list(found)


def check_interval(outcome):
    """Ends in order and numbers for every task with labels; infinite is allowed, silence is not."""
    problem, model = outcome.problem, outcome.model
    if not hasattr(model, "predict_interval"):
        return False
    found = model.predict_interval(problem.given_X)
    if problem.is_1d or problem.is_long:
        found = found[:, None]
    for t, (lower, upper) in enumerate(np.moveaxis(found, 0, -1)):
        if has_classes(outcome, t):
            require(np.isnan([lower, upper]).all(), "column {} has classes and an interval", t)
            continue
        silent = problem.is_silent[:, t]
        require(not np.isnan([lower[~silent], upper[~silent]]).any(), "interval of {} is NaN", t)
        require((lower[~silent] <= upper[~silent]).all(), "interval of {} ends before it begins", t)
    return True


def check_sets(outcome):
    """A set of all classes at most, as large or larger where more is to be covered."""
    problem, model = outcome.problem, outcome.model
    if not hasattr(model, "predict_set"):
        return False
    some, more = (
        per_task(problem, model.predict_set(problem.given_X, coverage=c)) for c in (0.6, 0.95)
    )
    for t, (small, large) in enumerate(zip(some, more, strict=True)):
        require((small is None) == (not has_classes(outcome, t)), "sets of column {}", t)
        if small is not None:
            require(not (small & ~large).any(), "column {}: more coverage, fewer classes", t)
    return True


def check_quantiles(outcome):
    """Quantiles never cross, and the one of level 1/2 is the prediction."""
    problem, model = outcome.problem, outcome.model
    if "quantile" not in problem.declared or not hasattr(model, "predict_quantiles"):
        return False
    for t, found in enumerate(per_task(problem, model.predict_quantiles(problem.given_X))):
        if found is None:
            continue
        loud = ~problem.is_silent[:, t]
        require(np.isfinite(found[loud]).all(), "quantiles of {} are not finite", t)
        require((np.diff(found[loud], axis=1) >= 0).all(), "quantiles of {} cross", t)
    return True


def check_survival(outcome):
    """Probabilities of later events fall with time, and are 1/2 at the predicted median."""
    problem, model = outcome.problem, outcome.model
    if not problem.has_times or not hasattr(model, "predict_survival"):
        return False
    numbers = [abs(v) for v in problem.labels.ravel() if isinstance(v, float) and v]
    if not numbers:
        return False
    times = np.quantile(numbers, [0.0, 0.3, 0.7, 1.0])
    found = per_task(problem, model.predict_survival(problem.given_X, times))
    for t, later in enumerate(found):
        if later is None:
            continue
        loud = ~problem.is_silent[:, t]
        require(np.isfinite(later[loud]).all(), "later events of {} are not finite", t)
        require(((later[loud] >= -TINY) & (later[loud] <= 1 + TINY)).all(), "{}: beyond 0, 1", t)
        require((np.diff(later[loud], axis=1) <= TINY).all(), "later events of {} rise", t)
    return True


def check_spread(outcome):
    """Standard deviations are not negative, infinite for one label; means are predictions."""
    problem, model = outcome.problem, outcome.model
    if problem.name not in {"bayesian-linear", "gaussian-process"}:
        return False
    mean, std = model.predict(problem.given_X, return_std=True)
    one = problem.is_1d or problem.is_long
    mean, std = (a[:, None] if one else a for a in (mean, std))
    silent = problem.is_silent
    require(np.array_equal(mean, outcome.predicted, equal_nan=True), "mean is no prediction")
    require(not np.isnan(std[~silent]).any(), "std is NaN")
    require((std[~silent] >= 0).all(), "std is negative")
    return True


def check_one_row(outcome):
    """A row by itself gets what it gets among others, up to the order of sums."""
    problem, model = outcome.problem, outcome.model
    k = problem.index % problem.n_rows
    alone = problem.changed(
        X=problem.X[k : k + 1],
        labels=problem.labels[k : k + 1],
        groups=None if problem.groups is None else problem.groups[k : k + 1],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = model.predict(alone.given_X)
        among = model.predict(problem.given_X)[k : k + 1]
    require(said.shape == among.shape, "one row: shapes {} and {}", said.shape, among.shape)
    for t, (a, b) in enumerate(zip(said.ravel().tolist(), among.ravel().tolist(), strict=True)):
        if has_classes(outcome, t):
            # Of two that are as probable rounding decides.
            continue
        allowed = ALONE * max(abs(b), np.nanmax(np.abs(outcome.predicted[:, t])))
        if problem.x_as == "float32" and problem.name in TWINS | TWINS_CV:
            # Their sums are in float32, of which what cancels is lost.
            allowed += 1e-6 * np.abs(problem.X).max() * np.abs(model.coef_).sum(axis=-1).max()
        is_same = a == b or abs(a - b) <= allowed or (np.isnan(a) and np.isnan(b))
        require(is_same, "one row of column {}: {} alone, {} among others", t, a, b)


def check_frame(outcome):
    """A frame of predictions has the names of the tasks and says what `predict` says."""
    problem, model = outcome.problem, outcome.model
    if problem.is_long or problem.is_1d or not hasattr(model, "predict_frame"):
        return False
    frame = model.predict_frame(problem.given_X)
    names = [str(name) for name in model.task_names_in_]
    require([str(c) for c in frame.columns] == names, "columns {}", list(frame.columns))
    require(len(frame) == problem.n_rows, "{} rows in the frame", len(frame))
    return True


ASKED = {
    "interval": check_interval,
    "sets": check_sets,
    "quantiles": check_quantiles,
    "survival": check_survival,
    "spread": check_spread,
    "one row": check_one_row,
    "frame": check_frame,
}
