"""Estimators made of estimators of single tasks: independent, pooled, chained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.compose._chain import TaskChain
from skmtl.compose._features import as_features
from skmtl.compose._independent import IndependentTasks
from skmtl.compose._pooled import PooledTasks
from skmtl.compose._single_task import Single
from skmtl.export._learners import learner_of, places_of
from skmtl.export._module import Module
from skmtl.export._predictor import (
    Predictor,
    constant,
    decoded,
    make_predictor,
    row_of,
    rows_of_tasks,
    table,
)


class SingleModule(Module):
    """`Single`: what was learned of one task."""

    def __init__(self, single: Single) -> None:
        super().__init__()
        self.task, self.constant = single.task, single.constant
        self.learner: Any = None
        if single.estimator is None:
            return
        try:
            self.learner = learner_of(single.estimator)
        except ValueError as error:
            raise ValueError(f"Task {single.name!r}: {error}") from error
        if single.labels is not None:
            at = dict(zip(single.labels.tolist(), single.codes.tolist(), strict=True))
            self.codes = np.array([at[label] for label in self.learner.classes], dtype=np.intp)

    def expected(self, X: Tensor) -> Tensor:
        """`Single.expected`."""
        if self.learner is None:
            return constant(X, self.constant)
        found: Tensor = self.learner.expected(X)
        if not self.task.is_classification:
            return (
                found[:, None] if self.task.expected_shape == (1,) and found.dim() == 1 else found
            )
        place = np.full(len(self.task.classes_), len(self.codes))
        place[self.codes] = np.arange(len(self.codes))
        return torch.cat([found, torch.zeros_like(found[:, :1])], 1)[:, place.tolist()]

    def decide(self, X: Tensor, expected: Tensor | None = None) -> Tensor:
        """`Single.decide`; classes by position."""
        if self.learner is None:
            return decoded(self.task, self.expected(X))
        if self.task.is_classification:
            return table(self.codes, X)[self.learner.decisions(X)]
        return decoded(self.task, self.expected(X) if expected is None else expected)


class Independent(Predictor):
    """An estimator per task; in long form one more of all rows may stand for unknown tasks."""

    def __init__(self, estimator: IndependentTasks) -> None:
        super().__init__(estimator._task_set)
        self.singles: Any = nn.ModuleList(SingleModule(single) for single in estimator._singles)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        return self._of_rows([single.expected(X) for single in self.singles], index)

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        known: list[Any] = [None] * len(self.singles)
        if expected is not None and index is None:
            known = list(expected)
        pairs = zip(self.singles, known, strict=True)
        return self._of_rows([single.decide(X, of_task) for single, of_task in pairs], index)

    def _of_rows(self, parts: list[Tensor], index: Tensor | None) -> list[Tensor]:
        if index is None:
            return parts
        return [rows_of_tasks(parts, index, np.arange(self.tasks.n_tasks + 1))]


class Pooled(Predictor):
    """Tasks learned as one, told apart by further columns."""

    def __init__(self, estimator: PooledTasks) -> None:
        super().__init__(estimator._task_set)
        self.pools = estimator._pools
        self.singles: Any = nn.ModuleList(SingleModule(pool.single) for pool in self.pools)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        if index is not None:
            return [self._long(X, index, decide=False)]
        answers = self.without_labels(X)
        for pool, single in zip(self.pools, self.singles, strict=True):
            for k, t in enumerate(pool.positions.tolist()):
                found = single.expected(self._told(pool, X, k))
                answers[t] = self._restricted(pool, k, t, found)
        return answers

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        if index is not None:
            return [self._long(X, index, decide=True)]
        expected = self.expected(X, index) if expected is None else expected
        answers = super().decisions(X, index, expected)
        for pool, single in zip(self.pools, self.singles, strict=True):
            if not pool.task.is_classification:
                continue
            for k, t in enumerate(pool.positions.tolist()):
                found = single.decide(self._told(pool, X, k))
                # A class that the task has not is not predicted for it.
                place = table(places_of(pool.task.classes_, self.tasks.tasks[t].classes_), X)[found]
                answers[t] = place.where(place >= 0, answers[t])
        return answers

    def _restricted(self, pool: Any, k: int, t: int, found: Tensor) -> Tensor:
        """Probabilities given that the class is one of the task."""
        if not pool.task.is_classification:
            return found
        columns = pool._places(self.tasks.tasks[t])
        if len(columns) == found.shape[1]:
            return found
        found = found[:, columns.tolist()]
        total = found.sum(1, keepdim=True)
        share = found / total.where(total > 0, torch.ones_like(total))
        return share.where(total > 0, found.new_tensor(pool.priors[k]))

    def _long(self, X: Tensor, index: Tensor, *, decide: bool) -> Tensor:
        pool, single, task = self.pools[0], self.singles[0], self.tasks.tasks[0]
        position = np.full(self.tasks.n_tasks + 1, -1)
        position[pool.positions] = np.arange(len(pool.positions))
        of_rows = table(position, index)[row_of(index, self.tasks.n_tasks)]
        told = X if single.learner is None else self._columns(pool, X, of_rows)
        answer: Tensor = single.decide(told) if decide else single.expected(told)
        (silent,) = self.without_labels(X)
        silent = decoded(task, silent) if decide else silent
        is_silent = ((of_rows < 0) & (index >= 0)).reshape(-1, *[1] * (answer.dim() - 1))
        return torch.where(is_silent, silent, answer)

    def _told(self, pool: Any, X: Tensor, k: int) -> Tensor:
        """X with the columns of one task."""
        if pool.columns.how is None or pool.single.estimator is None:
            return X
        return self._columns(pool, X, X.new_full((X.shape[0],), k, dtype=torch.long))

    def _columns(self, pool: Any, X: Tensor, index: Tensor) -> Tensor:
        """`TaskColumns.append`."""
        how, n_tasks = pool.columns.how, len(pool.columns.names)
        if how is None:
            return X
        if how == "index":
            return torch.cat([X, index[:, None].to(X.dtype)], 1)
        one_hot = (index[:, None] == torch.arange(n_tasks, device=X.device)).to(X.dtype)
        if how == "onehot":
            return torch.cat([X, one_hot], 1)
        return torch.cat([X, one_hot, (one_hot[:, :, None] * X[:, None, :]).flatten(1)], 1)


class Chained(Predictor):
    """Models of all tasks, each of which sees what is predicted of others: chains, or a stack."""

    def __init__(self, estimator: TaskChain) -> None:
        super().__init__(estimator._task_set)
        self.chains = estimator._chains
        self.singles: Any = nn.ModuleDict()
        for c, chain in enumerate(self.chains):
            for level, links in enumerate(chain.levels):
                for t, link in enumerate(links):
                    self.singles[f"{c}_{level}_{t}"] = SingleModule(link.single)
        pooled = getattr(estimator, "_pooled", None)
        self.pooled = None if pooled is None else SingleModule(pooled)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        chains = [self._answers(c, X)[0] for c in range(len(self.chains))]
        found = [torch.stack(parts).mean(0) for parts in zip(*chains, strict=True)]
        if index is None:
            return found
        return [self._of_rows(X, index, found, "expected")]

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        if len(self.chains) > 1:
            return super().decisions(X, index, expected)
        found = self._answers(0, X)[1]
        return found if index is None else [self._of_rows(X, index, found, "decide")]

    def _answers(self, c: int, X: Tensor) -> tuple[list[Any], list[Any]]:
        """What is expected, and what is decided, by every link of a chain."""
        chain: Any = self.chains[c]
        n_tasks = self.tasks.n_tasks
        expected: list[Any] = [None] * n_tasks
        decided: list[Any] = [None] * n_tasks
        told = [X]
        if len(chain.levels) > 1:
            for t, link in enumerate(chain.first):
                told += self._told(link, self.singles[f"{c}_0_{t}"].expected(X))
            level, order, goes_on = 1, range(n_tasks), False
        else:
            level, order, goes_on = 0, chain.order.tolist(), True
        for t in order:
            single, seen = self.singles[f"{c}_{level}_{t}"], torch.cat(told, 1)
            expected[t] = single.expected(seen)
            decided[t] = single.decide(seen, expected[t])
            if goes_on:
                told += self._told(chain.levels[level][t], expected[t])
        return expected, decided

    def _told(self, link: Any, expected: Tensor) -> list[Tensor]:
        """`ChainLink.told`."""
        single = link.single
        return [as_features(single.task, expected, single.name)[0]] if link.tells else []

    def _of_rows(self, X: Tensor, index: Tensor, parts: list[Tensor], ask: str) -> Tensor:
        """Of what is said of every task, what is said of the task of each row."""
        if self.pooled is not None:
            parts = [*parts, getattr(self.pooled, ask)(X)]
        return rows_of_tasks(parts, index, np.arange(self.tasks.n_tasks + 1))


make_predictor.register(IndependentTasks, Independent)
make_predictor.register(PooledTasks, Pooled)
make_predictor.register(TaskChain, Chained)
