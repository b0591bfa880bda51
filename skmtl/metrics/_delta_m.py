"""Relative gain over single-task models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._shown import shown
from skmtl.metrics._averages import average_scores, check_average
from skmtl.metrics._keys import MEAN, WORST
from skmtl.tasks._by_name import by_task, named_entries
from skmtl.tasks._weights import read_task_weight

Array = NDArray[Any]


def delta_m(
    scores: Any,
    single_task_scores: Any,
    *,
    greater_is_better: bool = True,
    average: Any = "mean",
    task_weight: Any = None,
) -> Any:
    r"""Mean relative gain of a multi-task model over single-task models.

    .. math:: \Delta_m = \frac{1}{T} \sum_t (-1)^{l_t} \frac{M_{m,t} - M_{b,t}}{|M_{b,t}|}

    with :math:`M_{m,t}` the value of the multi-task model for task t, :math:`M_{b,t}` that of
    the single-task baseline, and :math:`l_t = 1` where low values are good [1]_ [2]_. 0.05 is a
    gain of 5 %, and a negative value says that sharing does harm.

    Parameters
    ----------
    scores, single_task_scores : array-like of shape (n_tasks,), dict of str to float or Series
        Value of each task. Both may be dicts as :func:`~skmtl.task_scores` returns them, or
        Series, matched by key; "mean" and "worst" are no tasks. A task with several metrics may
        be listed several times.
    greater_is_better : bool, array-like of shape (n_tasks,) or dict, default=True
        Whether high values are good: of all tasks, of each, or of those that a dict names (True
        for the rest). Scorers ("neg_mean_squared_error") are always good when high.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean or the lowest gain of the tasks, the mean weighted by `task_weight`, or None for
        the gain of each task.
    task_weight : array-like of shape (n_tasks,) or dict {key: weight}, default=None
        With ``average="weighted"``: what each task counts for; those that a dict does not name
        count 1.

    Returns
    -------
    gain : float, ndarray of shape (n_tasks,) or dict of str to float
        Gain, no percentage; NaN where a value is NaN or that of the baseline is 0, which the
        average leaves out. With ``average=None`` an array, or a dict if `scores` has keys.

    Raises
    ------
    ValueError
        If the two have different tasks.

    See Also
    --------
    skmtl.transfer_gain : Gains with an interval from folds, of losses.

    Notes
    -----
    The size of a relative gain depends on the metric: going from 0.98 to 0.99 is 1 % more
    accuracy and 50 % less error. Values near 0, as R2 can have, make it meaningless; errors and
    losses are the better input. The literature divides by :math:`M_{b,t}` itself, which is the
    same for values above 0.

    References
    ----------
    .. [1] K.-K. Maninis, I. Radosavovic and I. Kokkinos, "Attentive single-tasking of multiple
       tasks", CVPR 2019, section on evaluation.
    .. [2] S. Vandenhende et al., "Multi-task learning for dense prediction tasks: a survey",
       IEEE TPAMI 44, 2022, section on evaluation.

    Examples
    --------
    >>> from skmtl.metrics import delta_m
    >>> together, alone = {"rmse": 0.9, "accuracy": 0.88}, {"rmse": 1.0, "accuracy": 0.8}
    >>> round(delta_m(together, alone, greater_is_better={"rmse": False}), 3)
    0.1
    """
    check_average(average, task_weight)
    is_named = named_entries(scores, "scores") is not None
    keys, values, baseline = _read(scores, single_task_scores)
    sign = np.where(_read_signs(greater_is_better, keys), 1.0, -1.0)
    scale = np.where(baseline == 0, np.nan, np.abs(baseline))
    gain = sign * (values - baseline) / scale
    if average is None:
        return dict(zip(keys, gain.tolist(), strict=True)) if is_named else gain
    weight = read_task_weight(task_weight, keys, np.ones(len(keys)))
    return average_scores(gain, average, weight)


def _read(scores: Any, baseline: Any) -> Any:
    """Keys of the tasks, and both values of each."""
    # Beside an array, the labels of a Series are the positions 0, 1, ...
    has_index = any(hasattr(values, "iloc") for values in (scores, baseline))
    scores = _keyed(scores, "scores", has_index)
    baseline = _keyed(baseline, "single_task_scores", has_index)
    is_dict = isinstance(scores, Mapping)
    if is_dict != isinstance(baseline, Mapping):
        raise ValueError(
            "scores and single_task_scores must both be dicts (or Series, which have keys as "
            "well), or both arrays."
        )
    keys = [key for key in scores if key not in (MEAN, WORST)] if is_dict else range(len(scores))
    if is_dict:
        if odd := set(keys) ^ set(baseline) - {MEAN, WORST}:
            raise ValueError(
                f"The task {min(map(repr, odd))} is in only one of scores and single_task_scores."
            )
        scores, baseline = [scores[key] for key in keys], [baseline[key] for key in keys]
    values, baseline = np.asarray(scores, dtype=float), np.asarray(baseline, dtype=float)
    if values.ndim != 1 or values.shape != baseline.shape or not len(values):
        raise ValueError(
            f"scores has shape {values.shape} and single_task_scores {baseline.shape}; expected "
            "(n_tasks,) of both."
        )
    return list(keys), values, baseline


def _keyed(values: Array, what: Any, has_index: Any) -> Any:
    entries = named_entries(values, what)
    if entries is not None:
        return entries
    return dict(enumerate(values)) if has_index else values


def _read_signs(greater_is_better: Any, keys: Any) -> Any:
    if isinstance(greater_is_better, Mapping):
        if odd := set(greater_is_better) - set(keys):
            raise ValueError(
                f"greater_is_better names {min(map(repr, odd))}; the tasks are {shown(keys)}."
            )
        return np.array([greater_is_better.get(key, True) for key in keys], dtype=bool)
    greater_is_better = by_task(greater_is_better, keys, "greater_is_better")
    signs = np.asarray(greater_is_better, dtype=bool)
    if signs.ndim and signs.shape != (len(keys),):
        raise ValueError(
            f"greater_is_better has shape {signs.shape}; expected one value, or ({len(keys)},)."
        )
    return np.broadcast_to(signs, len(keys))
