"""One metric for all tasks, or one for each type: which of them a task gets."""

from collections.abc import Mapping

from skmtl._aliases import did_you_mean
from skmtl.metrics._single_metric import family_of, is_binary_only
from skmtl.tasks._resolve import TASK_TYPES

FAMILIES = ("regression", "classification")


def read_metric(metric, make_scorer):
    """scikit-learn's scorer of each task type or family; one under None is for all."""
    if not isinstance(metric, Mapping):
        metric = {None: metric}
    elif unknown := set(metric) - {*TASK_TYPES, *FAMILIES}:
        raise ValueError(
            f"metric names the task type {min(map(repr, unknown))}; expected some of "
            f"{sorted({*TASK_TYPES, *FAMILIES})}."
            f"{did_you_mean(min(unknown, key=repr), {*TASK_TYPES, *FAMILIES})}"
        )
    return {alias: make_scorer(entry) for alias, entry in metric.items()}


def choose(scorers, views, metric):
    """Each view with its scorer, those left out that the metric is not for.

    The scorer is None where the score is NaN: whether a task is binary or multiclass may change
    from fold to fold. That must not change the keys of the dict, so such a task stays.
    """
    chosen = [(view, scorer) for view in views for scorer in _choose(scorers, view)]
    if all(scorer is None for _, scorer in chosen):
        types = sorted({view.alias for view in views})
        raise ValueError(f"metric={metric!r} is for none of the task types {types}.")
    return chosen


def _choose(scorers, view):
    """The scorer of a task, in a list; [None] for a score of NaN, [] to leave the task out."""
    scorer = scorers.get(None, scorers.get(view.alias, scorers.get(view.family)))
    if scorer is None:
        related = view.family == "classification" and {"binary", "multiclass"} & set(scorers)
        return [None] if related else []
    if family_of(scorer) not in (None, view.family):
        return []
    is_multiclass = view.classes is not None and len(view.classes) > 2
    return [None] if is_multiclass and is_binary_only(scorer) else [scorer]
