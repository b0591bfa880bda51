"""How the learning rate changes during a fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.neural.optimizers._base import Gradients, Optimizer, State, Wrapped

# As in PyTorch's OneCycleLR and fastai: share of the steps that warm up, and from where.
WARM_UP, START = 0.3, 1 / 25
# Share of the steps that warm up before a cosine: measured by benchmarks/accuracy.py.
COSINE_WARM_UP = 0.05
# As scikit-learn's learning_rate="adaptive" has it.
CUT = 5.0


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
    optimizer: Optimizer, learning_rate: str, *, n_models: int, n_steps: int, n_iter_no_change: int
) -> Optimizer | Wrapped:
    """The optimizer with a schedule, by the value of the parameter ``learning_rate``."""
    if learning_rate == "plateau":
        return Plateau(optimizer, n_models, max(1, n_iter_no_change // 2))
    if learning_rate in CURVES:
        share = COSINE_WARM_UP if learning_rate == "cosine" else 0.0
        return Planned(optimizer, CURVES[learning_rate], n_steps, max(1, round(share * n_steps)))
    return optimizer
