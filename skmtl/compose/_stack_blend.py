"""One prediction of those of the members of a stack: by shares, or by final estimators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._blending import mix
from skmtl._cross_fitting import each_part, parts_of
from skmtl.compose._features import take_rows
from skmtl.compose._stack_final import Final, fit_finals
from skmtl.compose._stack_fitted import FittedMembers
from skmtl.compose._stack_folds import Fold
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Expected = list[Array]


@dataclass(frozen=True, eq=False)
class StackBlend:
    """Shares (n_members + 1, n_tasks), the last of the constant, and a `Final` for each column.

    A final estimator is None where shares stand for it.
    """

    stack: FittedMembers
    shares: Array
    finals: list[Final | None]

    @classmethod
    def fit(
        cls, stack: FittedMembers, said: list[Expected], targets: Targets, final: Any, features: Any
    ) -> Self:
        """Learn from what members, and the constant as the last, expect of held-out rows.

        ``features`` are those that final estimators see beside it, or None.
        """
        finals: list[Final | None] = [None] * len(said[-1])
        if not isinstance(final, str):
            finals = fit_finals(final, _by_name(stack, said), targets, features)
        return cls(stack, stack.shares(said[:-1], said[-1], targets), finals)

    def __call__(self, said: list[Expected], features: Any, task_index: Array | None) -> Expected:
        """What is expected of rows of which the members, and the constant, expect ``said``."""
        expected = mix(said, self.shares, task_index, self.stack.tasks.tasks)
        by_name = _by_name(self.stack, said)
        for k, final in enumerate(self.finals):
            if final is not None:
                of_column = {name: columns[k] for name, columns in by_name.items()}
                expected[k] = final.expected(of_column, features)
        return expected


def blend_left_out(
    folds: list[Fold],
    stack: FittedMembers,
    said: list[Expected],
    targets: Targets,
    final: Any,
    features: Any,
) -> Expected:
    """What blends expect of each part of the rows that were fitted to the other parts."""
    part = parts_of(folds, len(targets.weights))
    whole = [np.full_like(column, np.nan) for column in said[-1]]
    for mine, others in each_part(part):
        some, of_mine = targets.take(others), targets.take(mine)
        if not some.weights.any():
            final = "blend"
        blend = StackBlend.fit(
            stack, _take(said, others), some, final, _take_features(features, others)
        )
        found = blend(_take(said, mine), _take_features(features, mine), of_mine.task_index)
        for column, of_part in zip(whole, found, strict=True):
            column[mine] = of_part
    return whole


def _take(said: list[Expected], rows: Array) -> list[Expected]:
    return [[column[rows] for column in member] for member in said]


def _take_features(features: Any, rows: Array) -> Any:
    return None if features is None else take_rows(features, rows)


def _by_name(stack: FittedMembers, said: list[Expected]) -> dict[str, Expected]:
    return {m.name: e for m, e in zip(stack.members, said, strict=False)}
