"""What the parameters of the networks with cross-validation may be, and what they mean."""

from __future__ import annotations

import re
from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import HasMethods

from skmtl._docstrings import documented
from skmtl.neural.estimators._parameters import CONSTRAINTS, PARAMETERS, SHARED

OF_NETWORKS = (
    "architecture",
    "head_hidden_layer_sizes",
    "categorical_features",
    "normalization",
    "balancing",
    "task_weight",
    "device",
    "n_threads",
)
"""Parameters of `MultiTaskMLP` that hold for every candidate that does not name them."""

CV_CONSTRAINTS: dict[str, Any] = {
    "grid": [dict, list, None],
    "cv": ["cv_object"],
    "scoring": [str, callable, HasMethods("__call__"), None],
    **{
        name: CONSTRAINTS[name]
        for name in (
            *("hidden_layer_sizes", "tasks", "task_feature", "unknown_task", "class_weight"),
            *OF_NETWORKS,
            "random_state",
        )
    },
    "n_jobs": [Integral, None],
    "verbose": ["verbose"],
}

SEARCH = """
    grid : dict of lists, list of such dicts or None, default=None
        Candidates: all combinations of parameters of `MultiTaskMLP`, such as ``{"alpha": [0.1,
        1.0], "activation": ["relu", "silu"]}``. What a candidate does not name is as below, or
        else the default of `MultiTaskMLP`. None is a list that is good on most tables: from strong
        decay and dropout to hardly any beside a linear path from the inputs, and up to 100 columns
        three that read piecewise linear embeddings of the numbers.
    cv : int, splitter or iterable, default=None
        Folds: their number (None: 10, up to 32 below 400 rows, 5 from 5,000 rows on; at most as
        many as there are rows or groups), a splitter of scikit-learn, or (train, test) indices. A
        number stands for shuffled folds, the same in every fit, that spread the labels of every
        task and class over the rows that have any (rows of a group stay together). Every fold
        trains a network of each candidate.
    scoring : str, callable or None, default=None
        What ``cv_results_`` and ``best_params_`` go by: None for `score`, or a scorer
        ``scorer(estimator, X, y)`` that returns a float or, as `skmtl.task_scores` does, a dict
        with one value per task and "mean"; a name stands for
        :func:`skmtl.make_multitask_scorer` of it. Snapshots go by the loss, weights by squared
        errors of expected values and probabilities, whatever the scoring.
    hidden_layer_sizes : array-like of int, default=(64, 64)
        Units of the hidden layers that all tasks share. Empty for none: linear models.
    <task parameters>
"""

REST = """
    n_jobs : int, default=None
        Number of candidates' structures (all parameters but ``learning_rate_init``, ``alpha`` and
        ``dropout``) that train at a time, by joblib. Results do not depend on it.
    random_state : int, RandomState or Generator instance or None, default=None
        Decides initial weights, the order of the rows and dropout, for each network by its
        candidate and its fold. The folds do not depend on it.
    verbose : bool or int, default=False
        How much joblib reports of its progress.
"""

CV_ATTRIBUTES = """
    weights_ : ndarray of shape (n_candidates, n_tasks)
        Weight of each candidate in the predictions for each task. What is missing to 1 is the
        weight of the best constant prediction: where networks find little, predictions shrink.
    best_params_ : dict
        Parameters of the candidate with the best score.
    params_ : list of dict, of length n_candidates
        All candidates.
    best_score_ : float
        Mean of ``task_scores_``.
    task_scores_ : ndarray of shape (n_tasks,), or (1,) in long form
        `score` of the blend on held-out rows, for every task.
    cv_results_ : dict of ndarray or list
        A table of the candidates, ``pandas.DataFrame(model.cv_results_)``: "params",
        "mean_test_score", "std_test_score" and "rank_test_score" over folds, the score of each
        fold ("split0_test_score", ...), "held_out_loss", the epoch of the snapshot ("n_iter") and
        the mean of ``weights_`` ("weight").
    task_cv_scores_ : ndarray of shape (n_candidates, n_folds, n_tasks)
        The scores of every task; one in long form.
    out_of_fold_ : list of ndarray of shape (n_samples,) or (n_samples, n_classes)
        What the blend predicts of the rows of the fit, by networks that have not seen them:
        expected values or class probabilities of each task, in long form one entry. NaN in rows
        without a label, or that are never held out.
    members_ : dict of list
        "candidate" and "fold" of every network that has a weight, in the order of
        `member_predictions`.
    <task attributes>
"""


def entries(text: str) -> dict[str, str]:
    """Parts of a parameter section, by name."""
    parts = re.split(r"^    (?=\w+ : )", text, flags=re.MULTILINE)
    return {part.split(" : ")[0]: f"    {part.rstrip()}" for part in parts if " : " in part}


_own = entries(PARAMETERS)
_of_networks = "\n".join(_own[name] for name in OF_NETWORKS)
CV_PARAMETERS = f"\n{SEARCH.strip(chr(10))}\n{_of_networks}\n{REST.strip(chr(10))}\n"

network_cv = documented(CV_PARAMETERS, CV_ATTRIBUTES, shared=SHARED)
"""Decorator that fills these texts into the docstring of an estimator."""
