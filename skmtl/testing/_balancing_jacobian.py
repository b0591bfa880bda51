"""What every balancing method that goes by gradients, entry by entry, must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import Tensor

from skmtl.neural.balancing import BalancingInfo, JacobianBalancing


def _normal(n_tasks: int, size: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n_tasks, size)))


def _started(method: Any, n_tasks: int, seeds: Any = (0,), keys: Any = None) -> Any:
    method = clone(method)
    method.start(BalancingInfo(list(seeds), list(range(n_tasks) if keys is None else keys)))
    return method


def _everyone(n_tasks: int) -> Tensor:
    return torch.ones(n_tasks, dtype=torch.bool)


def _directions(
    method: Any,
    n_tasks: int,
    *,
    n_drawn: int | None = None,
    model: int = 0,
    order: Any = slice(None),
    scale: float = 1.0,
    observed: Any = None,
) -> Any:
    """Directions of a made-up training with the first of some tasks."""
    observed, found = _everyone(n_tasks) if observed is None else torch.tensor(observed), []
    for step in range(4):
        J = _normal(n_drawn or n_tasks, 30, step)[:n_tasks] * observed[:, None] * scale
        losses = torch.arange(1.0, n_tasks + 1, dtype=torch.float64) * observed
        found.append(method.direction(model, J[order], losses[order], observed[order]).numpy())
    return np.array(found)


def check_finite(method: JacobianBalancing) -> None:
    """Directions are finite, of the dtype of the gradients, whatever these are."""
    J = _normal(4, 5)
    cases = {
        "one task": _normal(1, 5),
        "tiny": J * 1e-12,
        "huge": J * 1e12,
        "scales": J * torch.tensor([[0.0], [1.0], [1e-12], [1e12]]),
        "duplicates": J[[0, 0, 1, 1]],
        "all zero": 0 * J,
        "float32": J.float(),
    }
    for case, found in cases.items():
        started = _started(method, len(found))
        for _ in range(3):
            d = started.direction(0, found, found.new_ones(len(found)), _everyone(len(found)))
            assert d.shape == found.shape[1:], f"{case}: shape {tuple(d.shape)}"
            assert d.dtype == found.dtype, f"{case}: {d.dtype}"
            assert torch.isfinite(d).all(), f"{case}: {d}"
        assert not d[(found == 0).all(dim=0)].any(), f"{case}: moves where no gradient is"


def check_one_task(method: JacobianBalancing) -> None:
    """A single task follows its gradient."""
    J = _normal(1, 6)
    d = _started(method, 1).direction(0, J, torch.ones(1), _everyone(1))
    assert_allclose(d / d.norm(), J[0] / J[0].norm())


def check_permutation(method: JacobianBalancing) -> None:
    """Permuting tasks changes nothing."""
    keys, order = np.array([5, 3, 8, 1]), np.array([2, 0, 3, 1])
    one, other = _started(method, 4, (7,), keys), _started(method, 4, (7,), keys[order])
    assert_allclose(_directions(other, 4, order=order), _directions(one, 4), rtol=1e-9)


def check_absent(method: JacobianBalancing) -> None:
    """Tasks without labels do not turn the step; their number may change its length."""
    with_third = _directions(_started(method, 3), 3, observed=[True, True, False])
    without = _directions(_started(method, 2), 2, n_drawn=3)
    for one, other in zip(with_third, without, strict=True):
        assert_allclose(one / np.linalg.norm(one), other / np.linalg.norm(other))


def check_models(method: JacobianBalancing) -> None:
    """Models that train side by side do not hear of each other."""
    pair = _started(method, 3, (1, 2))
    _directions(pair, 3, model=0, scale=5.0)
    alone = _directions(_started(method, 3, (2,)), 3)
    assert_array_equal(_directions(pair, 3, model=1), alone)


def check_start(method: JacobianBalancing) -> None:
    """`start` forgets earlier fits."""
    started = _started(method, 3)
    first = _directions(started, 3)
    started.start(BalancingInfo([0], [0, 1, 2]))
    assert_array_equal(_directions(started, 3), first)


JACOBIAN: dict[str, Callable[..., None]] = {
    "directions are finite": check_finite,
    "one task follows its gradient": check_one_task,
    "permuting tasks changes nothing": check_permutation,
    "tasks without labels do not count": check_absent,
    "models do not hear of each other": check_models,
    "start forgets": check_start,
}
