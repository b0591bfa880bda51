"""How far training has come, for each of the models that train side by side."""

from __future__ import annotations

import numpy as np
import torch

# A loss this many times the first epoch's will not come back.
EXPLOSION = 1e6


class Checkpoint:
    """A copy of the parameters that can be taken for some of the models."""

    def __init__(self, module):
        self.parameters = list(module.parameters())
        self.saved = [p.detach().clone() for p in self.parameters]

    def save(self, models):
        """Copy the parameters of the models where the mask ``models`` is true."""
        if models.all():
            saved = [p.detach().clone() for p in self.parameters]
        else:
            mask = torch.from_numpy(models)
            saved = [copy.clone() for copy in self.saved]
            for copy, p in zip(saved, self.parameters, strict=True):
                copy[mask] = p.detach()[mask]
        # In one assignment, so that an interruption never leaves half of two epochs.
        self.saved = saved

    def restore(self):
        """Put the copy back into the module."""
        with torch.no_grad():
            for p, copy in zip(self.parameters, self.saved, strict=True):
                p.copy_(copy)


class Progress:
    """Losses so far, which models still train, and the parameters to keep.

    Kept are those of the epoch with the lowest validation loss or, without validation, of the
    last complete epoch.

    Parameters
    ----------
    module : MultiTaskModule
        The networks in training.
    n_models : int
        Number of networks.
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks in the mean loss that decides on stopping.
    tol, n_iter_no_change : float, int
        A model stops when its mean loss has not fallen by ``tol`` in so many epochs.
    """

    def __init__(self, module, n_models, counts, *, tol, n_iter_no_change):
        self.kept = Checkpoint(module)
        self.counts = counts
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.losses, self.weights, self.validation_losses = [], [], []
        self.best_loss = np.full(n_models, np.inf)
        self.mark = np.full(n_models, np.inf)
        self.unimproved = np.zeros(n_models, dtype=int)
        self.n_iter = np.zeros(n_models, dtype=int)
        self.is_active = np.ones(n_models, dtype=bool)
        self.has_converged = np.zeros(n_models, dtype=bool)
        # Task whose loss stopped the model; -1 where none did.
        self.diverged_task = np.full(n_models, -1)
        self.interrupted = False

    @property
    def n_epochs(self):
        """Number of complete epochs."""
        return len(self.losses)

    @property
    def mean_loss(self):
        """What the last complete epoch is judged by: (n_models,)."""
        return self._mean((self.validation_losses or self.losses)[-1])

    @property
    def mean_training_loss(self):
        """Mean loss of the last complete epoch on the training rows: (n_models,)."""
        return self._mean(self.losses[-1])

    def end_epoch(self, losses, weights, validation_losses=None):
        """Take note of an epoch: arrays of shape (n_models, n_tasks)."""
        is_sound = self._is_sound(losses)
        self.diverged_task[self.is_active & ~is_sound] = _worst(losses)[self.is_active & ~is_sound]
        self.is_active &= is_sound
        if not self.is_active.any():
            return
        self.losses.append(losses)
        self.weights.append(weights)
        if validation_losses is not None:
            self.validation_losses.append(validation_losses)
        self.n_iter[self.is_active] += 1
        self._judge(self.mean_loss, keeps_best=validation_losses is not None)

    def _judge(self, loss, *, keeps_best):
        # The mark moves only with a step of tol, so that many small steps count as well;
        # scikit-learn's MLP stops on those.
        has_improved = loss < self.mark - self.tol
        self.mark = np.where(has_improved, loss, self.mark)
        self.unimproved = np.where(has_improved, 0, self.unimproved + 1)
        is_best = self.is_active & (loss < self.best_loss)
        self.best_loss[is_best] = loss[is_best]
        self.kept.save(is_best if keeps_best else self.is_active)
        has_converged = self.is_active & (self.unimproved > self.n_iter_no_change)
        self.has_converged |= has_converged
        self.is_active &= ~has_converged

    def _is_sound(self, losses):
        """Whether losses and parameters are finite and the loss has not exploded."""
        sums = [p.detach().flatten(1).sum(1) for p in self.kept.parameters]
        is_finite = torch.stack(sums).isfinite().all(0).cpu().numpy()
        is_finite &= np.isfinite(losses).all(axis=1)
        if self.losses:
            # A first loss near zero, or below it as that of counts, is no yardstick.
            first = np.maximum(np.abs(self._mean(self.losses[0])), 1e-3)
            with np.errstate(invalid="ignore", over="ignore"):
                return is_finite & ~(self._mean(losses) > EXPLOSION * first)
        return is_finite

    def _mean(self, losses):
        used = ~np.isnan(losses) & (self.counts > 0)
        total = (used * self.counts).sum(axis=1)
        weighted = np.where(used, losses, 0.0) @ self.counts
        return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


def _worst(losses):
    """Task with a loss that is not finite or, failing that, with the largest."""
    return np.where(np.isfinite(losses), losses, np.inf).argmax(axis=1)
