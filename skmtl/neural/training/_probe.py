"""Gradients of the tasks measured while a network trains, without a change to the training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skmtl.neural._data import Batch
from skmtl.neural.architectures import MultiTaskModule, RepresentationModule
from skmtl.neural.balancing._base import CONFLICT_SPACES
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.training._run import Run

Array = NDArray[Any]


class Probe(ABC):
    """What `train` shows batches to, before each step: a callable of the run and the batch.

    Parameters
    ----------
    every : int
        Steps from one measurement to the next.
    space : {"shared", "last_shared", "representation"}, default="shared"
        What the gradients are of, as in `GramianBalancing`.
    restarts : bool, default=False
        Whether steps are counted anew in every epoch, so that each has one.
    """

    def __init__(self, every: int, space: str = "shared", *, restarts: bool = False) -> None:
        if space not in CONFLICT_SPACES:
            raise ValueError(f"space={space!r}; expected one of {list(CONFLICT_SPACES)}.")
        self.every, self.space, self.restarts = every, space, restarts
        self.n_steps, self.epoch = 0, 1
        self.engine: Autograd

    def __call__(self, run: Run, batch: Batch) -> None:
        """A step is about to be taken."""
        if not hasattr(self, "engine"):
            _check_space(self.space, run.module)
            # Not that of the step, which may be in the middle of something.
            self.engine = Autograd(run.module, run.step.objective)
        epoch = run.progress.n_epochs + 1
        if self.restarts and epoch > self.epoch:
            self.n_steps = 0
        self.epoch = epoch
        if self.n_steps % self.every == 0:
            with _at_rest(run.module):
                observed = run.step.objective.observed(batch)[0].cpu().numpy()
                self.measure(run, batch, observed)
        self.n_steps += 1

    @abstractmethod
    def measure(self, run: Run, batch: Batch, observed: Array) -> None:
        """See a batch, in which the tasks of the mask ``observed`` have labels."""

    def mean(self, sums: Array, counts: Array) -> Array:
        """Mean of what was seen; NaN where nothing was."""
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


class CosineProbe(Probe):
    r"""Cosines :math:`g_i' g_j / (\|g_i\| \|g_j\|)` of the gradients of the tasks, by epoch."""

    def __init__(self, every: int, space: str = "shared", *, restarts: bool = False) -> None:
        super().__init__(every, space, restarts=restarts)
        self.sums: list[Array] = []
        self.counts: list[Array] = []

    def measure(self, run: Run, batch: Batch, observed: Array) -> None:
        """Add the cosines of a batch to those of the epoch."""
        self.engine.forward(batch)
        gramian = self.engine.gramian(self.space)[0].double().cpu().numpy()
        length = np.sqrt(np.diag(gramian))
        known = observed & (length > 0) & np.isfinite(length)
        pairs = np.ix_(known, known)
        while len(self.sums) < self.epoch:
            self.sums.append(np.zeros(gramian.shape))
            self.counts.append(np.zeros(gramian.shape))
        self.sums[-1][pairs] += gramian[pairs] / np.outer(length, length)[pairs]
        self.counts[-1][pairs] += 1

    def by_epoch(self) -> Array:
        """Mean cosines (n_epochs, n_tasks, n_tasks)."""
        return self.mean(np.array(self.sums), np.array(self.counts))

    def overall(self) -> Array:
        """Mean cosines (n_tasks, n_tasks) over all measurements."""
        return self.mean(np.sum(self.sums, axis=0), np.sum(self.counts, axis=0))


class LookAheadProbe(Probe):
    r"""What a step along the gradient of task i would do to the loss of task j.

    .. math:: Z_{ij} = 1 - \frac{L_j(\theta - \eta \nabla_\theta L_i, \theta_j)}
        {L_j(\theta, \theta_j)}

    with the shared parameters :math:`\theta` and the learning rate :math:`\eta`.

    References
    ----------
    Fifty et al., "Efficiently identifying task groupings for multi-task learning", NeurIPS
    2021, eq. 1.
    """

    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.sums = self.counts = np.zeros(())

    def measure(self, run: Run, batch: Batch, observed: Array) -> None:
        """Take each task's step, note the losses, and go back."""
        before = self.engine.forward(batch)[0].double().cpu().numpy()
        gradients = self.engine.jacobian(self.space)
        shared = [self.engine.parameters[i] for i in self.engine.shared]
        ratio, known = np.ones((len(before), len(before))), observed & (before > 0)
        rate = _learning_rate(run.optimizer)
        with torch.no_grad():
            start = [parameter.clone() for parameter in shared]
            for i in np.flatnonzero(observed):
                for parameter, found, origin in zip(shared, gradients, start, strict=True):
                    parameter.copy_(origin - rate * found[:, i].view_as(origin))
                after = self.engine.forward(batch)[0].double().cpu().numpy()
                ratio[i, known] = after[known] / before[known]
            for parameter, origin in zip(shared, start, strict=True):
                parameter.copy_(origin)
        pairs = np.outer(observed, known) & np.isfinite(ratio)
        self.sums = self.sums + np.where(pairs, 1.0 - ratio, 0.0)
        self.counts = self.counts + pairs

    def overall(self) -> Array:
        """Mean (n_tasks, n_tasks) over all measurements."""
        return self.mean(self.sums, self.counts)


@contextmanager
def _at_rest(module: MultiTaskModule) -> Iterator[None]:
    """No dropout, which would draw, and no moments of batches, which would be remembered."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def _learning_rate(optimizer: Any) -> float:
    while hasattr(optimizer, "optimizer"):
        optimizer = optimizer.optimizer
    return float(optimizer.learning_rate)


def _check_space(space: str, module: MultiTaskModule) -> None:
    if not module.shared_parameters():
        raise ValueError(
            "The tasks share no parameters in this architecture, so that their gradients cannot be "
            "compared; 'hard_sharing' has such."
        )
    if space == "representation" and not isinstance(module, RepresentationModule):
        raise ValueError(
            "space='representation' needs one representation that all tasks read, which this "
            "architecture does not have; 'shared' serves all architectures."
        )
