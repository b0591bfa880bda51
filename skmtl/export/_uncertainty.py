"""Calibrated probabilities, and decisions by thresholds and costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmtl.export._nesting import Holder
from skmtl.export._predictor import decoded, make_predictor, row_of, table
from skmtl.tasks._baseline import torch_interp
from skmtl.uncertainty._calibrated_tasks import CalibratedTasks
from skmtl.uncertainty._calibration_map import CalibrationMap
from skmtl.uncertainty._choices import Choices
from skmtl.uncertainty._isotonic import Isotonic, _mapped
from skmtl.uncertainty._threshold_tasks import ThresholdTasks


class Calibrated(Holder):
    """`Calibration` of what the estimator inside says."""

    def __init__(self, estimator: CalibratedTasks) -> None:
        super().__init__(estimator, estimator.estimator_)
        self.pools, self.has_own_rule = estimator._calibration.pools, estimator._has_own_rule

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        found = super().expected(X, index)
        for pool in self.pools:
            for at, k in enumerate(pool.columns):
                task: Any = at if index is None else index
                found[k] = _calibrated(pool.map, pool.choices[at], found[k], task)
        return found

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        expected = self.expected(X, index) if expected is None else expected
        own = super().decisions(X, index) if any(self.has_own_rule) else [None] * len(expected)
        found = []
        for k, (task, of_task) in enumerate(zip(self.tasks.tasks, expected, strict=True)):
            decided = own[k]
            if not self.has_own_rule[k] or decided is None:
                if task.is_classification:
                    weights = task.label_weight(np.arange(len(task.classes_)))
                    of_task = of_task * of_task.new_tensor(weights)
                decided = decoded(task, of_task)
            found.append(decided)
        return found


def _calibrated(of_pool: CalibrationMap, choices: Choices, p: Tensor, task: Any) -> Tensor:
    """`Pool.apply`; the task is a number, or that of each row."""
    if choices.order is None:
        return _mapped_by(of_pool, p, task)
    above = p[:, choices.order[::-1].tolist()].cumsum(1)[:, :-1].flip(1).reshape(-1)
    if not isinstance(task, int):
        task = task[:, None].expand(-1, choices.per_row).reshape(-1)
    found = _mapped_by(of_pool, torch.stack([1.0 - above, above], 1), task)[:, 1]
    found = found.reshape(-1, choices.per_row)
    one = torch.ones_like(found[:, :1])
    whole = torch.cat([one, found, 0.0 * one], 1)
    by_rank = (whole[:, :-1] - whole[:, 1:]).clamp_min(0.0)
    return by_rank[:, np.argsort(choices.order).tolist()]


def _mapped_by(of_pool: CalibrationMap, p: Tensor, task: Any) -> Tensor:
    """`CalibrationMap`: a floor, slope and shifts, isotonic regression."""
    scores = ((1.0 - of_pool.floor) * p + of_pool.floor / p.shape[1]).log()
    theta = p.new_tensor(np.vstack([of_pool.scaling.theta, of_pool.scaling.mean]))
    n_tasks = len(of_pool.scaling.theta)
    of_rows = theta[task : task + 1] if isinstance(task, int) else theta[row_of(task, n_tasks)]
    raw = of_rows[:, :1].exp() * scores
    if theta.shape[1] > 1:
        raw = raw + torch.nn.functional.pad(of_rows[:, 1:], (1, 0))
    found = raw.softmax(-1)
    if of_pool.isotonic is None or np.isinf(of_pool.n_imagined):
        return found
    return _isotonic(of_pool.isotonic, found, task, of_pool.n_imagined)


def _isotonic(isotonic: Isotonic, p: Tensor, task: Any, n_imagined: float) -> Tensor:
    """`Isotonic`; of an unknown task they stay."""
    classes = list(_mapped(p.shape[1]))
    columns = list(p.unbind(1))
    for t, (corners, n) in enumerate(zip(isotonic.corners, isotonic.n_labels, strict=True)):
        if isinstance(task, int) and t != task:
            continue
        share = float(n / (n + n_imagined))
        for k, (at, value) in zip(classes, corners, strict=False):
            mapped = share * torch_interp(p[:, k], at, value) + (1.0 - share) * p[:, k]
            if isinstance(task, int):
                columns[k] = mapped
            else:
                columns[k] = torch.where(task == t, mapped, columns[k])
    if len(classes) == 1:
        return torch.stack([1.0 - columns[1], columns[1]], 1)
    found = torch.stack(columns, 1)
    return found / found.sum(1, keepdim=True)


class Decided(Holder):
    """The second of two classes above a threshold; of several that of the least cost."""

    def __init__(self, estimator: ThresholdTasks) -> None:
        super().__init__(estimator, estimator.estimator_)
        self.thresholds = np.append(estimator.thresholds_, estimator._common_threshold)
        self.costs = [*estimator._costs, estimator._common_costs]

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        expected = self.expected(X, index) if expected is None else expected
        found = super().decisions(X, index)
        if index is None:
            return [
                self._decided(k, e, f) for k, (e, f) in enumerate(zip(expected, found, strict=True))
            ]
        row = row_of(index, self.tasks.n_tasks)
        whole = found[0]
        # All tasks have one kind of rule; what differs between them is looked up.
        if any(costs is not None for costs in self.costs):
            for t in range(len(self.costs)):
                whole = torch.where(row == t, self._decided(t, expected[0], found[0]), whole)
            return [whole]
        thresholds = expected[0].new_tensor(self.thresholds)[row]
        above = (expected[0][:, -1] >= thresholds).long()
        is_decided = table(~np.isnan(self.thresholds), index)[row]
        return [torch.where(is_decided, above, whole)]

    def _decided(self, t: int, expected: Tensor, usual: Tensor) -> Tensor:
        costs, threshold = self.costs[t], self.thresholds[t]
        if costs is not None:
            return (expected @ expected.new_tensor(costs)).argmin(-1)
        if np.isnan(threshold):
            return usual
        return (expected[:, 1] >= float(threshold)).long()


make_predictor.register(CalibratedTasks, Calibrated)
make_predictor.register(ThresholdTasks, Decided)
