"""Labels beside what models say of them that did not see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import take_rows
from skmtl.compose._stack_folds import Fold
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._bands import FIELDS, Band, some_rows
from skmtl.uncertainty._conformal_models import Model

Array = NDArray[Any]
Count = Callable[[Targets], Array]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The labels of a column of y by models that did not see them.

    Attributes
    ----------
    rows, of_task, model : ndarray of shape (n,)
        Row and task of each label, and the model that speaks of it.
    values, weights : ndarray of shape (n,)
        Numbers in the units of y, or codes of classes; and how many labels each stands for.
    said : Band or ndarray of shape (n, n_classes)
        What the models say.
    factor : ndarray of shape (n_tasks,)
        How many labels a weight of 1 stands for.
    """

    rows: Array
    of_task: Array
    model: Array
    values: Array
    weights: Array
    said: Any
    factor: Array


def hold_out(
    X: Any,
    targets: Targets,
    folds: Sequence[Fold],
    fitted: Sequence[tuple[Model, Any]],
    count: Count,
) -> list[HeldOut]:
    """What models say of the labels of their folds: an entry for each column of y.

    ``fitted`` has the model of each fold, and what it expects of the test rows if that is known.
    ``count`` says how many labels the weights stand for.
    """
    heard = [
        model.say(take_rows(X, fold.test), _index_of(targets, fold.test), expected)
        for fold, (model, expected) in zip(folds, fitted, strict=True)
    ]
    counted, factor = _count(targets, folds, count)
    found = []
    for k, (task, values, weights) in enumerate(counted.columns()):
        parts = []
        for m, (fold, said) in enumerate(zip(folds, heard, strict=True)):
            used = np.flatnonzero(weights[fold.test] > 0)
            if said[k] is not None and len(used):
                parts.append((fold.test[used], np.full(len(used), m), some_rows(said[k], used)))
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(part[0] for part in parts)])
        index = targets.task_index
        found.append(
            HeldOut(
                rows,
                np.full(len(rows), k) if index is None else index[rows],
                np.concatenate([np.zeros(0, dtype=np.intp), *(part[1] for part in parts)]),
                task.labels(values[rows]) if not task.is_classification else values[rows],
                weights[rows],
                _joined([part[2] for part in parts], task),
                factor,
            )
        )
    return found


def _count(targets: Targets, folds: Sequence[Fold], count: Count) -> tuple[Targets, Array]:
    """Targets of the held-out labels, weighted by how many each stands for; and the factor."""
    held_out = np.zeros(len(targets.weights), dtype=bool)
    for fold in folds:
        held_out[fold.test] = True
    shape = targets.weights.shape
    weights = np.where(held_out.reshape(-1, *[1] * (len(shape) - 1)), targets.weights, 0.0)
    given = replace(targets, weights=weights)
    counted = replace(targets, weights=count(given).reshape(shape))
    total = given.sum_by_task(weights)
    factor = counted.sum_by_task(counted.weights) / np.where(total > 0, total, 1.0)
    return counted, factor


def _index_of(targets: Targets, rows: Array) -> Array | None:
    return None if targets.task_index is None else targets.task_index[rows]


def _joined(said: list[Any], task: Any) -> Any:
    if task.is_classification:
        return np.concatenate(said) if said else np.zeros((0, len(task.classes_)))
    parts = [[getattr(part, name) for part in said] for name in FIELDS]
    return Band(*(np.concatenate([np.zeros(0), *part]) for part in parts))
