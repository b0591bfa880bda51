"""Training a network with a probe."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from skmtl._innermost import final_estimator
from skmtl.inspection._cross_validate import fit
from skmtl.neural import MultiTaskMLP


def train_with(probe, estimator, X, y, sample_weight=None):
    """A fitted clone of a network, which a probe has watched; see `for_all_tasks`."""
    estimator = clone(estimator)
    final = final_estimator(estimator)
    if not isinstance(final, MultiTaskMLP):
        raise TypeError(
            f"Gradients are looked at while a network trains, but {type(final).__name__} is none; "
            "expected a MultiTaskMLP, also as the last step of a Pipeline. Of a search, give the "
            "best_estimator_. task_affinity takes linear models with method='coef_cosine', and all "
            "with 'pairwise' or 'residual_correlation'."
        )
    final._probe = probe
    fit(estimator, X, y, sample_weight)
    return final


def for_all_tasks(network, pairs):
    """Numbers (.., n_tasks, n_tasks), NaN for tasks from which nothing could be learnt."""
    members, n_tasks = network._fitted.network_tasks, len(network.task_names_in_)
    if members is None:
        return pairs
    found = np.full((*pairs.shape[:-2], n_tasks, n_tasks), np.nan)
    found[..., members[:, None], members] = pairs
    return found
