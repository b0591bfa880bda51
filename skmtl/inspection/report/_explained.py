"""What a model explains of the labels of unseen rows, beside the best constant of those seen."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._cross_validate import deviance, evaluate_constants
from skmtl.inspection._gain_estimate import estimate_gain, fold_losses


def explained(data, splits, folds, confidence):
    r"""Share of the loss of a constant that the model takes away, and its interval.

    With the mean losses :math:`c_f` of the best constant of the training labels and :math:`b_f`
    of the model on the test labels of fold f, the share is :math:`1 - \bar b / \bar c`, and its
    interval that of `transfer_gain`. Folds are summed before they are divided: R² of a fold with a
    handful of labels says nothing.

    Returns
    -------
    share : ndarray of shape (n_tasks,)
        NaN for a task that no fold evaluates.
    interval : ndarray of shape (n_tasks, 2)
        Its confidence interval; NaN of a single fold.
    """
    model = [
        _losses(data, predictions, test)
        for (_, test), (predictions, *_) in zip(splits, folds, strict=True)
    ]
    constant = evaluate_constants(data, splits, deviance)
    losses, tested, trained = fold_losses(data, splits, model, constant)
    return estimate_gain(losses, tested, trained, confidence)


def _losses(data, predictions, test):
    """Losses of each task in the order of ``data.labelled_in(test, t)``, NaN where unknown."""
    found = {}
    for t, name in enumerate(data.names):
        rows = data.rows[t][data.labelled_in(test, t)]
        if name not in predictions or not len(rows):
            continue
        one = predictions[name]
        found[t] = np.full(len(rows), np.nan)
        # What is said of a class that the fold has not seen is no prediction of it.
        known = (
            np.isin(one.labels, one.task.classes_) if one.task.is_classification else slice(None)
        )
        found[t][np.searchsorted(rows, one.rows[known])] = one.loss[known]
    return found
