"""Tasks of `MultiTaskBayesianLinear` that come after `fit`: draws like those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._likely_strengths import Labels
from skmtl._new_head import Head
from skmtl.linear.bayesian._later_task import LaterLabels
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._predictor import RandomCoefficients
from skmtl.linear.bayesian._search import LEAST, MOST
from skmtl.linear.estimators._later_tasks import GrowsLinearTasks

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class RandomHead(Head):
    """Means of coefficients in the units of y, what is known of them, and these units."""

    found: RandomCoefficients
    scale: float


class GrowsRandomTasks(GrowsLinearTasks):
    """Mixin: a later task has the posterior that the model of all tasks gives it, exactly.

    What its labels say of the others is left out: they stay as they are.
    """

    _of_tasks = (*GrowsLinearTasks._of_tasks, "noise_variance_")

    noise_variance_: Array
    _found: RandomCoefficients
    _noise_prior: tuple[float, float]
    _position: Array
    _scale: Array
    _location: Array

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        task: Any = labels.task
        if not task.has_squared_loss:
            raise ValueError(
                f"The new task is {task!r}; {type(self).__name__} fits squared loss only "
                "(task='regression'). MultiTaskLinear takes the other types and losses."
            )
        scale, location, y = task.scale_, task.location_, labels.values
        if self._task_set.is_long:
            # Labels are in the units of y, what was learned is not.
            scale, location = self._scale[0], self._location[0]
            y = (y - location) / scale
        X = X.astype(np.float64, copy=False)
        moments = Moments.of_rows(X, y, labels.counts, self._found.coordinates)
        is_free = labels.has_intercept and not self._task_set.is_long
        later = LaterLabels(moments, self._found, has_free_intercept=is_free)
        prior = self._noise_prior
        noise = later.likely_noise(prior, (LEAST, MOST))
        freedom = self._found.n_left.sum() if np.isinf(prior[0]) else prior[0]
        found = later.coefficients(noise, float(freedom))
        v = found.coordinates.matrix @ found.v[0]
        intercept, coef = (v[0], v[1:]) if labels.has_intercept else (0.0, v)
        task.location_, task.scale_ = 0.0, 1.0
        return RandomHead(
            [scale * coef[:, None]],
            np.array([location + scale * intercept]),
            np.zeros(0),
            found,
            float(scale),
        )

    def _known_of(self, task: int) -> tuple[RandomCoefficients, int, float] | None:
        """Coefficients, among which is the task, its position there, and its scale.

        The position of a task that is not known, -1, is -1. None for a task without labels.
        """
        grown = vars(self).get("_grown")
        if task < 0:
            return self._found, -1, float(self._scale[0])
        source = task if grown is None else grown.sources[task]
        if not isinstance(source, int | np.integer):
            return source.head.found, 0, source.head.scale
        position = int(self._position[source])
        return None if position < 0 else (self._found, position, float(self._scale[source]))

    def _add_rows(self, position: int, head: Any) -> None:
        super()._add_rows(position, head)
        noise = head.scale**2 * head.found.noise[0]
        self.noise_variance_ = np.insert(self.noise_variance_, position, noise)

    def _drop_rows(self, position: int) -> None:
        super()._drop_rows(position)
        self.noise_variance_ = np.delete(self.noise_variance_, position)
