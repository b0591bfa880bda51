"""What the optimizers share: decay of the weights, fused kernels, a state of numpy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Any

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
    learning_rate : float
        Size of a step.
    alpha : float
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
        learning_rate: float,
        alpha: float,
        is_fused: bool | None = None,
    ) -> None:
        self.learning_rate: Any = learning_rate
        self.names = [name for name, _ in module.named_parameters()]
        # Detached, so that they may be moved without a word to autograd.
        self.parameters = [p.detach() for p in module.parameters()]
        self.kept = [[torch.zeros_like(p) for p in self.parameters] for _ in self.kinds]
        self.n_steps = torch.zeros((), dtype=torch.float32, device=self.parameters[0].device)
        # The same number; numpy adds to it in a tenth of the time.
        self.count: Any = self.n_steps.numpy() if self.n_steps.is_cpu else self.n_steps
        is_weight = [name.endswith("weight") for name in self.names]
        weights = [i for i, weight in enumerate(is_weight) if weight]
        biases = [i for i, weight in enumerate(is_weight) if not weight]
        self.groups = [Group(self, weights, alpha), Group(self, biases, 0.0)]
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
                group = Group(self, present, group.alpha)
            if present:
                move(group.parameters, [gradients[i] for i in present], *group.kept, group.alpha)

    def set_rates(self, rates: NDArray[Any]) -> None:
        """Change the learning rate: an array with that of each model."""
        self.learning_rate = float(rates[0])
        if (rates != rates[0]).any():
            # A kernel knows one rate only.
            self.learning_rate, self.is_fused = torch.from_numpy(rates), False

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
    def _fused(self, parameters: Any, gradients: Any, *kept_and_alpha: Any) -> None:
        """Move some parameters by torch's fused kernel."""

    @abstractmethod
    def _plain(self, parameters: Any, gradients: Any, *kept_and_alpha: Any) -> None:
        """Move them by the formula, written out."""

    def _rate(self, parameter: Tensor) -> Any:
        """The learning rate, shaped to multiply a parameter of all models."""
        if not torch.is_tensor(self.learning_rate):
            return self.learning_rate
        return self.learning_rate.to(parameter).view(-1, *[1] * (parameter.ndim - 1))


class Group:
    """Parameters that share the strength of the decay, by their positions ``members``."""

    def __init__(self, optimizer: Optimizer, members: list[int], alpha: float) -> None:
        self.members, self.alpha = members, alpha
        self.parameters = [optimizer.parameters[i] for i in members]
        self.kept = [[tensors[i] for i in members] for tensors in optimizer.kept]


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
