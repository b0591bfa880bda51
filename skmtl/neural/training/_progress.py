"""How far training has come, for each of the models that train side by side."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.training._snapshot import Snapshot, is_finite
from skmtl.neural.training._validation import Monitor

Array = NDArray[Any]

# A loss this many times that of the start will not come back.
EXPLOSION = 1e6
# A loss near zero, or below it as that of counts, is no yardstick.
SMALL = 1e-3
# What is the same in two fits with the same parameters.
FIXED = {"kept", "good", "mean", "monitor", "constant", "tol", "n_iter_no_change"}


class Progress:
    """Losses so far, which models still train, and the parameters to keep.

    Kept are those of the epoch with the lowest monitored loss on the validation rows or, without
    them, of the last complete epoch; ``good`` are those that `keep_good` falls back on where that
    has diverged.

    Parameters
    ----------
    module : MultiTaskModule
        The networks in training.
    n_models : int
        Number of networks.
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks in their mean loss.
    tol, n_iter_no_change : float, int or inf
        A model stops when its monitored loss has not fallen by ``tol`` in so many epochs.
    monitor : Monitor, default=None
        The loss that decides; by default the mean.
    constant : ndarray of shape (n_tasks,) or (n_models, n_tasks), default=None
        Loss of the best constant prediction of each task; by default 0.
    """

    def __init__(
        self,
        module: nn.Module,
        n_models: int,
        counts: Array,
        *,
        tol: float,
        n_iter_no_change: float,
        monitor: Monitor | None = None,
        constant: Array | None = None,
    ) -> None:
        self.kept, self.good = Snapshot(module), Snapshot(module)
        # One copy until they part.
        self.good.saved = self.kept.saved
        self.constant = np.zeros(len(counts)) if constant is None else constant
        self.mean = Monitor(counts)
        self.monitor = self.mean if monitor is None else monitor
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.losses: list[Array] = []
        self.weights: list[Array | None] = []
        self.validation_losses: list[Array] = []
        self.best_loss = np.full(n_models, np.inf)
        # Mean losses before the first step, and those of the epoch that began with ``good``.
        self.first_loss: Array | None = None
        self.good_loss = np.full(n_models, np.inf)
        self.last_loss = np.full(n_models, np.inf)
        # Beyond return for a fit that has started so, and for one that grows.
        self.limits: tuple[Array, Array] | None = None
        self.mark = np.full(n_models, np.inf)
        self.unimproved = np.zeros(n_models, dtype=int)
        self.n_iter = np.zeros(n_models, dtype=int)
        self.is_active = np.ones(n_models, dtype=bool)
        self.has_converged = np.zeros(n_models, dtype=bool)
        # Task whose loss stopped the model; -1 where none did. Whether at the end only.
        self.diverged_task = np.full(n_models, -1)
        self.fell_back = np.zeros(n_models, dtype=bool)
        self.interrupted = False

    def state(self) -> dict[str, Any]:
        """Everything that later epochs depend on."""
        moving = {key: value for key, value in vars(self).items() if key not in FIXED}
        return {**moving, "kept": self.kept.saved, "good": self.good.saved}

    def aside(self) -> Progress:
        """A copy that may come to its end, while the training goes on."""
        other = copy.copy(self)
        other.kept = copy.copy(self.kept)
        return other

    def take(self, models: slice, module: nn.Module) -> Progress:
        """That of some of the models, which are alone in another module, until they stopped."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and name not in FIXED:
                setattr(other, name, value[models])
        if self.constant.ndim > 1:
            other.constant = self.constant[models]
        if self.limits is not None:
            first, growing = self.limits
            other.limits = first[models], growing[models]
        n_epochs = int(other.n_iter.max())
        other.losses = [losses[models] for losses in self.losses[:n_epochs]]
        other.validation_losses = [found[models] for found in self.validation_losses[:n_epochs]]
        other.weights = [
            None if weights is None else weights[models] for weights in self.weights[:n_epochs]
        ]
        other.kept, other.good = Snapshot(module), Snapshot(module)
        other.kept.saved = [numbers[models] for numbers in self.kept.saved]
        other.good.saved = [numbers[models] for numbers in self.good.saved]
        return other

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` found."""
        self.kept.saved, self.good.saved = state["kept"], state["good"]
        self.__dict__.update({key: state[key] for key in state if key not in FIXED})

    @property
    def n_epochs(self) -> int:
        """Number of complete epochs."""
        return len(self.losses)

    @property
    def judged_loss(self) -> Array:
        """What the last complete epoch is judged by: (n_models,)."""
        return self.monitor((self.validation_losses or self.losses)[-1])

    @property
    def training_loss(self) -> Array:
        """The same loss on the training rows: (n_models,)."""
        return self.monitor(self.losses[-1])

    def begin(self, losses: Array) -> None:
        """Take note of the losses (n_models, n_tasks) of the first batch before its step."""
        self.first_loss = self.good_loss = self.mean(losses)

    def end_epoch(
        self, losses: Array, weights: Array | None, validation_losses: Array | None = None
    ) -> None:
        """Take note of an epoch: arrays of shape (n_models, n_tasks)."""
        with np.errstate(invalid="ignore", over="ignore"):
            loss = self.mean(losses)
        now = self.kept.now()
        is_sound = is_finite(now) & np.isfinite(losses).all(axis=1) & ~self._has_exploded(loss)
        if not is_sound.all():
            is_new = self.is_active & ~is_sound
            self.diverged_task[is_new] = _worst(losses)[is_new]
            self.is_active &= is_sound
            if not self.is_active.any():
                return
        if self.first_loss is None:
            self.first_loss = self.good_loss = self.mean(losses)
        if validation_losses is None:
            self._note_good(loss)
        if self.limits is None:
            self._note_limits(loss, self.first_loss)
        self.last_loss = np.abs(loss)
        self.losses.append(losses)
        self.weights.append(weights)
        if validation_losses is not None:
            self.validation_losses.append(validation_losses)
        self.n_iter[self.is_active] += 1
        self._judge(self.judged_loss, now, keeps_best=validation_losses is not None)

    def _judge(self, loss: Array, now: list[Tensor], *, keeps_best: bool) -> None:
        # The mark moves only with a step of tol, so that many small steps count as well;
        # scikit-learn's MLP stops on those.
        has_improved = loss < self.mark - self.tol
        self.mark = np.where(has_improved, loss, self.mark)
        self.unimproved = np.where(has_improved, 0, self.unimproved + 1)
        is_best = self.is_active & (loss < self.best_loss)
        self.best_loss[is_best] = loss[is_best]
        self.kept.save(is_best if keeps_best else self.is_active, now)
        has_converged = self.is_active & (self.unimproved > self.n_iter_no_change)
        self.has_converged |= has_converged
        self.is_active &= ~has_converged

    def _note_good(self, loss: Array) -> None:
        """The epoch began with what is kept so far, and its losses speak for that."""
        is_better = self.is_active & (loss < self.good_loss)
        if is_better.any():
            self.good_loss = np.where(is_better, loss, self.good_loss)
            self.good.save(is_better, self.kept.saved)

    def _note_limits(self, loss: Array, first_loss: Array) -> None:
        first = np.maximum(np.abs(loss), SMALL)
        start = np.maximum(np.abs(first_loss), np.maximum(np.abs(self.constant_loss), SMALL))
        self.limits = EXPLOSION * first, EXPLOSION * np.minimum(start, first)

    def _has_exploded(self, loss: Array) -> Array:
        """Whether the loss is beyond return; within its first epoch a fit may still come down."""
        if self.limits is None:
            return np.zeros(len(loss), dtype=bool)
        limit, limit_if_growing = self.limits
        return (loss > limit) | ((loss > limit_if_growing) & (loss > self.last_loss))

    @property
    def constant_loss(self) -> Array:
        """Mean loss of the best constant predictions: (n_models,), or (1,) if it is that of all."""
        return self.mean(np.atleast_2d(self.constant))

    def has_diverged(self, losses: Array) -> Array:
        """Whether measured losses (n_models, n_tasks) say that training has done harm only.

        Either it was stopped, and the loss is above the best one and that of a constant; or it is
        above that of the start and twice that of a constant.
        """
        assert self.first_loss is not None
        loss, constant = self.mean(losses), self.constant_loss
        stopped = np.maximum(self.good_loss, constant)
        limit = np.maximum(self.first_loss, constant + np.maximum(np.abs(constant), SMALL))
        return ~(loss <= np.where(self.diverged_task >= 0, stopped, limit))

    def fall_back(self, models: Array, losses: Array) -> None:
        """Keep the good parameters of the models in the mask, where ``losses`` had diverged."""
        self.kept.save(models, self.good.saved)
        self.fell_back = models & (self.diverged_task < 0)
        self.diverged_task = np.where(self.fell_back, _worst(losses), self.diverged_task)


def _worst(losses: Array) -> Array:
    """Task with a loss that is not finite or, failing that, with the largest."""
    return np.where(np.isfinite(losses), losses, np.inf).argmax(axis=1)
