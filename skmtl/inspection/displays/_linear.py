"""Coefficients of fitted linear estimators, with the names of features and outputs."""

import numpy as np
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from skmtl._innermost import final_estimator, inward
from skmtl.tasks._features import position_of_task


def read_coefficients(estimator, caller):
    """Coefficients (n_outputs, n_features), and a name for each output."""
    final = final_estimator(estimator)
    parts = _parts(final)
    if parts is None:
        raise TypeError(
            f"{caller} needs a fitted linear estimator; {type(final).__name__} has no coef_."
        )
    coef = np.vstack(parts)
    names = _output_names(final, [len(part) for part in parts])
    return coef, names if len(names) == len(coef) else list(range(len(coef)))


def _parts(final):
    """One array for the estimator or, where it has one estimator per task, for each of these."""
    if hasattr(final, "coef_"):
        return [_dense(final.coef_)]
    fitted = [final_estimator(one) for one in getattr(final, "estimators_", ())]
    if not any(hasattr(one, "coef_") for one in fitted):
        return None
    width = next(_dense(one.coef_).shape[1] for one in fitted if hasattr(one, "coef_"))
    # A task with a constant prediction uses no feature.
    return [_dense(one.coef_) if one is not None else np.zeros((1, width)) for one in fitted]


def _dense(coef):
    return np.atleast_2d(coef.toarray() if sparse.issparse(coef) else coef)


def _output_names(final, sizes):
    """A name a task, or a pair of task and class for each class of a multiclass one."""
    tasks = getattr(final, "tasks_", None)
    if tasks is None:
        return list(range(sum(sizes)))
    if hasattr(final, "coef_"):
        sizes = [task.n_outputs_ for task in tasks]
    names = []
    for task, name, size in zip(tasks, final.task_names_in_.tolist(), sizes, strict=True):
        classes = getattr(task, "classes_", ())
        names += [name] if size == 1 else [f"{name}: {label}" for label in classes[:size]]
    return names


def feature_names(estimator, n_features):
    """Names of the features as they arrive at the last step; 0, 1, ... where there are none."""
    names = None
    for inner, *_ in inward(estimator, fitted=True):
        if isinstance(inner, Pipeline):
            names = _names_after(inner, names)
    known = getattr(inner, "feature_names_in_", names)
    known = [] if known is None else list(known)
    known = _without_task_feature(known, getattr(inner, "task_feature", None))
    return known if len(known) == n_features else list(range(n_features))


def _names_after(pipeline, names):
    if len(pipeline.steps) == 1:
        return names
    try:
        return list(pipeline[:-1].get_feature_names_out(names))
    except (AttributeError, ValueError, NotFittedError):
        # A transformer that does not say what comes out of it.
        return None


def _without_task_feature(names, task_feature):
    if task_feature is None or not names:
        return names
    position = position_of_task(names, task_feature)
    return names if position is None else names[:position] + names[position + 1 :]
