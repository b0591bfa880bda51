r"""The map from the probabilities of an estimator to those of its held-out labels.

A floor :math:`(1 - \varepsilon) p + \varepsilon / K` under the K probabilities, which for
logarithms must not be 0; slopes and shifts (`Scaling`); and isotonic regression (`Isotonic`). The
floor is that of the least log loss under one slope and one shift for all tasks. How far isotonic
regression is trusted, the number :math:`n_0` of labels that the map before it counts as, is chosen
by log loss, too: of parts of the labels, each of another model, under maps of the other parts.
Infinite is not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.uncertainty._isotonic import Isotonic
from skmtl.uncertainty._scaling import Labels, Scaling

Array = NDArray[Any]

METHODS = ("auto", "temperature", "platt", "isotonic")

FLOORS = (1e-6, 1e-3, 1e-2, 3e-2, 0.1, 0.2)
IMAGINED = (100.0, 300.0, 1000.0, 3000.0, 10000.0)


class Held(NamedTuple):
    """Labels beside probabilities (n, K) of held-out rows; rows of one ``part`` stay together."""

    probabilities: Array
    codes: Array
    weights: Array
    task: Array
    part: Array

    def take(self, rows: Array) -> Held:
        """Some of the labels."""
        return Held(*(of_all[rows] for of_all in self))

    def labels(self, floor: float) -> Labels:
        """With log-probabilities in place of probabilities."""
        return Labels(_scores(self.probabilities, floor), self.codes, self.weights, self.task)


@dataclass(frozen=True, eq=False)
class CalibrationMap:
    """The map of tasks that have the same choices."""

    floor: float
    scaling: Scaling
    isotonic: Isotonic | None = None
    n_imagined: float = np.inf

    @classmethod
    def fit(cls, held: Held, n_tasks: int, method: str) -> Self:
        """Learn the maps of all tasks."""
        shifts = method != "temperature"
        floor = _choose_floor(held, shifts=shifts)
        found = cls(floor, Scaling.fit(held.labels(floor), n_tasks, shifts=shifts))
        if method in ("temperature", "platt"):
            return found
        most = [np.inf] if method == "auto" else []
        n_imagined = _choose_imagined(found, held, [*IMAGINED, *most])
        return found._with_isotonic(held)._trusting(n_imagined)

    def __call__(self, probabilities: Array, task: Array) -> Array:
        """Probabilities of rows; for unknown tasks, -1, by what the tasks have in common."""
        found = np.exp(self.scaling(_scores(probabilities, self.floor), task))
        return found if self.isotonic is None else self.isotonic(found, task, self.n_imagined)

    def without_part(self, held: Held, part: int) -> Self:
        """The same, learned from the other parts; what all tasks have in common stays."""
        others = held.take(np.flatnonzero(held.part != part))
        scaling = self.scaling.refit(others.labels(self.floor))
        found = replace(self, scaling=scaling, isotonic=None)
        return found if np.isinf(self.n_imagined) else found._with_isotonic(others)

    def _with_isotonic(self, held: Held) -> Self:
        scaled = replace(self, isotonic=None)(held.probabilities, held.task)
        n_tasks = len(self.scaling.theta)
        isotonic = Isotonic.fit(scaled, held.codes, held.weights, held.task, n_tasks)
        return replace(self, isotonic=isotonic)

    def _trusting(self, n_imagined: float) -> Self:
        if np.isinf(n_imagined):
            return replace(self, isotonic=None, n_imagined=n_imagined)
        return replace(self, n_imagined=n_imagined)


def _scores(probabilities: Array, floor: float) -> Array:
    scores: Array = np.log((1.0 - floor) * probabilities + floor / probabilities.shape[1])
    return scores


def _choose_floor(held: Held, *, shifts: bool) -> float:
    one = held._replace(task=np.zeros_like(held.task))
    losses = []
    for floor in FLOORS:
        labels = one.labels(floor)
        scaling = Scaling.of_each(labels, 1, shifts=shifts)
        losses.append(_log_loss(np.exp(scaling(labels.scores, labels.task)), one))
    return FLOORS[int(np.argmin(losses))]


def _choose_imagined(scaled: CalibrationMap, held: Held, numbers: list[float]) -> float:
    """The number of the least log loss of every part under the maps of the others."""
    losses = np.zeros(len(numbers))
    for part in np.unique(held.part).tolist():
        mine = held.take(np.flatnonzero(held.part == part))
        found = replace(scaled, n_imagined=numbers[0]).without_part(held, part)
        losses += [
            _log_loss(found._trusting(n)(mine.probabilities, mine.task), mine) for n in numbers
        ]
    return numbers[int(np.argmin(losses))]


def _log_loss(probabilities: Array, held: Held) -> float:
    of_label = probabilities[np.arange(len(held.codes)), held.codes]
    return -float(held.weights @ np.log(of_label))
