"""Kernels of every kind blended into what is expected of each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._blending import blend_weights, mix
from skmtl.kernel._feature_scaling import FeatureScaling
from skmtl.kernel._kernel_choice import KernelChoice, KernelFunctions, Options, choose_kernels
from skmtl.kernel._pairs import Rows, Space
from skmtl.kernel._trial import Fold, Responses
from skmtl.kernel._working_response import Link, WorkingResponse
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

NEGLIGIBLE = 1e-20
"""Weight of a label, over the largest of its task, that rounding leaves nothing of."""


@dataclass(frozen=True, eq=False)
class KernelBlend:
    """What is expected of new rows: a mixture of kernels whose responses have links.

    ``links`` has for every function a link per column of y, ``outputs`` the responses of each.
    ``weights`` is (n_functions, n_tasks). ``tasks`` are those that have something to learn.
    """

    tasks: TaskSet
    scaling: FeatureScaling
    functions: KernelFunctions
    links: list[list[Link]]
    outputs: list[slice]
    weights: Array

    def __call__(self, X: Any, task_index: Array | None) -> list[Array]:
        """Expected values or class probabilities of each task."""
        found = self.functions(Rows(self.scaling(X), task_index))
        expected = [
            self.tasks.inverse_link(raw_scores(responses, links, self.outputs), task_index)
            for responses, links in zip(found, self.links, strict=True)
        ]
        return mix(expected, self.weights, task_index)


@dataclass(frozen=True, eq=False)
class BlendFit:
    """A blend, and what was found on the way to it.

    ``weights`` (n_kernels, n_tasks) are those of the best kernel of each kind; ``expected`` is
    what the blend expects of the rows of the fit, left out.
    """

    blend: KernelBlend
    choice: KernelChoice
    weights: Array
    expected: list[Array]

    @classmethod
    def of(
        cls,
        X: Any,
        targets: Targets,
        folds: Sequence[Fold] | None,
        options: Options,
        *,
        scale: bool,
    ) -> Self:
        """Fit to rows and tasks that all have labels."""
        tasks, columns = targets.tasks, targets.columns()
        names = tasks.names.tolist()
        working = [
            WorkingResponse.of(*column, name) for column, name in zip(columns, names, strict=False)
        ]
        sizes = [of_column.values.shape[1] for of_column in working]
        ends = np.cumsum(sizes).tolist()
        outputs = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        of_output = np.repeat(np.arange(len(sizes)), sizes)
        share = np.column_stack([_shares(column.weights) for column in columns])
        responses = Responses(
            np.hstack([of_column.values for of_column in working]), share[:, of_output], of_output
        )
        scaling = FeatureScaling.of(X, share.mean(axis=1), scale=scale)
        rows = Rows(scaling(X), targets.task_index)
        n_tasks = tasks.n_tasks if tasks.is_long else 0
        space = Space.of(rows.X, scaling.rest, share.mean(axis=1), n_tasks)
        choice = choose_kernels(rows, space, responses, folds, options)
        links = [
            [w.link(trial.held_out[:, o]) for w, o in zip(working, outputs, strict=True)]
            for trial in choice.best
        ]
        expected = [
            tasks.inverse_link(raw_scores(trial.held_out, of_trial, outputs), targets.task_index)
            for trial, of_trial in zip(choice.best, links, strict=True)
        ]
        weights = blend_weights(expected, _with_prediction(targets, expected))
        kept = np.flatnonzero(weights.any(axis=1))
        blend = KernelBlend(
            tasks, scaling, choice.functions(kept), [links[k] for k in kept], outputs, weights[kept]
        )
        return cls(blend, choice, weights, mix(expected, weights, targets.task_index))


def raw_scores(responses: Array, links: Sequence[Link], outputs: Sequence[slice]) -> Array:
    """Raw scores of all tasks from their responses (n_rows, n_outputs)."""
    return np.hstack(
        [link(responses[:, of_task]) for link, of_task in zip(links, outputs, strict=True)]
    )


def _shares(weights: Array) -> Array:
    """Weights of the labels of a column, of sum 1."""
    weights = in_range(weights)
    weights = np.where(weights > NEGLIGIBLE * weights.max(), weights, 0.0)
    return np.asarray(weights / weights.sum())


def _with_prediction(targets: Targets, expected: Sequence[list[Array]]) -> Targets:
    """The labels that some member predicts: folds may leave out rows, or none of a task."""
    predicted = [
        np.any([np.isfinite(e.reshape(len(e), -1)).all(axis=1) for e in of_column], axis=0)
        for of_column in zip(*expected, strict=True)
    ]
    weights = targets.weights * np.column_stack(predicted).reshape(targets.weights.shape)
    return Targets(targets.tasks, targets.values, weights, targets.task_index)
