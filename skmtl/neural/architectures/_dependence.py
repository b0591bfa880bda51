"""Which parameters more than one task depends on, found by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]

N_ROWS, N_TRIALS = 32, 2


def shared_parameters_of(
    outputs_of: Callable[[Mapping[str, Tensor], Tensor], Tensor],
    parameters: Mapping[str, Tensor],
    outputs_per_task: Sequence[int],
    row_shape: Sequence[int],
) -> set[str]:
    """Names of the parameters in which some number moves the outputs of more than one task.

    Outputs are computed for random rows (of zeros and ones, for a network that looks them up in
    a table), at parameters moved a little at random: zeros, and rectifiers that let nothing
    through, would hide what depends on what. Of two tasks, some
    bit of their numbers differs. So for each bit one gradient is taken of the tasks in which it
    is set, and one of the others: few gradients, however many tasks there are.

    Parameters
    ----------
    outputs_of : callable
        Maps parameters by name, and rows (n, *row_shape), to raw scores (n, n_outputs).
    parameters : dict of Tensor
        Parameters of one network by name.
    outputs_per_task : sequence of int
        Number of raw scores of each task.
    row_shape : sequence of int
        Shape of a row.

    Returns
    -------
    names : set of str
        With a single task, all parameters that its outputs depend on.

    Raises
    ------
    ValueError
        If the outputs depend on no parameter.
    """
    rng, like = np.random.default_rng(0), next(iter(parameters.values()))
    owners = np.repeat(np.arange(len(outputs_per_task)), outputs_per_task)
    found: set[str] = set()
    for _ in range(N_TRIALS):
        moved = {
            name: (p.detach() + 0.1 * _normal(rng, p.shape, p)).requires_grad_()
            for name, p in parameters.items()
        }
        raw = _outputs(outputs_of, moved, _normal(rng, (N_ROWS, *row_shape), like))
        if not raw.requires_grad:
            raise ValueError("its outputs depend on no parameter by torch's differentiation")
        factors = _normal(rng, raw.shape, raw)
        for one, other in _splits(owners):
            gradients = [_gradients(raw * factors, columns, moved) for columns in (one, other)]
            for name in moved:
                if bool(((gradients[0][name] != 0) & (gradients[1][name] != 0)).any()):
                    found.add(name)
    return found


def _outputs(
    outputs_of: Callable[[Mapping[str, Tensor], Tensor], Tensor],
    parameters: Mapping[str, Tensor],
    X: Tensor,
) -> Tensor:
    try:
        return outputs_of(parameters, X)
    except Exception:
        # The error that counts is that of the other rows, which most networks can read.
        with suppress(Exception):
            return outputs_of(parameters, (X > 0).to(X))
        raise


def _splits(owners: Array) -> list[tuple[Array, Array]]:
    """Pairs of masks of outputs, so that any two tasks are apart in one of them."""
    if len(np.unique(owners)) < 2:
        everything = np.ones(len(owners), dtype=bool)
        return [(everything, everything)]
    is_set = [(owners >> bit) & 1 == 1 for bit in range(int(owners.max()).bit_length())]
    return [(one, ~one) for one in is_set if one.any() and not one.all()]


def _gradients(raw: Tensor, columns: Array, moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    total = raw[:, torch.from_numpy(columns).to(raw.device)].sum()
    found = torch.autograd.grad(
        total, list(moved.values()), retain_graph=True, materialize_grads=True
    )
    return dict(zip(moved, found, strict=True))


def _normal(rng: np.random.Generator, shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.from_numpy(rng.normal(size=tuple(shape))).to(like)
