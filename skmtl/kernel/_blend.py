"""Kernels of every kind blended into what is expected of each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._blending import blend_weights, mix
from skmtl.kernel._answers import Answers, ResponsePlan
from skmtl.kernel._feature_scaling import FeatureScaling
from skmtl.kernel._kernel_choice import KernelChoice, KernelFunctions, Options, choose_kernels
from skmtl.kernel._left_out import LeftOut
from skmtl.kernel._pairs import Pairs, Rows, Space
from skmtl.kernel._search import best_of
from skmtl.kernel._trial import Fold
from skmtl.kernel._working_response import Link
from skmtl.tasks import _task_set
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class KernelBlend:
    """What is expected of new rows: a mixture of kernels whose responses have links.

    ``links`` has for every function a link per column of y. ``weights`` is (n_functions, n_tasks).
    The tasks of ``plan`` are those that have something to learn.
    """

    plan: ResponsePlan
    scaling: FeatureScaling
    functions: KernelFunctions
    links: list[list[Link]]
    weights: Array

    def __call__(
        self, X: Any, task_index: Array | None, link: _task_set.Link | None = None
    ) -> list[Array]:
        """Expected values or class probabilities of each task, or what ``link`` says of it."""
        found = self.functions(Rows(self.scaling(X), task_index))
        if link is None and task_index is None and self.plan.tasks.has_squared_loss:
            constants, slopes = self._lines
            parts = np.where(slopes, slopes * np.array(found), 0.0).sum(axis=0)
            return list((constants + parts).T)
        expected = [
            self.plan.expected(responses, links, task_index, link)
            for responses, links in zip(found, self.links, strict=True)
        ]
        tasks = self.plan.tasks.tasks if link is None else None
        return mix(expected, self.weights, task_index, tasks)

    @cached_property
    def _lines(self) -> tuple[Array, Array]:
        """Constants (n_tasks,), and slopes (n_functions, 1, n_tasks) on responses.

        Of squared losses, whose links are lines: their mixture is one too, in fewer steps.
        """
        of_links = [
            [task.labels(link.offset)[0], task.scale_ * link.slope * link.inverse_curvature[0, 0]]
            for links in self.links
            for link, task in zip(links, self.plan.tasks.tasks, strict=True)
        ]
        shape = *self.weights.shape, 2
        constants, slopes = np.moveaxis(np.reshape(of_links, shape), -1, 0) * self.weights
        return constants.sum(axis=0), slopes[:, None, :]

    def kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        """The kernel that counts most, of two rows whatever their tasks; None without any."""
        functions = self.functions
        if not len(self.weights):
            return None
        most = int(np.argmax(self.weights.mean(axis=1)))
        left, right = (Rows(self.scaling(some)) for some in (X, anchors))
        return Pairs(left, right, functions.space).kernel(functions.functions[most].candidate)


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
        tasks, answers = targets.tasks, Answers.of(targets)
        scaling = FeatureScaling.of(X, answers.share, scale=scale)
        rows = Rows(scaling(X), targets.task_index)
        space = Space.of(rows.X, scaling.rest, answers.share, tasks.n_tasks if tasks.is_long else 0)
        choose = partial(choose_kernels, space=space, options=options)
        if any(isinstance(task, Quantile) for task in tasks.tasks):
            first = LeftOut.of(rows, answers, folds, choose).choice
            answers = answers.with_spreads(best_of(first.best).held_out)
        apart = LeftOut.of(rows, answers, folds, choose)
        choice = apart.choice
        links = [answers.links(trial.held_out) for trial in choice.best]
        expected = [
            answers.plan.expected(trial.held_out, of_trial, targets.task_index)
            for trial, of_trial in zip(choice.best, links, strict=True)
        ]
        weights = blend_weights(expected, targets)
        kept = np.flatnonzero(weights.any(axis=1))
        functions, links = choice.functions(kept), [links[k] for k in kept]
        blend = KernelBlend(answers.plan, scaling, functions, links, weights[kept])
        return cls(blend, choice, weights, apart.blended(targets))
