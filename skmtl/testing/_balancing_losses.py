"""What every balancing method that goes by losses must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import Tensor

from skmtl.neural.balancing import BalancingInfo, LossBalancing


def _started(method: Any, n_tasks: int, seeds: Any = (0,), keys: Any = None) -> Any:
    method = clone(method)
    method.start(BalancingInfo(list(seeds), list(range(n_tasks) if keys is None else keys)))
    return method


def _everyone(losses: Tensor) -> Tensor:
    return torch.ones_like(losses, dtype=torch.bool)


def _steps(
    method: Any, n_models: int, n_tasks: int, *, models: Any = slice(None), order: Any = None
) -> Any:
    """Weights along a made-up training: losses fall, at different rates, with noise."""
    rng, found = np.random.default_rng(0), []
    order = np.arange(n_tasks) if order is None else order
    for step in range(12):
        losses = np.exp(-0.1 * step * np.arange(1, n_tasks + 1) / n_tasks)
        noisy = torch.from_numpy(losses * (0.5 + rng.random((n_models, n_tasks))))
        before = noisy[models][:, order]
        after = 0.9 * before**1.01
        found.append(method.weights(before, _everyone(before)).numpy().copy())
        if method.follows_up:
            method.follow_up(after, _everyone(after))
        if step % 2:
            method.end_epoch(before)
    return np.array(found)


def check_weights(method: LossBalancing) -> None:
    """One finite weight >= 0 per model and task; all are 1 where the method says so."""
    for n_tasks in (1, 2, 5):
        weights = _steps(_started(method, n_tasks, (0, 1)), 2, n_tasks)
        assert weights.shape == (12, 2, n_tasks), weights.shape
        assert np.isfinite(weights).all()
        assert (weights >= 0).all()
        assert (weights.sum(-1) > 0).all()
        if method.is_constant:
            assert (weights == 1).all(), "is_constant is True, and weights are not all 1"


def check_sizes(method: LossBalancing) -> None:
    """Weights are finite for losses of any size, one of them 0."""
    for size in (1e-30, 1e-12, 1e12):
        started = _started(method, 3)
        losses = size * torch.tensor([[1.0, 2.0, 0.0]], dtype=torch.float64)
        for _ in range(6):
            weights = started.weights(losses, _everyone(losses))
            assert torch.isfinite(weights).all(), f"losses {losses.tolist()}"
            if started.follows_up:
                started.follow_up(0.5 * losses, _everyone(losses))
            started.end_epoch(losses)


def check_permutation(method: LossBalancing) -> None:
    """Permuting tasks permutes weights."""
    keys, order = np.array([5, 3, 8, 1]), np.array([2, 0, 3, 1])
    weights = _steps(_started(method, 4, (7,), keys), 1, 4)
    moved = _steps(_started(method, 4, (7,), keys[order]), 1, 4, order=order)
    assert_allclose(moved, weights[:, :, order], rtol=1e-12)


def check_models(method: LossBalancing) -> None:
    """Models that train side by side do not hear of each other."""
    pair = _steps(_started(method, 3, (1, 2)), 2, 3)
    alone = _steps(_started(method, 3, (2,)), 2, 3, models=slice(1, 2))
    assert_allclose(alone[:, 0], pair[:, 1], rtol=1e-12)


def check_absent(method: LossBalancing) -> None:
    """A task without labels does not count, neither in weights nor in what is remembered."""
    if (_steps(_started(method, 2, (3,)), 1, 2) != _steps(_started(method, 2, (4,)), 1, 2)).any():
        # It draws, for fewer tasks other numbers: there is nothing to compare.
        return
    seen = []
    for n_tasks in (3, 2):
        started, found = _started(method, n_tasks, (3,), (1, 2, 9)[:n_tasks]), []
        for step in range(4):
            losses = torch.tensor([[1.0 / (step + 1), 2.0 - 0.3 * step, 0.0]], dtype=torch.float64)
            losses, mask = losses[:, :n_tasks], torch.tensor([[True, True, False]])[:, :n_tasks]
            found.append(started.weights(losses, mask)[:, :2].numpy().copy())
            if started.follows_up:
                started.follow_up(0.9 * losses**1.1, mask)
            started.end_epoch(losses)
        seen.append(found)
    assert_allclose(seen[0], seen[1], rtol=1e-12)


def check_start(method: LossBalancing) -> None:
    """`start` forgets earlier fits."""
    started = _started(method, 3, (5,))
    first = _steps(started, 1, 3)
    started.start(BalancingInfo([5], [0, 1, 2]))
    assert_array_equal(_steps(started, 1, 3), first)


LOSSES: dict[str, Callable[..., None]] = {
    "there is one finite weight per task": check_weights,
    "weights are finite for losses of any size": check_sizes,
    "permuting tasks permutes weights": check_permutation,
    "models do not hear of each other": check_models,
    "tasks without labels do not count": check_absent,
    "start forgets": check_start,
}
