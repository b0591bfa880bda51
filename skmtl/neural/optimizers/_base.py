"""What the optimizers share: decay of the weights, fused kernels, a state of numpy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

State = dict[str, Any]
Gradients = Sequence[Tensor | None]


class Optimizer(ABC):
    """Moves the parameters of a module; weights are decayed, biases are not.

    The same steps as those of ``torch.optim``, without its bookkeeping, which costs more than
    the arithmetic of a small network.

    Parameters
    ----------
    module : torch.nn.Module
        Whose parameters move; where several models train side by side, their first axis.
    learning_rate : float or ndarray of shape (n_models,)
        Size of a step, of all models or of each.
    alpha : float or ndarray of shape (n_models,)
        Strength of the decay of the weights.
    is_fused : bool, default=None
        Whether steps are taken by torch's fused kernel; by default where that works.
    """

    # What is kept of each parameter from step to step, by name.
    kinds: tuple[str, ...]

    def __init__(
        self,
        module: nn.Module,
        *,
        learning_rate: Any,
        alpha: Any,
        is_fused: bool | None = None,
    ) -> None:
        self.learning_rate, self.alpha = learning_rate, alpha
        self.names = [name for name, _ in module.named_parameters()]
        # Detached, so that they may be moved without a word to autograd.
        self.parameters = [p.detach() for p in module.parameters()]
        self.kept = [[torch.zeros_like(p) for p in self.parameters] for _ in self.kinds]
        self.n_steps = torch.zeros((), dtype=torch.float32, device=self.parameters[0].device)
        # The same number; numpy adds to it in a tenth of the time.
        self.count: Any = self.n_steps.numpy() if self.n_steps.is_cpu else self.n_steps
        self.groups = self._grouped()
        if is_fused is None:
            places = {(p.device.type, p.dtype) for p in self.parameters}
            is_fused = all(fused_works(type(self), *place) for place in places)
        self.is_fused = is_fused

    def step(self, gradients: Gradients) -> None:
        """Move the parameters; one gradient (or None) for each, in the module's order."""
        move = self._fused if self.is_fused else self._plain
        self.count += 1
        for group in self.groups:
            present = [i for i in group.members if gradients[i] is not None]
            if len(present) < len(group.members):
                group = Group(self, present, group.models, group.alpha)
            if present:
                found = group.of_models([gradients[i] for i in present])
                move(group.parameters, found, *group.kept, group.rate(self), group.alpha)

    def set_rates(self, rates: NDArray[Any]) -> None:
        """Change the learning rate: an array with that of each model."""
        self.learning_rate = rates if (rates != rates[0]).any() else float(rates[0])
        self.groups = self._grouped()

    def _grouped(self) -> list[Group]:
        """What a kernel, which knows one rate and one alpha, can move at once."""
        is_weight = [name.endswith("weight") for name in self.names]
        weights = [i for i, weight in enumerate(is_weight) if weight]
        biases = [i for i, weight in enumerate(is_weight) if not weight]
        groups = []
        for models in runs_of_equals(self.learning_rate, self.alpha):
            alpha = float(of_first(self.alpha, models))
            groups += [Group(self, weights, models, alpha), Group(self, biases, models, 0.0)]
        return groups

    def end_epoch(self, progress: Any) -> None:  # noqa: B027, most need not know
        """Take note of a finished epoch."""

    def state(self) -> State:
        """Everything a later step needs, as numpy arrays."""
        arrays: State = {"n_steps": self.n_steps.cpu().numpy().copy()}
        for kind, tensors in zip(self.kinds, self.kept, strict=True):
            for name, tensor in zip(self.names, tensors, strict=True):
                arrays[f"{kind}.{name}"] = tensor.cpu().numpy().copy()
        return arrays

    def load(self, state: State) -> None:
        """Go on from what `state` found."""
        self.n_steps.fill_(float(state["n_steps"]))
        for kind, tensors in zip(self.kinds, self.kept, strict=True):
            for name, tensor in zip(self.names, tensors, strict=True):
                tensor.copy_(torch.from_numpy(state[f"{kind}.{name}"]))

    @abstractmethod
    def _fused(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        """Move some parameters by torch's fused kernel."""

    @abstractmethod
    def _plain(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        """Move them by the formula, written out."""


class Group:
    """Parameters that share learning rate and strength of the decay.

    Those at the positions ``members``, of neighbouring ``models``; None for all of them.
    """

    def __init__(
        self, optimizer: Optimizer, members: list[int], models: slice | None, alpha: float
    ) -> None:
        self.members, self.models, self.alpha = members, models, alpha
        self.parameters = self.of_models([optimizer.parameters[i] for i in members])
        self.kept = [self.of_models([tensors[i] for i in members]) for tensors in optimizer.kept]

    def of_models(self, tensors: list[Any]) -> list[Any]:
        """The part of some tensors that belongs to the models."""
        return tensors if self.models is None else [tensor[self.models] for tensor in tensors]

    def rate(self, optimizer: Optimizer) -> float:
        """The learning rate of the moment."""
        return float(of_first(optimizer.learning_rate, self.models))


def runs_of_equals(*settings: Any) -> list[slice | None]:
    """Neighbouring models whose settings are alike; None for all models.

    Each setting is a number, or an array (n_models,).
    """
    by_model = np.stack(np.broadcast_arrays(*map(np.atleast_1d, settings)))
    is_new = (by_model[:, 1:] != by_model[:, :-1]).any(axis=0)
    if not is_new.any():
        return [None]
    starts = [0, *(np.flatnonzero(is_new) + 1).tolist(), by_model.shape[1]]
    return [slice(*run) for run in pairwise(starts)]


def of_first(setting: Any, models: slice | None) -> Any:
    """A setting of the first of some models, for which it is alike."""
    if isinstance(setting, float) or np.ndim(setting) == 0:
        return setting
    return setting[0 if models is None else models.start]


class Wrapped:
    """An optimizer with something around its steps.

    Parameters
    ----------
    optimizer : Optimizer or Wrapped
        What takes the steps.
    """

    def __init__(self, optimizer: Optimizer | Wrapped) -> None:
        self.optimizer = optimizer

    def step(self, gradients: Gradients) -> None:
        """See `Optimizer`."""
        self.optimizer.step(gradients)

    def end_epoch(self, progress: Any) -> None:
        """See `Optimizer`."""
        self.optimizer.end_epoch(progress)

    def state(self) -> State:
        """See `Optimizer`."""
        return self.optimizer.state()

    def load(self, state: State) -> None:
        """See `Optimizer`."""
        self.optimizer.load(state)


@cache
def fused_works(kind: type[Optimizer], device: str, dtype: torch.dtype) -> bool:
    """Whether torch's fused kernel, which is private, is there and does what it did.

    It is tried on a few numbers. Where it is gone or changed, the plain step is taken.
    """
    if device not in {"cpu", "cuda"}:
        return False
    found = []
    for is_fused in (False, True):
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=dtype, device=device))
        optimizer = kind(module, learning_rate=0.01, alpha=0.1, is_fused=is_fused)
        try:
            for gradient in (0.5, -3.0):
                optimizer.step([torch.full_like(module.weight, gradient)])
        except (AttributeError, TypeError, RuntimeError):
            return False
        found.append(torch.cat([module.weight.detach(), *(kept for [kept] in optimizer.kept)]))
    return bool((found[0] - found[1]).abs().max() < 1e-6)
