"""In which order a chain takes the tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from skmtl._correlation import FEWEST_ROWS, correlation
from skmtl._shown import shown
from skmtl.compose._chain_link import is_learnable, out_of_fold
from skmtl.compose._task_labels import TaskLabels
from skmtl.tasks._by_name import find_twice, named_entries, order_of, same_names


def read_order(order: Any, names: Any) -> Any:
    """Positions of the tasks, given by names or by positions; names come first."""
    default = list(range(len(names)))
    entries: Any = named_entries(order, "order")
    if isinstance(order, Mapping) or (entries is not None and list(entries) != default):
        labels = shown(list(entries or ()))
        raise ValueError(
            f"order is a {type(order).__name__} with the labels {labels}, which may "
            "be tasks or places; expected a list with each task once, by name or by position."
        )
    order = list(order)
    for known in (names, default):
        if len(order) == len(known) and same_names(order, known) and not find_twice(order):
            return np.array(order_of(known, order, "order"))
    raise ValueError(
        f"order={order}; expected each task once, by name or by position: {shown(names, 20)}."
    )


def random_orders(rng: Any, is_labelled: Any, n_chains: Any) -> Any:
    """Different permutations; all there are, if they are fewer than ``n_chains``.

    Tasks without labels come last: the order of the others is as if they were not there.
    """
    labelled, others = np.flatnonzero(is_labelled), np.flatnonzero(~is_labelled)
    wanted = min(n_chains, math.factorial(min(len(labelled), 20)))
    orders: dict[tuple[int, ...], Any] = {}
    while len(orders) < wanted:
        order = labelled[rng.permutation(len(labelled))]
        orders.setdefault(tuple(order.tolist()), np.append(order, others))
    return list(orders.values())


def order_by_affinity(X: Any, problems: list[TaskLabels], templates: Any, cv: Any) -> Any:
    """Tasks that say most about the others first.

    A task has the sum of its residuals' correlations with those of the others.
    """
    residuals = [
        problem.task.residual(out_of_fold(problem, X, template, cv), problem.values)
        if is_learnable(problem)
        else None
        for problem, template in zip(problems, templates, strict=True)
    ]
    found = residual_correlation(problems, residuals)
    if np.isnan(found).any() and not (found > 0).any():
        raise ValueError(
            "order='affinity' needs rows that have labels of several tasks; give an order or "
            "set order='random'."
        )
    return np.argsort(-np.nansum(found, axis=1), kind="stable")


def residual_correlation(problems: list[TaskLabels], residuals: Any) -> Any:
    """How much what is left of one task says about what is left of another: (n_tasks, n_tasks).

    Absolute correlations over the rows that have both labels, each with the geometric mean of
    their weights. NaN for fewer than three rows, 0 on the diagonal and for tasks without
    residuals (None).
    """
    n_tasks = len(problems)
    found = np.zeros((n_tasks, n_tasks))
    known = [t for t in range(n_tasks) if residuals[t] is not None]
    for s, t in combinations(known, 2):
        one, other = problems[s], problems[t]
        rows, mine, others = np.intersect1d(
            one.rows, other.rows, assume_unique=True, return_indices=True
        )
        weight = np.sqrt(one.weights[mine] * other.weights[others])
        size = abs(correlation(residuals[s][mine], residuals[t][others], weight))
        # Where nothing is left to explain there is no correlation either.
        found[s, t] = found[t, s] = np.nan_to_num(size) if len(rows) >= FEWEST_ROWS else np.nan
    return found
