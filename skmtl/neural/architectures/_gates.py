"""Gates: how much each reader takes from each expert."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._layers import TaskLayer
from skmtl.neural.architectures._units import Dropout

# Makes an affine layer with so many scores for each reader.
Affine = Callable[[int], nn.Module]

# Selectors start undecided: a hundredth of gamma, as in the authors' published code.
START = 0.01


class Gate(nn.Module, ABC):
    """Weights (n_models, n, n_readers, n_experts), none negative, with sum one.

    The readers are all tasks, or the row's own task, or what the tasks share.
    """

    def __init__(self, n_experts: int, dropout: float) -> None:
        super().__init__()
        self.n_experts = n_experts
        self.dropout = Dropout(dropout, rows=1, is_own=True)

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        weights = self._weigh(x, () if task_index is None else (task_index,))
        kept = self.dropout(weights)
        if kept is weights:
            return weights
        total = kept.sum(-1, keepdim=True)
        # Where all experts were left out, a reader would get nothing.
        return torch.where(total > 0, kept / total.clamp_min(1e-12), weights)

    @abstractmethod
    def _weigh(self, x: Tensor, index: tuple[Tensor, ...]) -> Tensor:
        """The weights before dropout."""

    def penalty(self) -> Tensor | None:
        """What the gate adds to the losses (n_models,) of the rows it saw last in training."""
        return None


class SoftmaxGate(Gate):
    """A softmax over affine scores of the experts."""

    def __init__(self, affine: Affine, n_experts: int, dropout: float) -> None:
        super().__init__(n_experts, dropout)
        self.scores = affine(n_experts)

    def _weigh(self, x: Tensor, index: tuple[Tensor, ...]) -> Tensor:
        return _softmax(_of_readers(self.scores(x, *index), self.n_experts))


class DSelectGate(Gate):
    """DSelect-k: k selectors, each of which spells the number of an expert in binary."""

    def __init__(
        self,
        affine: Callable[[int], TaskLayer],
        n_experts: int,
        dropout: float,
        k: int,
        gamma: float,
        entropy_weight: float,
    ) -> None:
        super().__init__(n_experts, dropout)
        self.k, self.gamma, self.entropy_weight = k, gamma, entropy_weight
        self.n_digits = (n_experts - 1).bit_length()
        self.scores = affine(k)
        self.digits = affine(k * self.n_digits)
        self.digits.scale = START * gamma
        self.entropy: Tensor | None = None

    def _weigh(self, x: Tensor, index: tuple[Tensor, ...]) -> Tensor:
        scores = _of_readers(self.scores(x, *index), self.k)
        digits = _of_readers(self.digits(x, *index), self.k * self.n_digits)
        ones = smooth_step(digits.unflatten(-1, (self.k, self.n_digits)), self.gamma)
        self.entropy = entropy(ones).mean(1).sum((1, 2)) if self.training else None
        codes = (_softmax(scores).unsqueeze(-1) * spelled(ones)).sum(-2)
        return folded(codes, self.n_experts)

    def penalty(self) -> Tensor | None:
        if self.entropy is None or not self.entropy_weight:
            return None
        return self.entropy_weight * self.entropy


def smooth_step(t: Tensor, gamma: float) -> Tensor:
    r"""0 below :math:`-\gamma/2`, 1 above :math:`\gamma/2`, and the cubic that joins them."""
    u = (t / gamma).clamp(-0.5, 0.5)
    return u * (1.5 - 2 * u**2) + 0.5


def spelled(ones: Tensor) -> Tensor:
    """Probability of each number (.., 2**n_digits) whose digits are 1 with these (.., n_digits).

    The first digit counts one, the second two, and so on.
    """
    numbers = torch.ones_like(ones[..., :1])
    for digit in ones.unbind(-1):
        one = numbers * digit.unsqueeze(-1)
        numbers = torch.cat([numbers - one, one], -1)
    return numbers


def folded(codes: Tensor, n_experts: int) -> Tensor:
    """Weights of experts from those of codes: where codes run out of experts they start anew."""
    if codes.shape[-1] == n_experts:
        return codes
    more = codes[..., n_experts:]
    return codes[..., :n_experts] + nn.functional.pad(more, (0, n_experts - more.shape[-1]))


def entropy(ones: Tensor) -> Tensor:
    """Entropy of the numbers `spelled` by independent digits: the sum of theirs."""
    # At 0 and 1 the slope is infinite, and the smooth step's there is 0.
    p = ones.clamp(1e-6, 1 - 1e-6)
    return (torch.special.entr(p) + torch.special.entr(1 - p)).sum(-1)


def _of_readers(scores: Tensor, n_scores: int) -> Tensor:
    return scores.reshape(*scores.shape[:2], -1, n_scores)


def _softmax(scores: Tensor) -> Tensor:
    # Along the first dimension it is several times faster than along a short last one.
    return scores.movedim(-1, 0).contiguous().softmax(0).movedim(0, -1)


class GatedArchitecture(Architecture):
    """Base of the architectures in which gates weigh experts."""

    gate: str
    k: int
    gamma: float
    entropy_weight: float
    gate_dropout: float

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "gate": [StrOptions({"softmax", "dselect"})],
        "k": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, None, closed="neither")],
        "entropy_weight": [Interval(Real, 0, None, closed="left")],
        "gate_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _make_gate(self, affine: Callable[[int], TaskLayer], n_experts: int) -> Gate:
        if self.gate == "softmax" or n_experts == 1:
            return SoftmaxGate(affine, n_experts, self.gate_dropout)
        return DSelectGate(
            affine, n_experts, self.gate_dropout, self.k, self.gamma, self.entropy_weight
        )


class GatedModule(MultiTaskModule):
    """A module with gates, which may have something to add to the losses."""

    def penalty(self) -> Tensor | None:
        found = [module.penalty() for module in self.modules() if isinstance(module, Gate)]
        terms = [term for term in found if term is not None]
        return torch.stack(terms).sum(0) if terms else None
