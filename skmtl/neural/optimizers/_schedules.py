"""How the learning rate changes during a fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural.optimizers._base import Gradients, Optimizer, State, Wrapped

# As in PyTorch's OneCycleLR and fastai: share of the steps that warm up, and from where.
WARM_UP, START = 0.3, 1 / 25
# Share of the steps that warm up before a cosine: measured by benchmarks/accuracy.py.
COSINE_WARM_UP = 0.05
# As scikit-learn's learning_rate="adaptive" has it.
CUT = 5.0
# Share of the steps whose parameters are averaged where all labels are classes: measured by
# benchmarks/accuracy.py. On Tox21 a mean over the last half is ahead of the end of a cosine by 0.8
# points of ROC-AUC, on the other wide sets by 0 to 0.8; for numbers, which have less noise, it is
# behind, and in long form as well.
AVERAGED = 0.5


def cosine(p: float) -> float:
    r"""Share of the highest learning rate when the share p of all steps is done.

    .. math:: \eta(p) / \eta = (1 + \cos \pi p) / 2

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    eq. 5, without restarts.
    """
    return (1.0 + math.cos(math.pi * p)) / 2.0


def one_cycle(p: float) -> float:
    r"""Share of the highest learning rate when the share p of all steps is done.

    .. math:: \eta(p) / \eta = \frac{1}{25} + \frac{24}{25} \frac{p}{0.3}
        \text{ for } p < 0.3, \quad
        (1 + \cos \pi \tfrac{p - 0.3}{0.7}) / 2 \text{ after that}

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", 2018, section 3. The way down is linear there, and momentum goes the other
    way; here it stays.
    """
    if p < WARM_UP:
        return START + (1.0 - START) * p / WARM_UP
    return cosine((p - WARM_UP) / (1.0 - WARM_UP))


# Those that are planned ahead: after the last of max_iter epochs there is nothing to go on to.
CURVES: dict[str, Callable[[float], float]] = {"cosine": cosine, "one_cycle": one_cycle}
PLANNED = {"auto", *CURVES}


class Planned(Wrapped):
    """The learning rate follows a curve from step to step, so that few epochs follow it, too.

    Parameters
    ----------
    optimizer : Optimizer
        What takes the steps; its learning rate is the highest.
    curve : callable
        `cosine` or `one_cycle`.
    n_steps : int
        Number of steps in max_iter epochs.
    n_warm_up : int, default=1
        Number of steps, on top of the curve, over which rates rise in a line from nothing.
    """

    optimizer: Optimizer

    def __init__(
        self,
        optimizer: Optimizer,
        curve: Callable[[float], float],
        n_steps: int,
        n_warm_up: int = 1,
    ) -> None:
        super().__init__(optimizer)
        self.highest, self.curve, self.n_steps = optimizer.learning_rate, curve, n_steps
        self.n_warm_up = n_warm_up
        self.n_done = 0

    def step(self, gradients: Gradients) -> None:
        """A step at the rate of the moment."""
        share = self.curve(self.n_done / self.n_steps)
        self.n_done += 1
        share *= min(1.0, self.n_done / self.n_warm_up)
        self.optimizer.learning_rate = self.highest * share
        self.optimizer.step(gradients)

    def state(self) -> State:
        """That of the optimizer, and how far the plan has come."""
        return {**self.optimizer.state(), "n_done": self.n_done}

    def load(self, state: State) -> None:
        """Go on from what `state` found."""
        self.optimizer.load(state)
        self.n_done = state["n_done"]


class Averaged(Wrapped):
    r"""The last step leaves the mean of the parameters that the last m of S steps have led to.

    .. math:: \bar w = \frac1m \sum_{s = S - m + 1}^S w_s

    With a constant rate these walk around an optimum, and their mean is closer to it than each.

    Parameters
    ----------
    optimizer : Planned
        What takes the steps.
    n_steps, n_averaged : int
        S and m, at least 1.

    References
    ----------
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control
    and Optimization 30, 1992, eq. 2; of the last steps alone: Rakhlin, Shamir and Sridharan,
    "Making gradient descent optimal for strongly convex stochastic optimization", ICML 2012,
    section 5.
    """

    optimizer: Planned

    def __init__(self, optimizer: Planned, n_steps: int, n_averaged: int) -> None:
        super().__init__(optimizer)
        self.n_steps, self.first = n_steps, n_steps - n_averaged
        self.parameters = optimizer.optimizer.parameters
        self.mean: list[Tensor] = []

    def step(self, gradients: Gradients) -> None:
        """A step of the optimizer, and what it adds to the mean."""
        self.optimizer.step(gradients)
        count = self.optimizer.n_done - self.first
        if count == 1:
            self.mean = [p.clone() for p in self.parameters]
        elif count > 1:
            torch._foreach_lerp_(self.mean, self.parameters, 1.0 / count)
        if self.optimizer.n_done == self.n_steps:
            torch._foreach_copy_(self.parameters, self.mean)

    def state(self) -> State:
        """That of the optimizer, and the mean so far."""
        means = {f"mean.{k}": mean.cpu().numpy().copy() for k, mean in enumerate(self.mean)}
        return {**self.optimizer.state(), **means}

    def load(self, state: State) -> None:
        """Go on from what `state` found."""
        self.optimizer.load(state)
        found = [state[f"mean.{k}"] for k in range(len(self.parameters)) if f"mean.{k}" in state]
        self.mean = [
            torch.from_numpy(mean.copy()).to(p)
            for mean, p in zip(found, self.parameters, strict=bool(found))
        ]


class Plateau(Wrapped):
    """The learning rate of a model falls to a fifth when its monitored loss stands still.

    That is judged once an epoch, with the ``tol`` that stopping goes by.

    Parameters
    ----------
    optimizer : Optimizer
        What takes the steps.
    n_models : int
        Number of models.
    patience : int
        Epochs without an improvement, since the last one or since the last cut.
    """

    optimizer: Optimizer

    def __init__(self, optimizer: Optimizer, n_models: int, patience: int) -> None:
        super().__init__(optimizer)
        self.highest, self.patience = optimizer.learning_rate, patience
        self.n_cuts = np.zeros(n_models, dtype=int)

    def end_epoch(self, progress: Any) -> None:
        """Cut the rates of the models that have waited long enough."""
        waited = progress.unimproved
        is_due = (waited > 0) & (waited % self.patience == 0)
        if is_due.any():
            self._cut(self.n_cuts + is_due)

    def _cut(self, n_cuts: NDArray[Any]) -> None:
        self.n_cuts = n_cuts
        self.optimizer.set_rates(self.highest / CUT**n_cuts)

    def state(self) -> State:
        """That of the optimizer, and how often each rate was cut."""
        return {**self.optimizer.state(), "n_cuts": self.n_cuts.copy()}

    def load(self, state: State) -> None:
        """Go on from what `state` found."""
        self.optimizer.load(state)
        self._cut(state["n_cuts"])


def scheduled(
    optimizer: Optimizer,
    learning_rate: str,
    *,
    n_models: int,
    n_steps: int,
    n_iter_no_change: int,
    averaged: float = 0.0,
) -> Optimizer | Wrapped:
    r"""The optimizer with a schedule, by the value of the parameter ``learning_rate``.

    That of "auto" lies between a cosine and a constant rate, whose steps are averaged: with c for
    ``averaged``, m = c S / 2 of all steps S and

    .. math:: \eta(p) / \eta = c + (1 - c) (1 + \cos \pi p) / 2
    """
    if learning_rate == "plateau":
        return Plateau(optimizer, n_models, max(1, n_iter_no_change // 2))
    if learning_rate not in PLANNED:
        return optimizer
    is_cosine = learning_rate != "one_cycle"
    n_warm_up = max(1, round(COSINE_WARM_UP * n_steps)) if is_cosine else 1
    if learning_rate != "auto" or not averaged:
        curve = cosine if is_cosine else one_cycle
        return Planned(optimizer, curve, n_steps, n_warm_up)

    def towards_constant(p: float) -> float:
        return averaged + (1.0 - averaged) * cosine(p)

    planned = Planned(optimizer, towards_constant, n_steps, n_warm_up)
    return Averaged(planned, n_steps, max(1, round(AVERAGED * averaged * n_steps)))
