r"""Groups of tasks that do most for each other.

A partition of the tasks is worth what the members of each group do for one another [1]_: with
:math:`a_{ij}` what task i does for task j,

.. math:: \frac1T \sum_j \frac{1}{|g(j)| - 1} \sum_{i \in g(j), i \ne j} a_{ij}

where :math:`g(j)` is the group of j. A group of one has no mates: it is worth what its task does
alone, if that is known. If not, such groups are not allowed: affinities are relative, so that 0
would be no neutral value but the best, or the worst, of all.

References
----------
.. [1] C. Fifty, E. Amid, Z. Zhao, T. Yu, R. Anil and C. Finn, "Efficiently identifying task
   groupings for multi-task learning", NeurIPS 2021 (network selection).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import SpectralClustering

Array = NDArray[Any]

MOST_FOR_AUTO = 9
MOST_FOR_EXHAUSTIVE = 12
"""Tasks; 12 in 4 groups have 611,501 partitions."""


def find_groups(affinity: Any, n_groups: int, *, alone: Any = None, search: Any = "auto") -> Any:
    """Partition the tasks into exactly ``n_groups``, the best or a good one.

    Parameters
    ----------
    affinity : ndarray of shape (n_tasks, n_tasks)
        Entry (i, j): what task i does for task j. NaN counts as the mean of the others; the
        diagonal does not count.
    n_groups : int
        At least 1, at most n_tasks.
    alone : ndarray of shape (n_tasks,), default=None
        What a task does for itself. By default groups of one are not allowed, unless there are
        fewer than two tasks a group; then it is the mean affinity.
    search : {"auto", "exhaustive", "greedy", "spectral"}, default="auto"
        How; "auto" is exhaustive up to 9 tasks, then the better of the other two.

    Returns
    -------
    groups : list of ndarray of int
        Ascending members, groups in the order of their first.
    """
    n_tasks = len(affinity)
    affinity = _without_gaps(affinity)
    if alone is None:
        alone = np.full(n_tasks, _worth_alone(affinity, n_groups))
    if search == "exhaustive" and n_tasks > MOST_FOR_EXHAUSTIVE:
        raise ValueError(
            f"search='exhaustive' tries all partitions of at most {MOST_FOR_EXHAUSTIVE} tasks, "
            f"got {n_tasks}; use 'auto', 'greedy' or 'spectral'."
        )
    if n_groups in (1, n_tasks):
        labels = np.arange(n_tasks) % n_groups
    elif search == "exhaustive" or (search == "auto" and n_tasks <= MOST_FOR_AUTO):
        labels = _best_of_all(affinity, n_groups, alone)
    else:
        starts = {"greedy": _merged, "spectral": _spectral}
        chosen = starts.values() if search == "auto" else [starts[search]]
        found = [_improve(start(affinity, n_groups), affinity, alone) for start in chosen]
        labels = max(found, key=lambda labels: partition_score(labels, affinity, alone))
    groups = [np.flatnonzero(labels == g) for g in np.unique(labels)]
    return sorted(groups, key=lambda group: group[0])


def partition_score(labels: Array, affinity: Any, alone: Array) -> Any:
    """What a partition is worth: the formula above."""
    worth = 0.0
    for g in np.unique(labels):
        group = np.flatnonzero(labels == g)
        inside = affinity[np.ix_(group, group)]
        mates = len(group) - 1
        worth += (inside.sum() - inside.trace()) / mates if mates else alone[group[0]]
    return worth / len(affinity)


def _without_gaps(affinity: Any) -> Any:
    """Unknown pairs neither attract nor repel; nothing on the diagonal."""
    off = ~np.eye(len(affinity), dtype=bool)
    known = off & ~np.isnan(affinity)
    neutral = affinity[known].mean() if known.any() else 0.0
    return np.where(known, affinity, neutral) * off


def _worth_alone(affinity: Any, n_groups: int) -> Any:
    """Of a group of one: so little that there is none, or neutral where there must be one."""
    n_tasks = len(affinity)
    pairs = affinity[~np.eye(n_tasks, dtype=bool)]
    if n_tasks < 2 * n_groups:
        return pairs.mean() if len(pairs) else 0.0
    # Any partition without one is worth n_tasks * min at least, any with one less than that.
    return pairs.min() - n_tasks * (np.ptp(pairs) + 1.0)


def _best_of_all(affinity: Any, n_groups: int, alone: Array) -> Any:
    """The best partition; the first of equals, tasks numbered by the order of their groups."""
    n_tasks = len(affinity)
    both = affinity + affinity.T
    best: tuple[float, Any] = (-np.inf, None)
    labels = np.zeros(n_tasks, dtype=np.intp)
    groups: list[list[int]] = [[] for _ in range(n_groups)]

    def place(t: Any, used: Any, within: Any) -> None:
        nonlocal best
        if t == n_tasks:
            worth = sum(
                w / (len(group) - 1) if len(group) > 1 else alone[group[0]]
                for w, group in zip(within, groups, strict=True)
            )
            if worth > best[0]:
                best = (worth, labels.copy())
            return
        # Each group still empty needs one of the tasks that are left.
        first = 0 if n_tasks - t > n_groups - used else used
        for g in range(first, min(used + 1, n_groups)):
            more = within.copy()
            more[g] += both[t, groups[g]].sum()
            labels[t] = g
            groups[g].append(t)
            place(t + 1, max(used, g + 1), more)
            groups[g].pop()

    place(0, 0, [0.0] * n_groups)
    return best[1]


def _merged(affinity: Any, n_groups: int) -> Any:
    """Start from single tasks, merge the two groups with the highest mean affinity."""
    both = affinity + affinity.T
    distance = both.max() - both
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    return cut_tree(tree, n_groups)[:, 0]


def _spectral(affinity: Any, n_groups: int) -> Any:
    """Groups that cut little of a graph whose edges are the affinities."""
    both = affinity + affinity.T
    pairs = both[~np.eye(len(both), dtype=bool)]
    # Edges must be positive; one that is almost nothing keeps the graph connected.
    edges = (both - pairs.min()) / (np.ptp(pairs) or 1.0) + 1e-6
    np.fill_diagonal(edges, 0.0)
    labels = SpectralClustering(
        n_groups, affinity="precomputed", assign_labels="cluster_qr", random_state=0
    ).fit_predict(edges)
    return labels if len(np.unique(labels)) == n_groups else _merged(affinity, n_groups)


def _improve(labels: Array, affinity: Any, alone: Array) -> Any:
    """Move a task or swap two, whichever raises the score most, as long as one does."""
    both, labels = affinity + affinity.T, labels.copy()
    least = 1e-12 * max(np.abs(both).max(), np.abs(alone).max())
    while True:
        gain, tasks, targets = max(
            (step(labels, both, alone) for step in (_best_move, _best_swap)),
            key=lambda found: found[0],
        )
        if gain <= least:
            return labels
        labels[list(tasks)] = targets


class _Sums:
    """What the worth of each group is made of; all of it changes by sums when a task moves.

    ``within`` is the affinity between members, ``size`` their number, ``alone`` the sum of what
    they do alone, ``to`` the affinity of each task to each group.
    """

    def __init__(self, labels: Array, both: Array, alone: Array) -> None:
        member = np.eye(labels.max() + 1)[labels]
        self.size, self.alone = member.sum(axis=0), alone @ member
        self.to = both @ member
        self.within = (member * self.to).sum(axis=0) / 2
        self.worth = _worth(self.within, self.size, self.alone)


def _worth(within: Any, size: Any, alone: Array) -> Any:
    return np.where(size > 1, within / np.maximum(size - 1, 1), alone)


def _best_move(labels: Array, both: Array, alone: Array) -> Any:
    """Gain of the best move of a task to another group, the task, the group."""
    sums, tasks = _Sums(labels, both, alone), np.arange(len(labels))
    own = sums.to[tasks, labels]
    left = _worth(sums.within[labels] - own, sums.size[labels] - 1, sums.alone[labels] - alone)
    joined = _worth(sums.within + sums.to, sums.size + 1, sums.alone + alone[:, None])
    gain = (left - sums.worth[labels])[:, None] + joined - sums.worth
    gain[tasks, labels] = -np.inf
    gain[sums.size[labels] == 1] = -np.inf
    t, g = np.unravel_index(gain.argmax(), gain.shape)
    return gain[t, g], (t,), (g,)


def _best_swap(labels: Array, both: Array, alone: Array) -> Any:
    """Gain of the best swap of two tasks, the tasks, their new groups."""
    sums, tasks = _Sums(labels, both, alone), np.arange(len(labels))
    own, to_other = sums.to[tasks, labels], sums.to[:, labels]
    # Entry (t, u): the group of t, when u has come for t.
    within = sums.within[labels][:, None] - own[:, None] + to_other.T - both
    alone_now = (sums.alone[labels] - alone)[:, None] + alone
    change = _worth(within, sums.size[labels][:, None], alone_now) - sums.worth[labels][:, None]
    gain = np.where(labels[:, None] == labels, -np.inf, change + change.T)
    t, u = np.unravel_index(gain.argmax(), gain.shape)
    return gain[t, u], (t, u), (labels[u], labels[t])
