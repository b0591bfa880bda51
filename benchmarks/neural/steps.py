"""CPU seconds of a step of skmtl, from whole epochs of a fit."""

import time

import numpy as np

from benchmarks.neural.problems import options


class Clock:
    """A callback of scikit-learn that notes CPU seconds of epochs, and stops at a limit."""

    def __init__(self, limit):
        self.limit, self.seconds = limit, []

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def teardown(self, estimator, context):
        """Nothing to clean up."""

    def on_fit_task_begin(self, estimator, context):
        self.start = time.process_time()

    def on_fit_task_end(self, estimator, context):
        if context.task_name != "epoch":
            return False
        self.seconds.append(time.process_time() - self.start)
        return len(self.seconds) > 1 and sum(self.seconds) > self.limit


def microseconds(setting, X, y, *, seed, limit, **parts):
    """Median over epochs but the first; ``parts`` are parameters of the estimator.

    Includes all that an epoch does: its batches, the step, and the books at its end.
    """
    from skmtl import MultiTaskMLPRegressor

    clock = Clock(limit)
    model = MultiTaskMLPRegressor(**options(setting, seed), n_threads=1, **parts)
    model.set_callbacks(clock).fit(X, y)
    if len(clock.seconds) < 2:
        raise RuntimeError(f"{parts}: training ended after {len(clock.seconds)} epochs")
    return 1e6 * np.median(clock.seconds[1:]) * setting.epochs / setting.n_steps
