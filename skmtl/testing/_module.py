"""What every module of an architecture must satisfy, for any settings and parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.testing import assert_allclose
from torch import Tensor

from skmtl.neural.architectures import MultiTaskModule


def penalty_of(module: MultiTaskModule) -> Tensor:
    penalty = module.penalty()
    return torch.zeros(1, dtype=torch.float64) if penalty is None else penalty


def assert_gradients_are_right(
    module: MultiTaskModule, X: Tensor, task_index: Tensor | None = None
) -> None:
    """Every gradient agrees with finite differences, the penalty's included."""

    def total() -> Tensor:
        return module(X, task_index).sin().sum() + penalty_of(module).sum()

    parameters = dict(module.named_parameters())
    gradients = torch.autograd.grad(total(), list(parameters.values()), materialize_grads=True)
    rng, h = np.random.default_rng(0), 1e-6
    for (name, p), gradient in zip(parameters.items(), gradients, strict=True):
        direction = torch.from_numpy(rng.normal(size=p.shape))
        with torch.no_grad():
            p.add_(h * direction)
            above = float(total())
            p.sub_(2 * h * direction)
            below = float(total())
            p.add_(h * direction)
        found, expected = float((gradient * direction).sum()), (above - below) / (2 * h)
        assert_allclose(found, expected, rtol=2e-5, atol=1e-7, err_msg=name)


def gradients_by_task(
    module: MultiTaskModule, outputs: Sequence[int], X: Tensor
) -> list[dict[str, Tensor]]:
    """For each task with outputs, the gradients of its loss for all parameters, by name."""
    parameters, found = dict(module.named_parameters()), []
    for scores in module(X).square().split(list(outputs), -1):
        if scores.shape[-1]:
            gradients = torch.autograd.grad(
                scores.sum(), list(parameters.values()), retain_graph=True, materialize_grads=True
            )
            found.append(dict(zip(parameters, gradients, strict=True)))
    return found


def assert_tasks_are_apart(module: MultiTaskModule, outputs: Sequence[int], X: Tensor) -> None:
    """No number in a parameter of single tasks moves for two losses; each shared one has such.

    So a label that is unobserved has no influence on what another task has for itself.
    """
    by_task = gradients_by_task(module, outputs, X)
    shared = {id(p) for p in module.shared_parameters()}
    for name, p in module.named_parameters():
        moves = torch.stack([gradients[name] != 0 for gradients in by_task])
        n_tasks = int(moves.sum(0).max())
        if id(p) in shared:
            assert n_tasks > 1, f"{name} is shared, and moves no two losses"
        else:
            assert n_tasks <= 1, f"{name} moves {n_tasks} losses, and is not among the shared"


def assert_long_is_wide(module: MultiTaskModule, n_tasks: int, seed: int = 1, *, X: Tensor) -> None:
    """In long form a row gets what wide form gives its task, and the same gradients."""
    index = torch.from_numpy(np.random.default_rng(seed).integers(n_tasks, size=X.shape[:2]))
    wide = module(X).unflatten(-1, (n_tasks, -1))
    rows = index[:, :, None, None].expand(-1, -1, 1, wide.shape[-1])
    picked, long = wide.gather(2, rows)[:, :, 0], module(X, index)
    assert_allclose(long.detach(), picked.detach(), rtol=1e-12)
    parameters = list(module.parameters())
    found, expected = (
        torch.autograd.grad(raw.square().sum(), parameters, materialize_grads=True)
        for raw in (long, picked)
    )
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)
