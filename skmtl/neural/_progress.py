"""How far training has come, for each of the models that train side by side."""

from __future__ import annotations

import numpy as np
import torch

from skmtl.neural._monitor import Monitor

# A loss this many times the first epoch's will not come back.
EXPLOSION = 1e6
# What the books of two fits with the same parameters have in common.
FIXED = {"kept", "mean", "monitor", "tol", "n_iter_no_change"}


class Snapshot:
    """A copy of the module's state that can be taken for some of the models."""

    def __init__(self, module):
        # Parameters, and what batch normalisation has learnt.
        self.tensors = list(module.state_dict().values())
        self.saved = [tensor.clone() for tensor in self.tensors]

    def save(self, models):
        """Copy the state of the models where the mask ``models`` is true."""
        if models.all():
            saved = [tensor.clone() for tensor in self.tensors]
        else:
            mask = torch.from_numpy(models)
            saved = [copy.clone() for copy in self.saved]
            for copy, tensor in zip(saved, self.tensors, strict=True):
                copy[mask] = tensor[mask]
        # In one assignment, so that an interruption never leaves half of two epochs.
        self.saved = saved

    def restore(self):
        """Put the copy back into the module."""
        for tensor, copy in zip(self.tensors, self.saved, strict=True):
            tensor.copy_(copy)


class Progress:
    """Losses so far, which models still train, and the parameters to keep.

    Kept are those of the epoch with the lowest monitored loss on the validation rows or, without
    them, of the last complete epoch.

    Parameters
    ----------
    module : MultiTaskModule
        The networks in training.
    n_models : int
        Number of networks.
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks in their mean loss.
    tol, n_iter_no_change : float, int
        A model stops when its monitored loss has not fallen by ``tol`` in so many epochs.
    monitor : Monitor, default=None
        The loss that decides; by default the mean.
    """

    def __init__(self, module, n_models, counts, *, tol, n_iter_no_change, monitor=None):
        self.kept = Snapshot(module)
        self.mean = Monitor(counts)
        self.monitor = self.mean if monitor is None else monitor
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

    def state(self):
        """Everything that later epochs depend on."""
        books = {key: value for key, value in vars(self).items() if key not in FIXED}
        return {**books, "kept": self.kept.saved}

    def load(self, state):
        """Go on from what `state` found."""
        self.kept.saved = state["kept"]
        self.__dict__.update({key: state[key] for key in state if key != "kept"})

    @property
    def n_epochs(self):
        """Number of complete epochs."""
        return len(self.losses)

    @property
    def judged_loss(self):
        """What the last complete epoch is judged by: (n_models,)."""
        return self.monitor((self.validation_losses or self.losses)[-1])

    @property
    def training_loss(self):
        """The same loss on the training rows: (n_models,)."""
        return self.monitor(self.losses[-1])

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
        self._judge(self.judged_loss, keeps_best=validation_losses is not None)

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
        """Whether losses and state are finite and the loss has not exploded."""
        sums = [tensor.unsqueeze(1).flatten(1).sum(1) for tensor in self.kept.tensors]
        is_finite = torch.stack(sums).isfinite().all(0).cpu().numpy()
        is_finite &= np.isfinite(losses).all(axis=1)
        if self.losses:
            # A first loss near zero, or below it as that of counts, is no yardstick.
            first = np.maximum(np.abs(self.mean(self.losses[0])), 1e-3)
            with np.errstate(invalid="ignore", over="ignore"):
                return is_finite & ~(self.mean(losses) > EXPLOSION * first)
        return is_finite


def _worst(losses):
    """Task with a loss that is not finite or, failing that, with the largest."""
    return np.where(np.isfinite(losses), losses, np.inf).argmax(axis=1)
