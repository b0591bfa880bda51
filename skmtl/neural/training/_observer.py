"""What happens around an epoch: printing and callbacks."""

from __future__ import annotations

from skmtl.neural.training._network import get_state


class Observer:
    """Prints a line and tells the callbacks of a fit after each epoch.

    Parameters
    ----------
    estimator : MultiTaskMLP
        What is fitted.
    module : MultiTaskModule
        Its network.
    pause : callable
        Makes the estimator that goes on from where the fit is.
    """

    def __init__(self, estimator, module, pause):
        self.every = int(estimator.verbose)
        self.watch = getattr(estimator, "_watch", None)
        self.has_stopped = False
        if self.watch is not None:
            self.watch.state = lambda: {"_state": get_state(module), "_built": {}}
            self.watch.pause = pause

    def begin_epoch(self):
        """An epoch begins."""
        if self.watch is not None:
            self.watch.begin_epoch()

    def end_epoch(self, progress):
        """An epoch is complete; true if a callback asks to stop."""
        if self.every and progress.n_epochs % self.every == 0:
            line = f"Epoch {progress.n_epochs}: loss {progress.judged_loss[0]:.6g}"
            if progress.validation_losses:
                line = (
                    f"Epoch {progress.n_epochs}: loss {progress.training_loss[0]:.6g}, "
                    f"validation loss {progress.judged_loss[0]:.6g}"
                )
            print(line)
        if self.watch is not None:
            self.has_stopped = bool(self.watch.end_epoch())
        return self.has_stopped

    def end(self):
        """The fit is complete."""
        if self.watch is not None:
            self.watch.end()
