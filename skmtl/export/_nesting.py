"""Estimators made of one of this package, or of several: groups, scaled targets, stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.compose._features import as_features
from skmtl.compose._grouping import TaskGrouping
from skmtl.compose._stacking import TaskStacking
from skmtl.compose._target_scaler import TargetScaler
from skmtl.export._blend import Blend
from skmtl.export._compose import SingleModule
from skmtl.export._learners import Nested, places_of
from skmtl.export._module import Module
from skmtl.export._predictor import Array, Predictor, constant, make_predictor, row_of, table
from skmtl.export._transformers import inverse_module
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._conformal import ConformalTasks
from skmtl.uncertainty._propensity_weighted import PropensityWeighted


class Inside(Module):
    """A fitted estimator for some of the tasks of the one around it, in the terms of the latter.

    In long form it has classes of its own, and knows tasks by their names.
    """

    def __init__(self, estimator: Any, tasks: TaskSet, members: Sequence[int]) -> None:
        super().__init__()
        self.nested, self.is_long = Nested(estimator), tasks.is_long
        inner = self.nested.predictor.tasks
        self.types = [tasks.tasks[t] for t in ([0] if self.is_long else members)]
        self.inner_types = inner.tasks
        if self.is_long:
            # Beside unknown tasks, those that it has not been fitted to are unknown.
            self.place = np.append(places_of(tasks.names, inner.names), -1)
            if self.nested.estimator.unknown_task == "error":
                self.place[self.place < 0] = len(inner.names) + 1

    def _index(self, index: Tensor | None) -> Tensor | None:
        if index is None:
            return None
        return table(self.place, index)[row_of(index, len(self.place) - 1)]

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        """`NestingEstimator._expected_of`."""
        found = self.nested.expected(X, self._index(index))
        if not self.is_long or not self.types[0].is_classification:
            return found
        place = places_of(self.types[0].classes_, self.inner_types[0].classes_)
        place = np.where(place < 0, found[0].shape[1], place)
        return [torch.cat([found[0], torch.zeros_like(found[0][:, :1])], 1)[:, place.tolist()]]

    def decisions(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        """`NestingEstimator._decisions_of`; classes by position."""
        found = self.nested.decisions(X, self._index(index))
        return [
            table(places_of(inner.classes_, outer.classes_), X)[of_task]
            if outer.is_classification
            else of_task
            for of_task, inner, outer in zip(found, self.inner_types, self.types, strict=True)
        ]


class Holder(Predictor):
    """What the estimator inside says."""

    def __init__(self, estimator: Any, inside: Any, members: Sequence[int] | None = None) -> None:
        super().__init__(estimator._task_set)
        self.members = list(range(self.tasks.n_tasks)) if members is None else list(members)
        self.inside = Inside(inside, self.tasks, self.members)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        return self._of_all(X, self.inside.expected(X, index), self.without_labels(X))

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        silent = super().decisions(X, index, self.without_labels(X))
        return self._of_all(X, self.inside.decisions(X, index), silent)

    def _of_all(self, X: Tensor, found: list[Tensor], silent: list[Tensor]) -> list[Tensor]:
        if self.tasks.is_long:
            return found
        known = dict(zip(self.members, found, strict=True))
        return [known.get(t, of_task) for t, of_task in enumerate(silent)]


class Grouped(Predictor):
    """An estimator for each group of tasks."""

    def __init__(self, estimator: TaskGrouping) -> None:
        super().__init__(estimator._task_set)
        self.groups = [group.tolist() for group in estimator.groups_]
        pairs = zip(estimator.estimators_, self.groups, strict=True)
        models = [Inside(one, self.tasks, group) for one, group in pairs]
        # In long form rows of all tasks are asked of every group.
        for model in models if self.tasks.is_long else ():
            model.place[model.place > len(model.nested.predictor.tasks.names)] = 0
        self.models: Any = nn.ModuleList(models)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        if index is None:
            return self._wide(X, "expected", self.without_labels(X))
        parts = [model.expected(X, index)[0] for model in self.models]
        (silent,) = self.without_labels(X)
        found = self._long(parts, silent, index)
        n_grouped = sum(len(group) for group in self.groups)
        shares = [len(group) / n_grouped for group in self.groups]
        mean = sum(share * part for share, part in zip(shares, parts, strict=True))
        return [torch.where(_column(index < 0, found), mean, found)]

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        silent = super().decisions(X, index, self.without_labels(X))
        if index is None:
            return self._wide(X, "decisions", silent)
        parts = [model.decisions(X, index)[0] for model in self.models]
        found = self._long(parts, silent[0], index)
        expected = self.expected(X, index) if expected is None else expected
        (usual,) = super().decisions(X, index, expected)
        return [torch.where(index < 0, usual, found)]

    def _wide(self, X: Tensor, ask: str, answers: list[Tensor]) -> list[Tensor]:
        for group, model in zip(self.groups, self.models, strict=True):
            for t, answer in zip(group, getattr(model, ask)(X, None), strict=True):
                answers[t] = answer
        return answers

    def _long(self, parts: list[Tensor], found: Tensor, index: Tensor) -> Tensor:
        for group, part in zip(self.groups, parts, strict=True):
            is_member = np.isin(np.arange(self.tasks.n_tasks + 1), group)
            mine = table(is_member, index)[row_of(index, self.tasks.n_tasks)]
            found = torch.where(_column(mine, found), part, found)
        return found


def _column(mask: Tensor, like: Tensor) -> Tensor:
    return mask.reshape(-1, *[1] * (like.dim() - 1))


class Scaled(Holder):
    """Predictions mapped back by transformers; beyond the labels those of the nearest one."""

    def __init__(self, estimator: TargetScaler) -> None:
        super().__init__(estimator, estimator.estimator_)
        self.ends = estimator._ends
        self.back: Any = nn.ModuleList()
        names = estimator._transformed_names
        for name, transformer in zip(names, estimator.transformers_, strict=True):
            try:
                back: Any = None if transformer is None else inverse_module(transformer)
            except ValueError as error:
                raise ValueError(f"Task {name!r}: {error}") from error
            self.back.append(back)

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        return self._map_back(super().expected(X, index))

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        return self._map_back(super().decisions(X, index))

    def _map_back(self, columns: list[Tensor]) -> list[Tensor]:
        parts = zip(columns, self.back, self.ends, strict=True)
        return [x if back is None else _mapped_back(back, x, ends) for x, back, ends in parts]


def _mapped_back(back: nn.Module, x: Tensor, ends: Array) -> Tensor:
    """`map_back` of `skmtl.compose`."""
    if x.dim() == 2:
        columns = [_mapped_back(back, column, ends) for column in x.unbind(1)]
        return torch.stack(columns, 1).sort(-1).values
    found: Tensor = back(x)
    nearest: Tensor = back(x.clamp(float(ends[0]), float(ends[1])))
    is_lost = (found - found != 0) & ~x.isnan()
    return torch.where(is_lost, nearest, found)


class Stacked(Predictor):
    """Members blended by shares, or by a final estimator."""

    def __init__(self, estimator: TaskStacking) -> None:
        super().__init__(estimator._task_set)
        self.constants = estimator._constants
        stack, blend = estimator._stack, estimator._blend
        self.member_names = [member.name for member in stack.members]
        self.passes = estimator.passthrough
        self.parts: list[list[Any]] = []
        self.models: Any = nn.ModuleList()
        for is_used, fitted in zip(estimator._is_used, stack.fitted, strict=True):
            own = []
            for tasks, one in fitted if is_used else ():
                own.append((tasks.tolist(), len(self.models)))
                self.models.append(Inside(one, self.tasks, tasks.tolist()))
            self.parts.append(own)
        self.blend = Blend(self.tasks, blend.shares)
        self.finals = blend.finals
        self.singles: Any = nn.ModuleList(
            nn.Identity() if final is None else SingleModule(final.single) for final in self.finals
        )

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        said: list[list[Any]] = []
        for own in self.parts:
            columns: list[Any] = [None] * len(self.tasks.tasks)
            for tasks, m in own:
                found = self.models[m].expected(X, index)
                for k, of_task in zip([0] if index is not None else tasks, found, strict=True):
                    columns[k] = of_task
            said.append(columns)
        expected = self.blend([*said, [constant(X, c) for c in self.constants]], None, index)
        for k, final in enumerate(self.finals):
            if final is not None:
                expected[k] = self._by_final(k, final, said, X)
        if index is not None:
            return [self.silenced(expected[0], index)]
        silent, no_labels = self.without_labels(X), self.tasks.n_labels == 0
        return [silent[t] if no_labels[t] else e for t, e in enumerate(expected)]

    def _by_final(self, k: int, final: Any, said: Any, X: Tensor) -> Tensor:
        columns = [X] if self.passes else []
        for name in final.members:
            of_member = said[self.member_names.index(name)][k]
            columns.append(as_features(final.single.task, of_member, name)[0])
        found: Tensor = self.singles[k].expected(torch.cat(columns, 1))
        return found


make_predictor.register(TaskGrouping, Grouped)
make_predictor.register(TargetScaler, Scaled)
make_predictor.register(TaskStacking, Stacked)


@make_predictor.register
def _(estimator: PropensityWeighted) -> Holder:
    return Holder(estimator, estimator.estimator_)


@make_predictor.register
def _(estimator: ConformalTasks) -> Holder:
    final = estimator._models.final
    return Holder(estimator, final.estimator, np.asarray(final.taught).tolist())
