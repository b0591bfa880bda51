"""The fitted members of a stack, and what they expect of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import InvalidParameterError

from skmtl._base import MultiTaskEstimator
from skmtl._blending import before_a_constant, blend_weights
from skmtl._innermost import final_estimator
from skmtl._warnings import name_tasks, warn
from skmtl.compose._meta import expected_of
from skmtl.compose._single_task import survival_of
from skmtl.compose._stack_fits import Done, Job, Workshop
from skmtl.compose._stack_members import Member
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]
Expected = list[Array]


@dataclass(frozen=True, eq=False)
class FittedMembers:
    """Members with the tasks that they did learn, and each one's fitted estimators and their tasks.

    There are several of a member that failed for some of its tasks.
    """

    tasks: TaskSet
    members: list[Member]
    fitted: list[list[tuple[Array, Any]]]

    @classmethod
    def fit(cls, members: list[Member], workshop: Workshop) -> Self:
        """Fit to all rows.

        Warns of members that fail. Raises where all do, and where one has an impossible parameter.
        """
        tasks = workshop.targets.tasks
        done = workshop.do([Job(m, m.tasks) for m in members if len(m.tasks)])
        failed = [d for d in done if d.error is not None]
        for d in failed:
            if len(failed) == len(done) or isinstance(d.error, InvalidParameterError):
                error: Any = d.error
                error.add_note(f"It is {d.job.member.name!r} of the estimators in the stack.")
                raise error
        warn_of_failures(failed, tasks)
        learned, fitted = [], []
        for member in members:
            own = [d for d in done if d.job.member is member and d.error is None]
            fitted.append([(d.job.tasks, d.estimator) for d in own])
            is_learned = np.isin(member.tasks, [t for d in own for t in d.job.tasks])
            learned.append(replace(member, tasks=member.tasks[is_learned]))
        return cls(tasks, learned, fitted)

    def expected(self, X: Any, is_used: Any) -> list[Expected]:
        """What each member expects of every column of y, NaN where it does not learn it."""

        def ask(estimator: Any, types: Any) -> Any:
            return expected_of(estimator, X, types, is_long=self.tasks.is_long)

        return self._ask(ask, is_used, self._unknown(X.shape[0]))

    def survival(self, X: Any, is_used: Any, times: Array) -> list[Expected]:
        """Probabilities (n, n_times) of later events, by each member, NaN where it has none."""

        def ask(estimator: Any, types: Any) -> Any:
            if not any(task.has_times for task in types):
                return unknown[: len(types)]
            found = survival_of(estimator, X, times)
            return found if isinstance(found, list) else [found]

        unknown = [np.full((X.shape[0], len(times)), np.nan) for _ in self.tasks.tasks]
        said = self._ask(ask, is_used, unknown)
        return [[unknown[0] if of_task is None else of_task for of_task in one] for one in said]

    def _ask(self, ask: Any, is_used: Any, unknown: Expected) -> list[Expected]:
        """Answers of the members in use to a question, ``unknown`` where one does not learn."""
        found = []
        for parts, is_asked in zip(self.fitted, is_used, strict=True):
            columns = list(unknown)
            for tasks, estimator in parts if is_asked else ():
                types = [self.tasks.tasks[t] for t in self._columns(tasks)]
                self._put(columns, tasks, ask(estimator, types))
            found.append(columns)
        return found

    def of_own_rows(self, n_rows: int) -> list[Expected | None]:
        """What members expect of the rows of `fit` that hold rows out themselves; else None.

        Such an estimator of this package has ``out_of_fold_``: what it expects of each column of
        y, by models that did not see the row.
        """
        found: list[Expected | None] = []
        for parts in self.fitted:
            own: Any = None
            if len(parts) == 1:
                final = final_estimator(parts[0][1])
                if isinstance(final, MultiTaskEstimator):
                    own = getattr(final, "out_of_fold_", None)
            if own is None or any(len(column) != n_rows for column in own):
                found.append(None)
                continue
            columns = self._unknown(n_rows)
            self._put(columns, parts[0][0], own)
            found.append(columns)
        return found

    def shares(self, said: list[Expected], constant: Expected, targets: Targets) -> Array:
        """Weights (n_members + 1, n_tasks) of the members and of the best constant."""
        n_tasks = targets.tasks.n_tasks
        asked = [m for m, member in enumerate(self.members) if len(member.tasks)]
        weights = np.zeros((len(said) + 1, n_tasks))
        members = [*(said[m] for m in asked), constant]
        centre = before_a_constant(len(members))
        weights[[*asked, -1]] = blend_weights(members, targets, centre=centre)
        if not self.tasks.is_long:
            # A task of which no label was held out has the weights of the others.
            for m, member in enumerate(self.members):
                weights[m] *= np.isin(np.arange(n_tasks), member.tasks)
        total = weights.sum(axis=0)
        weights[-1] += total == 0
        shares: Array = weights / np.where(total > 0, total, 1.0)
        return shares

    def _unknown(self, n_rows: int) -> Expected:
        return [
            np.full_like(task.expected_without_labels(n_rows), np.nan) for task in self.tasks.tasks
        ]

    def _columns(self, tasks: Array) -> Any:
        """Columns of y that these tasks are."""
        return [0] if self.tasks.is_long else tasks.tolist()

    def _put(self, columns: Expected, tasks: Array, said: Any) -> None:
        for k, found in zip(self._columns(tasks), said, strict=True):
            columns[k] = found


def warn_of_failures(failed: list[Done], tasks: TaskSet, when: str = "") -> None:
    """Say of each member which tasks it failed for, and how."""
    for name in dict.fromkeys(d.job.member.name for d in failed):
        own = [d for d in failed if d.job.member.name == name]
        of_tasks = np.unique(np.concatenate([d.job.tasks for d in own]))
        error = own[0].error
        warn(
            f"{name_tasks(tasks.names[of_tasks].tolist())}: {name!r} failed{when} and has no "
            f"weight there: {type(error).__name__}: {error}"
        )
