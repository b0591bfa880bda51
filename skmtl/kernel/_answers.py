"""Labels of all tasks as responses that kernels are fitted to, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._quantile_response import QuantileResponse
from skmtl.kernel._trial import Responses
from skmtl.kernel._working_response import Link, WorkingResponse
from skmtl.tasks import _task_set
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

NEGLIGIBLE = 1e-20
"""Weight of a label, over the largest of its task, that rounding leaves nothing of."""


@dataclass(frozen=True, eq=False)
class ResponsePlan:
    """The tasks, and which of the responses are those of each column of y."""

    tasks: TaskSet
    outputs: list[slice]

    def expected(
        self,
        responses: Array,
        links: Sequence[Link],
        task_index: Any,
        link: _task_set.Link | None = None,
    ) -> list[Array]:
        """Expected values or class probabilities for responses (n_rows, n_outputs).

        Another ``link`` says something else of the tasks.
        """
        of_columns = zip(links, self.outputs, strict=True)
        raw = np.hstack([link(responses[:, of_task]) for link, of_task in of_columns])
        return self.tasks.inverse_link(raw, task_index, link)


@dataclass(frozen=True, eq=False)
class Answers:
    """The labels of each column, and all of them as ``responses``."""

    plan: ResponsePlan
    working: list[WorkingResponse | QuantileResponse]
    responses: Responses

    @classmethod
    def of(cls, targets: Targets) -> Self:
        """From tasks that all have labels."""
        names = targets.tasks.names.tolist()
        # In long form there is one column, and names of many tasks.
        working = [
            QuantileResponse.of(*column)
            if isinstance(column.task, Quantile)
            else WorkingResponse.of(*column, name)
            for column, name in zip(targets.columns(), names, strict=False)
        ]
        share = np.column_stack([_shares(weights) for _, _, weights in targets.columns()])
        return cls._of(targets.tasks, working, share)

    @classmethod
    def _of(cls, tasks: TaskSet, working: list[Any], share: Array) -> Self:
        """From the responses of each column, and what its labels count (n_rows, n_columns)."""
        sizes = [of_column.values.shape[1] for of_column in working]
        ends = np.cumsum(sizes).tolist()
        outputs = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        of_output = np.repeat(np.arange(len(sizes)), sizes)
        values = np.hstack([of_column.values for of_column in working])
        responses = Responses(values, share[:, of_output], of_output)
        return cls(ResponsePlan(tasks, outputs), working, responses)

    def with_spreads(self, held_out: Array) -> Self:
        """With how far labels whose quantiles are wanted are from what other rows expect."""
        parts = zip(self.working, self.plan.outputs, strict=True)
        working = [
            of_column.with_spread(held_out[:, outputs])
            if isinstance(of_column, QuantileResponse)
            else of_column
            for of_column, outputs in parts
        ]
        share = [self.responses.share[:, outputs.start] for outputs in self.plan.outputs]
        return self._of(self.plan.tasks, working, np.column_stack(share))

    @property
    def share(self) -> Array:
        """What each row counts, in the mean of the columns (n_rows,)."""
        first = [of_column.start for of_column in self.plan.outputs]
        return np.asarray(self.responses.share[:, first].mean(axis=1))

    def links(self, held_out: Array, rows: Array | None = None) -> list[Link]:
        """How responses (n_rows, n_outputs), of all rows or some, become raw scores."""
        if rows is not None:
            known = np.full_like(self.responses.values, np.nan)
            known[rows] = held_out
            held_out = known
        of_columns = zip(self.working, self.plan.outputs, strict=True)
        return [of_column.link(held_out[:, of_task]) for of_column, of_task in of_columns]


def _shares(weights: Array) -> Array:
    """Weights of the labels of a column, of sum 1."""
    weights = in_range(weights)
    weights = np.where(weights > NEGLIGIBLE * weights.max(), weights, 0.0)
    return np.asarray(weights / weights.sum())
