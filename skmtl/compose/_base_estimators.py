"""What estimators that are given an estimator for one task have in common."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods

from skmtl._base import MultiTaskEstimator
from skmtl._innermost import innermost
from skmtl._warnings import labels_are_known, warn
from skmtl.compose._features import KeepsFeatures
from skmtl.compose._notes import in_a_line
from skmtl.compose._tags import follow, kind_of
from skmtl.compose._task_labels import TaskLabels, check_single_numbers
from skmtl.linear import MultiTaskLinear
from skmtl.tasks import Task
from skmtl.tasks import _constraints as constraints
from skmtl.tasks._resolve import is_auto

KINDS = {"classifier": "classification", "regressor": "regression"}


class GivenEstimators(KeepsFeatures, MultiTaskEstimator):
    """Base of estimators with the parameters ``estimator``, ``regressor`` and ``classifier``."""

    _parameter_constraints = {
        # Some have `predict` only once they are fitted.
        "estimator": [HasMethods(["fit"]), None],
        "regressor": [HasMethods(["fit"]), None],
        "classifier": [HasMethods(["fit"]), None],
        **constraints.TASKS,
        **constraints.CLASS_WEIGHT,
        "n_jobs": [Integral, None],
    }

    # Whether several quantiles of a task are learned.
    _takes_levels = False

    def _estimator_for(self, task: Task) -> Any:
        _, given = self._given_for(task)
        if task.has_times:
            return _of_times(task, given)
        return task.default_estimator() if given is None else given

    def _given_for(self, task: Task) -> Any:
        """The parameter that has an estimator for this type of task, and its value."""
        if task.has_times:
            # A regressor would take a time up to which was no event for that of one.
            return "estimator", self.estimator
        own = "classifier" if task.is_classification else "regressor"
        name = "estimator" if getattr(self, own) is None else own
        return name, getattr(self, name)

    def _templates(self, problems: list[TaskLabels]) -> list[Any]:
        """The estimator of each task.

        Raises for one that cannot learn its task, and where ``estimator`` is for none; warns
        where that is so of another.
        """
        if not self._takes_levels:
            tasks = [problem.task for problem in problems]
            check_single_numbers([problem.name for problem in problems], tasks, type(self).__name__)
        used: set[str] = set()
        first: dict[str, TaskLabels] = {}
        for problem in problems:
            used.add(self._given_for(problem.task)[0])
            if len(problem.rows):
                first.setdefault(_kind(problem.task), problem)
        for problem in first.values():
            self._check_kind(problem, *self._given_for(problem.task))
        # Without its labels a task may look like one of another type.
        if all(len(problem.rows) for problem in problems) and not labels_are_known():
            self._check_use(used)
        return [self._estimator_for(problem.task) for problem in problems]

    def _check_kind(self, problem: TaskLabels, name: Any, given: Any) -> None:
        if problem.task.has_times:
            _check_times(problem, given, type(self).__name__)
            return
        own, other = "classifier", "regressor"
        if not problem.task.is_classification:
            own, other = other, own
        if kind_of(given) != other:
            return
        ways = f"give one that learns {KINDS[own]} as {own}="
        if name == "estimator":
            ways += f", this one as {other}="
        raise ValueError(
            f"{type(self).__name__}: {name}={in_a_line(given)} is a {other}, but task "
            f"{problem.name!r} is {problem.task.alias}: {ways}, or say in tasks= what the task is."
        )

    def _check_use(self, used: Any) -> None:
        unused = [
            name
            for name in ("estimator", "regressor", "classifier")
            if getattr(self, name) is not None and name not in used
        ]
        if not unused:
            return
        name, given = unused[0], in_a_line(getattr(self, unused[0]))
        text = f"{type(self).__name__}: {name}={given} is for none of the tasks"
        if name == "estimator":
            raise ValueError(f"{text}: {' and '.join(sorted(used))} learn them all.")
        warn(f"{text}: none is {KINDS[name]}.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        given = (self.estimator, self.regressor, self.classifier)
        follow(tags, [part for part in given if part is not None])
        return tags


def _kind(task: Task) -> str:
    return "times" if task.has_times else "classes" if task.is_classification else "numbers"


def _is_ours(estimator: Any) -> bool:
    try:
        innermost(estimator)
    except TypeError:
        return False
    return True


def _check_times(problem: TaskLabels, given: Any, owner: str) -> None:
    """Raise for an estimator that knows nothing of events that were not seen."""
    if given is not None and not _is_ours(given):
        raise ValueError(
            f"{owner}: task {problem.name!r} is {problem.task.alias}, and "
            f"estimator={in_a_line(given)} does not learn from times of which some are censored. "
            "Give one of this package, or give this one as regressor= and classifier=: such a task "
            "has a linear model then."
        )


def _of_times(task: Task, given: Any) -> Any:
    """What learns times: a linear model where none is given, told what they are."""
    estimator = clone(MultiTaskLinear("l2") if given is None else given)
    path, inner = innermost(estimator)
    if is_auto(inner.tasks):
        estimator.set_params(**{f"{path}tasks": clone(task)})
    return estimator
