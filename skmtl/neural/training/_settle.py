"""What likelihoods learn beside raw scores, once these are known."""

from __future__ import annotations

import numpy as np

from skmtl.neural._data import Rows
from skmtl.neural.networks._predict import of_all_tasks
from skmtl.neural.training._early_stopping import Validation
from skmtl.neural.training._model_rows import HeldOut
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import Fit
from skmtl.tasks._task_set import TaskSet


def settled(fit: Fit, run: Run, rows: Rows, validation: Validation | None) -> TaskSet:
    """All tasks of a fit, as the network that is kept has left them.

    Scores that rows held out have shrunk are taken from these rows, others from the rows of the
    training: ``rows``.
    """
    tasks = fit.given.tasks
    if not any(task.sees_rows for task in tasks.tasks):
        return tasks
    if validation is not None and fit.shrinkage is not None:
        judged = validation.judged
        raw = fit.shrinkage.apply(validation.raw(run)[0], fit.targets.take(judged).task_index)
    else:
        judged = np.arange(rows.n_rows)
        if validation is not None and validation.training is not None:
            judged = validation.training
        others = [judged[:0]] * (len(run.rngs) - 1)
        every = np.arange(rows.n_rows)
        raw = HeldOut(rows, [every, *others], [0] * len(run.rngs)).raw_scores(run.module)[0]
    return tasks.settled(of_all_tasks(raw, tasks, fit.network_tasks), fit.given.take(judged))
