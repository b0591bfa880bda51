"""Losses on folds, of learning together and alone, and the gain that they say."""

from __future__ import annotations

import numpy as np
from scipy import stats

# Relative differences of losses that mean nothing: two ways to the same predictions.
ROUNDING = 1e-9
SIDES = np.array([-1.0, 1.0])


def fold_losses(data, splits, *ways):
    """Mean losses of ways of learning, on the labels that all can evaluate.

    Parameters
    ----------
    data : TaskData
        The data.
    splits : list of (train, test)
        Rows of every fold.
    *ways : list of dict
        Of each way, for each fold, the losses of the test labels of the tasks, NaN where unknown.

    Returns
    -------
    losses : ndarray of shape (n_ways, n_splits, n_tasks)
        Weighted means; NaN where a fold does not evaluate a task.
    tested, trained : ndarray of shape (n_splits, n_tasks)
        Weight of the labels evaluated, 0 where there are none, and of those of training.
    """
    shape = len(splits), data.n_tasks
    losses = np.full((len(ways), *shape), np.nan)
    tested, trained = np.zeros(shape), np.zeros(shape)
    for f, (train, test) in enumerate(splits):
        for t in set.intersection(*(set(way[f]) for way in ways)):
            found = np.stack([way[f][t] for way in ways])
            known = ~np.isnan(found).any(axis=0)
            weights = data.weights[t][data.labelled_in(test, t)][known]
            if len(weights):
                losses[:, f, t] = found[:, known] @ weights / weights.sum()
                tested[f, t] = weights.sum()
                trained[f, t] = data.weights[t][data.labelled_in(train, t)].sum()
    return losses, tested, trained


def estimate_gain(losses, tested, trained, confidence=0.95):
    """Gain of every task (n_tasks,) and its interval (n_tasks, 2); see `transfer_gain`.

    NaN without a fold that evaluates the task; an interval takes two.
    """
    n_tasks = tested.shape[1]
    gain, interval = np.full(n_tasks, np.nan), np.full((n_tasks, 2), np.nan)
    for t in np.flatnonzero(tested.any(axis=0)):
        used = tested[:, t] > 0
        gain[t], deviation = _deviations(losses[:, used, t], tested[used, t])
        if used.sum() > 1:
            rho = np.mean(tested[used, t] / trained[used, t])
            half = _half_width(deviation, rho, confidence)
            interval[t] = _on_the_scale_of_logarithms(gain[t], half)
    return gain, interval


def estimate_mean_gain(losses, tested, trained, confidence=0.95):
    """Interval (2,) of the mean gain of these tasks; NaN where it cannot be told.

    What a fold says of a task is compared with the gain of that task, and the mean over the tasks
    varies as folds do: tasks that go up and down together count as little more than one.
    """
    known = (tested > 0).sum(axis=0) > 1
    if not known.any():
        return np.full(2, np.nan)
    gains, deviations = np.zeros(known.sum()), np.zeros((len(tested), known.sum()))
    for place, t in enumerate(np.flatnonzero(known)):
        used = tested[:, t] > 0
        gains[place], deviation = _deviations(losses[:, used, t], tested[used, t])
        # A fold counts by its part in the mean of its task.
        deviations[used, place] = deviation * (len(tested) / used.sum())
    rho = np.mean(tested[:, known].sum(axis=1) / trained[:, known].sum(axis=1))
    half = _half_width(deviations.mean(axis=1), rho, confidence)
    return gains.mean() + max(half, ROUNDING) * SIDES


def _deviations(losses, weight):
    """Gain of a task on its folds, and what each says beyond it, to first order.

    The gain g = 1 - mean b / mean a is a ratio of means, and a fold of hard labels has both a and b
    large: with equal weights it says (a - b - g a) / mean a [1]_.

    References
    ----------
    .. [1] W. G. Cochran, "Sampling Techniques", 3rd edition, Wiley 1977, section 6.3.
    """
    b, a = losses
    mean_a, mean_d = np.average(a, weights=weight), np.average(a - b, weights=weight)
    gain = share(mean_d, mean_a)
    beyond = a - b - (gain * a if np.isfinite(gain) else mean_d)
    return gain, share(weight / weight.mean() * beyond, mean_a)


def _on_the_scale_of_logarithms(gain, half):
    """Interval of 1 - b / a whose half is that of log(b / a): no share is larger than 1.

    It treats both ways of learning alike. An interval that is symmetric around the gain calls
    twice as many of those that are equally good helpful as harmful, where folds are small.
    """
    ratio = 1.0 - gain
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = 1.0 - ratio * np.exp(-SIDES * share(half, ratio))
    return min(low, gain - ROUNDING), max(high, gain + ROUNDING)


def _half_width(deviation, rho, confidence):
    """Half of the interval of the corrected resampled t-test."""
    n_folds = len(deviation)
    error = np.sqrt((1 / n_folds + rho) * (deviation @ deviation) / (n_folds - 1))
    return stats.t.ppf((1 + confidence) / 2, n_folds - 1) * error


def share(part, whole):
    """Part of the whole; 0 where both are zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((part == 0) & (whole == 0), 0.0, np.divide(part, whole))


def merged(parts):
    """One dict of several."""
    return {t: found for part in parts for t, found in part.items()}
