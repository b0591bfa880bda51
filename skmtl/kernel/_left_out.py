"""What a blend of kernels expects of rows that have chosen nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._cross_fitting import N_PARTS, blend_parts, parts_of
from skmtl.kernel._answers import Answers
from skmtl.kernel._kernel_choice import KernelChoice
from skmtl.kernel._pairs import Rows
from skmtl.kernel._trial import Fold, Responses
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Choose = Callable[[Rows, Responses, Sequence[Fold] | None, Array], KernelChoice]

FEW = 20
"""Rows below which fits without a row say too much of it by the alphas that they share.

On noise, their squared error was too small by .10 (6 rows) and .04 (10 rows) of the variance, from
20 rows on by less than .01.
"""


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Rows in parts, and kernels for each that the others choose.

    Of many rows the fits without a row are those of all kernels, and the others only choose among
    them. Of few, everything is fitted anew to the others.
    """

    rows: Rows
    answers: Answers
    folds: Sequence[Fold] | None
    part: Array
    choose: Choose
    choice: KernelChoice

    @classmethod
    def of(cls, rows: Rows, answers: Answers, folds: Sequence[Fold] | None, choose: Choose) -> Self:
        """With the kernels that all rows choose, and parts that do not cut folds."""
        part = _dealt(rows) if folds is None else parts_of(folds, rows.n_rows)
        choice = choose(rows, answers.responses, folds, part)
        return cls(rows, answers, folds, part, choose, choice)

    def blended(self, targets: Targets) -> list[Array]:
        """What the blend expects of each column of y."""
        return blend_parts(self._expected, targets, self.part)

    def _expected(self, mine: Array, others: Array) -> Any:
        """By each kind of kernel, of the other rows, held out, and of a part."""
        known, said = (
            self._anew(mine, others) if self.rows.n_rows < FEW else self._picked(mine, others)
        )
        links = [self.answers.links(held_out, others) for held_out in known]
        index = self.rows.task_index
        return tuple(
            [
                self.answers.plan.expected(responses, of_kind, None if index is None else index[r])
                for responses, of_kind in zip(found, links, strict=True)
            ]
            for found, r in ((known, others), (said, mine))
        )

    def _picked(self, mine: Array, others: Array) -> tuple[list[Array], list[Array]]:
        left_out = self.choice.left_out
        return [found[others] for found in left_out], [found[mine] for found in left_out]

    def _anew(self, mine: Array, others: Array) -> tuple[list[Array], list[Array]]:
        within = self.folds and [fold.within(others, self.rows.n_rows) for fold in self.folds]
        responses = self.answers.responses.take(others)
        choice = self.choose(self.rows.take(others), responses, within, self.part[others])
        known = [trial.held_out for trial in choice.best]
        said = choice.functions(np.arange(len(known)))(self.rows.take(mine))
        # Nothing is known of a response without a label there.
        return known, [np.where(responses.share.any(axis=0), one, np.nan) for one in said]


def _dealt(rows: Rows) -> Array:
    """Parts of rows that are left out one by one: by what they hold, not by their order."""
    direction = np.random.RandomState(0).standard_normal(rows.X.shape[1])
    part = np.empty(rows.n_rows, dtype=np.intp)
    part[np.argsort(rows.X @ direction, kind="stable")] = np.arange(rows.n_rows) % N_PARTS
    return part
