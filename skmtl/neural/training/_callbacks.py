"""What happens around an epoch: printing, and callbacks of scikit-learn (1.9 and later)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skmtl.neural.training._progress import Progress

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Nothing to tear down after the method."""
        return method


@contextmanager
def watched(estimator: Any, X: Any, y: Any, sample_weight: Any) -> Iterator[None]:
    """Let the callbacks of an estimator see a fit: its ``_watch`` while the block runs."""
    if not hasattr(estimator, "_skl_callbacks"):
        yield
        return
    estimator._watch = Watch(estimator, X, y, sample_weight)
    try:
        yield
    finally:
        estimator.__dict__.pop("_watch", None)


class Watch:
    """Tells the callbacks of one fit when it and its epochs begin and end."""

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        max_iter = None if estimator.max_iter == "auto" else estimator.max_iter
        self.fit = estimator._init_callback_context(max_subtasks=max_iter)
        self.fit.call_on_fit_task_begin(estimator=estimator, **self.data)
        self.state: Callable[[], dict[str, Any]] = dict
        self.pause: Callable[[], Any]

    def begin_epoch(self) -> None:
        """An epoch begins."""
        self.epoch = self.fit.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self) -> bool:
        """An epoch is complete; true if a callback asks to stop."""
        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=self.state, **self.data
        )

    def end(self) -> None:
        """The fit is complete."""
        self.fit.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=dict, **self.data
        )


class Observer:
    """Prints a line and tells the callbacks of a fit after each epoch.

    Parameters
    ----------
    estimator : MultiTaskMLP
        What is fitted.
    state : callable
        Attributes that the estimator needs to predict with the network as it is.
    pause : callable
        Makes the estimator that goes on from where the fit is.
    is_heard : bool, default=True
        Whether lines are printed; not by several processes that share a fit.
    """

    def __init__(
        self,
        estimator: Any,
        state: Callable[[], dict[str, Any]],
        pause: Callable[[], Any],
        *,
        is_heard: bool = True,
    ) -> None:
        self.every = int(estimator.verbose) if is_heard else 0
        self.watch: Watch | None = getattr(estimator, "_watch", None)
        self.has_stopped = False
        if self.watch is not None:
            self.watch.state, self.watch.pause = state, pause

    def begin_epoch(self) -> None:
        """An epoch begins."""
        if self.watch is not None:
            self.watch.begin_epoch()

    def end_epoch(self, progress: Progress) -> bool:
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

    def end(self) -> None:
        """The fit is complete."""
        if self.watch is not None:
            self.watch.end()
