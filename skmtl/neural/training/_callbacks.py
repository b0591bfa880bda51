"""Callbacks of scikit-learn (1.9 and later) in a fit."""

from __future__ import annotations

from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False

    class CallbackSupportMixin:
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method):
        """Nothing to tear down after the method."""
        return method


@contextmanager
def watched(estimator, X, y, sample_weight):
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

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        self.fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self.fit.call_on_fit_task_begin(estimator=estimator, **self.data)
        self.state, self.pause = dict, None

    def begin_epoch(self):
        """An epoch begins."""
        self.epoch = self.fit.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end_epoch(self):
        """An epoch is complete; true if a callback asks to stop."""
        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=self.state, **self.data
        )

    def end(self):
        """The fit is complete."""
        self.fit.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=dict, **self.data
        )
