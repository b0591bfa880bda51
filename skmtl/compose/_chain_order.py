"""In which order a chain takes the tasks."""

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from skmtl._shown import shown
from skmtl.compose._chain_link import expected_of_labels, is_learnable, out_of_fold
from skmtl.tasks._by_name import find_twice, named_entries, order_of, same_names


def read_order(order, names):
    """Positions of the tasks, given by names or by positions; names come first."""
    default = list(range(len(names)))
    entries = named_entries(order, "order")
    if isinstance(order, Mapping) or (entries is not None and list(entries) != default):
        raise ValueError(
            f"order is a {type(order).__name__} with the labels {shown(list(entries))}, which may "
            "be tasks or places; expected a list with each task once, by name or by position."
        )
    order = list(order)
    for known in (names, default):
        if len(order) == len(known) and same_names(order, known) and not find_twice(order):
            return np.array(order_of(known, order, "order"))
    raise ValueError(
        f"order={order}; expected each task once, by name or by position: {shown(names, 20)}."
    )


def random_orders(rng, is_labelled, n_chains):
    """Different permutations; all there are, if they are fewer than ``n_chains``.

    Tasks without labels come last: the order of the others is as if they were not there.
    """
    labelled, others = np.flatnonzero(is_labelled), np.flatnonzero(~is_labelled)
    wanted = min(n_chains, math.factorial(min(len(labelled), 20)))
    orders = {}
    while len(orders) < wanted:
        order = labelled[rng.permutation(len(labelled))]
        orders.setdefault(tuple(order.tolist()), np.append(order, others))
    return list(orders.values())


def order_by_affinity(X, problems, templates, cv):
    """Tasks that say most about the others first.

    A task has the sum of its residuals' correlations with those of the others.
    """
    residuals = [
        expected_of_labels(problem) - out_of_fold(problem, X, template, cv)
        if is_learnable(problem)
        else None
        for problem, template in zip(problems, templates, strict=True)
    ]
    correlation = residual_correlation(problems, residuals)
    if np.isnan(correlation).any() and not (correlation > 0).any():
        raise ValueError(
            "order='affinity' needs rows that have labels of several tasks; give an order or "
            "set order='random'."
        )
    return np.argsort(-np.nansum(correlation, axis=1), kind="stable")


def residual_correlation(problems, residuals):
    r"""How much what is left of task s says about what is left of task t: (n_tasks, n_tasks).

    With C the covariance over the rows that have both labels, weighted by
    :math:`\sqrt{s_{is} s_{it}}`,

    .. math:: r_{st} = \|C_{st}\|_F / \sqrt{\|C_{ss}\|_F \|C_{tt}\|_F}

    the absolute correlation of two numbers. NaN for fewer than three rows, 0 on the diagonal and
    for tasks without residuals (None).
    """
    n_tasks = len(problems)
    correlation = np.zeros((n_tasks, n_tasks))
    known = [t for t in range(n_tasks) if residuals[t] is not None]
    for s, t in combinations(known, 2):
        correlation[s, t] = correlation[t, s] = _correlation(
            problems[s], residuals[s], problems[t], residuals[t]
        )
    return correlation


def _correlation(one, residual, other, other_residual):
    rows, mine, others = np.intersect1d(
        one.rows, other.rows, assume_unique=True, return_indices=True
    )
    if len(rows) < 3:
        return np.nan
    weight = np.sqrt(one.weights[mine] * other.weights[others])
    A, B = (
        part - np.average(part, axis=0, weights=weight)
        for part in (
            residual[mine].reshape(len(rows), -1),
            other_residual[others].reshape(len(rows), -1),
        )
    )
    between, within_a, within_b = (
        np.linalg.norm((P * weight[:, None]).T @ Q) for P, Q in ((A, B), (A, A), (B, B))
    )
    scale = np.sqrt(within_a) * np.sqrt(within_b)
    return between / scale if scale > 0 else 0.0
