"""What networks of several settings predict together."""

from __future__ import annotations

from copy import copy
from itertools import accumulate, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._base import MultiTaskEstimator
from skmtl._blending import mix
from skmtl._grown import refuse_grown, scores_of_expected, with_added_tasks
from skmtl.neural import networks
from skmtl.neural.estimators._later_tasks import GrowsNetworkTasks
from skmtl.neural.inputs._tables import ReadsTables
from skmtl.tasks._task_set import Link

Array = NDArray[Any]

CHUNK = 2**24
"""Numbers that all members predict at a time."""

FEW = 4
"""Rows up to which networks are looked at as one sum."""


class NetworkBlend(GrowsNetworkTasks, ReadsTables, MultiTaskEstimator):
    """Predicts by a blend of networks, of which every candidate has some.

    Attributes
    ----------
    weights_ : ndarray of shape (n_candidates, n_tasks)
        What each candidate counts; what is missing to 1 is the weight of a constant.
    members_ : dict
        Candidate and fold of every network that is kept.
    """

    _standardize = True
    _shape_varies = True
    _has_units_of_y = True

    _stacks: list[Any]
    device: str
    _constants: list[Array]
    _raw_constants: list[Array | None]
    weights_: Array
    members_: dict[str, list[int]]

    def _alone(self, fitted: Any) -> Any:
        """The estimator, as if it consisted of a single network."""
        alone = copy(self)
        alone._stacks = [fitted]
        alone.members_ = {"candidate": [0], "fold": [0]}
        alone.weights_ = np.ones((1, self._task_set.n_tasks))
        return alone

    def member_predictions(self, X: Any) -> Any:
        """What every network predicts.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.

        Returns
        -------
        expected : list of ndarray of shape (n_members, n_samples) or \
                (n_members, n_samples, n_classes), or ndarray if y was 1-D in `fit`
            Expected values or class probabilities of each task, one for each of ``members_``.
        """
        check_is_fitted(self)
        X, task_index = self._read_new(X)
        refuse_grown(self, "members have those of fit only.")
        found = self._by_stack(X, task_index)
        columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        return columns[0] if self._task_set.is_1d or self._task_set.is_long else columns

    def _by_stack(
        self, X: Any, task_index: Array | None, link: Link | None = None
    ) -> list[list[Array]]:
        """For each stack an array (n_members, n, ...) for each column of y."""
        found = []
        for fitted in self._stacks:
            # What is predicted of a row depends on no other, to more digits than training has.
            raw = networks.scores_of_models(self, fitted, X, task_index, np.float64)
            found.append(self._linked_together(fitted.task_sets, raw, task_index, link))
        return found

    def _linked_together(
        self, task_sets: Any, raw: Array, task_index: Array | None, link: Link | None
    ) -> list[Array]:
        """What raw scores (n_members, n, n_outputs) mean, those that mean the same at once."""
        task_sets = task_sets or [self._task_set] * len(raw)
        found = []
        for tasks, run in groupby(range(len(raw)), key=lambda k: task_sets[k]):
            members = list(run)
            some = raw[members[0] : members[-1] + 1]
            # Where all tasks have one class, there are no outputs.
            rows = some.reshape(len(some) * some.shape[1], some.shape[2])
            index = None if task_index is None else np.tile(task_index, len(some))
            linked = tasks.inverse_link(rows, index, link)
            found.append([of.reshape(*some.shape[:2], *of.shape[1:]) for of in linked])
        if len(found) == 1:
            return found[0]
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def _networks(self) -> list[Any]:
        return self._stacks

    def _scores(self, X: Any, task_index: Array | None) -> Array:
        return scores_of_expected(self._task_set.tasks, self._expected(X, task_index))

    @with_added_tasks
    def _linked(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        n_rows = X.shape[0]
        if n_rows <= FEW and task_index is None and link is None and isinstance(X, np.ndarray):
            found = self._of_few(X)
            if found is not None:
                return found
        size = max(1, CHUNK // max(1, len(self.members_["fold"]) * self._task_set.n_outputs))
        parts = [
            self._blended(
                X[k : k + size],
                task_index if task_index is None else task_index[k : k + size],
                link,
            )
            for k in range(0, n_rows, size)
        ]
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def _of_few(self, X: Array) -> list[Array] | None:
        """Expected values of a few rows, where all networks are one sum; it is made once."""
        if not self._stacks:
            return None
        made_of = self._stacks, self.weights_, self.device
        built = self._stacks[0].built
        known, blended = built.get("blended", ((None,) * 3, None))
        if any(one is not other for one, other in zip(known, made_of, strict=True)):
            blended = self._summed() if not self._task_set.is_long else None
            built["blended"] = made_of, blended
        found = None if blended is None else blended.predict(X)
        return None if found is None else list(found.T)

    def _summed(self) -> Any:
        """All networks as one sum, with a share each of what their candidate counts."""
        weights = np.maximum(self.weights_, 0.0)
        candidates = np.array(self.members_["candidate"])
        of_members = weights[candidates] / np.bincount(candidates)[candidates][:, None]
        constant = np.array([np.ravel(c)[0] for c in self._constants])
        left = np.maximum(1.0 - self.weights_.sum(axis=0), 0.0)
        return networks.few_blended(self, of_members, np.where(left > 0, left * constant, 0.0))

    def _linked_constants(self, link: Link) -> list[Array]:
        """What is said of the best constant of each column of y."""
        of_tasks = zip(self._task_set.tasks, self._raw_constants, strict=True)
        return [
            link(task, np.zeros((1, task.n_outputs_)) if raw is None else raw[None])[0]
            for task, raw in of_tasks
        ]

    def _blended(self, X: Any, task_index: Array | None, link: Link | None) -> list[Array]:
        """Expected values of the mean network of every candidate, blended."""
        of_one = self._constants if link is None else self._linked_constants(link)
        constants = [np.repeat(c[None], X.shape[0], axis=0) for c in of_one]
        members, first = self.members_["candidate"], 0
        means: dict[int, list[Array]] = {}
        for stack in self._by_stack(X, task_index, link):
            # The networks of a candidate stand side by side.
            runs = groupby(members[first : first + len(stack[0])])
            counts = {candidate: len(list(run)) for candidate, run in runs}
            starts = [0, *accumulate(counts.values())][:-1]
            sums = [np.add.reduceat(of_members, starts) for of_members in stack]
            for k, (candidate, count) in enumerate(counts.items()):
                means[candidate] = [of_task[k] / count for of_task in sums]
            first += len(stack[0])
        used = sorted(means)
        expected = [means[candidate] for candidate in used]
        weights = np.vstack([self.weights_[used], 1.0 - self.weights_.sum(axis=0)])
        tasks = self._task_set.tasks if link is None else None
        found = mix([*expected, constants], np.maximum(weights, 0.0), task_index, tasks)
        if task_index is not None:
            self._silence(found, task_index, link)
        return found

    def _silence(self, found: list[Array], task_index: Array, link: Link | None) -> None:
        """Say of long tasks without labels what a network does: the constant is of the others."""
        tasks = self._task_set
        rows = np.flatnonzero(tasks.is_silent(task_index))
        if len(rows):
            raw = np.zeros((len(rows), tasks.n_outputs))
            found[0][rows] = tasks.inverse_link(raw, task_index[rows], link)[0]
