"""Fits of members to some of the rows and tasks, and what they then expect of other rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.parallel import delayed

from skmtl._warnings import chosen_alpha, known_labels
from skmtl.compose._features import take_rows
from skmtl.compose._meta import expected_of, fit_prepared
from skmtl.compose._notes import noted
from skmtl.compose._stack_members import Member
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class Job(NamedTuple):
    """Fit a member to some tasks in the rows ``train``; say what it expects of the rows ``test``.

    None stands for all rows of training, and for none to be asked.
    """

    member: Member
    tasks: Array
    train: Array | None = None
    test: Array | None = None


@dataclass(frozen=True, eq=False)
class Done:
    """What became of a job: a fitted estimator, and expected values per task; or an error."""

    job: Job
    estimator: Any
    expected: Any
    error: Exception | None


@dataclass(frozen=True, eq=False)
class Workshop:
    """Where jobs are done: all rows, and ``prepare`` that makes y for some of the tasks."""

    X: Any
    targets: Targets
    prepare: Callable[..., Any]
    parallel: Any

    def do(self, jobs: list[Job]) -> list[Done]:
        """Do the jobs. One that fails for several tasks apart is tried for each of them."""
        found = self.parallel(delayed(_do)(*self._parts(job)) for job in jobs)
        done = [Done(job, *of_job) for job, of_job in zip(jobs, found, strict=True)]
        if self.targets.tasks.is_long:
            return done
        kept, again = [], []
        for d in done:
            if d.error and d.job.member.is_apart and len(d.job.tasks) > 1:
                again += [d.job._replace(tasks=np.array([t])) for t in d.job.tasks]
            else:
                kept.append(d)
        return kept + (self.do(again) if again else [])

    def _parts(self, job: Job) -> Any:
        """What a job needs, cut to its rows and tasks."""
        X, targets, tasks = self.X, self.targets, self.targets.tasks
        if job.train is not None:
            X, targets = take_rows(X, job.train), targets.take(job.train)
        members = None if tasks.is_long else job.tasks
        types = tasks.tasks if tasks.is_long else [tasks.tasks[t] for t in job.tasks]
        names = tasks.names[job.tasks].tolist()
        prepared = self.prepare(X, targets, members, job.member.template)
        asked = None if job.test is None else take_rows(self.X, job.test)
        return prepared, asked, types, names, tasks.is_long


def _do(prepared: Any, X: Any, types: Any, names: Any, is_long: bool) -> Any:
    """Fitted estimator, expected values of ``X``, and the error of one that failed."""
    try:
        # Of folds nobody wants to hear of coefficients that are 0.
        quietly = nullcontext() if X is None else chosen_alpha()
        with noted(prepared[0], "fitted to", *names), quietly:
            estimator = fit_prepared(*prepared)
            if X is None:
                return estimator, None, None
            with known_labels():
                return estimator, expected_of(estimator, X, types, is_long=is_long), None
    except Exception as error:
        return None, None, error
