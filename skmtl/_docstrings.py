"""Sections of docstrings that several estimators share, written once."""

import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any, TypeVar

from skmtl._aliases import registry

C = TypeVar("C", bound=type[Any])

TASKS = {
    "any": """an alias ({aliases}) or
        an object of `skmtl.tasks`, for all tasks, in a list with one entry per task, or in a
        dict by task name that may leave some out. "auto": bool, string, category and 0/1
        labels are classes, other numbers regression.""",
    "regression": """by default all are regression with squared loss. "count" or an
        object of `skmtl.tasks` such as ``Regression(loss="huber")``, for all tasks, in a list
        with one entry per task, or in a dict by task name.""",
    "classification": """by default "binary" up to two labels, else "multiclass". An
        object of `skmtl.tasks` such as ``Binary(class_weight="balanced")``, for all tasks, in
        a list with one entry per task, or in a dict by task name.""",
}

TASK_PARAMETERS = """
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task: {tasks}
    task_feature : int or str, default=None
        Long form: index or name of the column of X that says which task a row belongs to; y
        then has one label per row. By default y has one column per task.
    unknown_task : {{"error", "shared"}}, default="error"
        Long form: what `predict` does with a task that had no row in `fit`: raise, or predict
        {shared}{class_weight}
""".strip("\n")

CLASS_WEIGHT = """
    class_weight : "balanced", dict or None, default=None
        Factor on the weight of a label by its class, for tasks with classes: "balanced" gives all
        classes of a task the same weight, a dict {class: weight} names those that are not 1. A
        dict {task: either} names tasks. A task type that has a ``class_weight`` of its own keeps
        it."""

CLASSES = {
    "any": """
    classes_ : list of ndarray, or ndarray if y was 1-D
        Classes of each task, None for regression. Only if there are any classes.""",
    "regression": "",
    "classification": """
    classes_ : list of ndarray, or ndarray if y was 1-D
        Classes of each task.""",
}

TASK_ATTRIBUTES = """
    tasks_ : list of Task
        Type of each task.
    task_names_in_ : ndarray of shape (n_tasks,)
        Names of the tasks: the columns of y, or 0, 1, ...; the values of the task feature in
        long form.{classes}
    n_features_in_ : int
        Number of columns of X, the task feature included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, if all are strings.
""".strip("\n")


def documented(parameters: str, attributes: str, *, shared: str) -> Callable[[C], C]:
    """Fill ``<parameters>`` and ``<attributes>`` in the docstring of an estimator.

    ``parameters`` and ``attributes`` are what a family of estimators has in common; in them,
    ``<task parameters>`` and ``<task attributes>`` stand for what all estimators have, in the
    words for the kind of tasks they take. ``shared`` says what unknown_task="shared" does.
    """

    def fill(cls: C) -> C:
        if not cls.__doc__:  # None under python -OO
            return cls
        kind: str = cls._kind
        aliases = ", ".join(f'"{alias}"' for alias in registry("tasks"))
        tasks = TASKS[kind].format(aliases=aliases)
        class_weight = CLASS_WEIGHT if "class_weight" in cls._parameter_constraints else ""
        sections = {
            "<parameters>": parameters,
            "<attributes>": attributes,
            "<task parameters>": TASK_PARAMETERS.format(
                tasks=tasks, shared=shared, class_weight=class_weight
            ),
            "<task attributes>": TASK_ATTRIBUTES.format(classes=CLASSES[kind]),
        }
        # Without the indentation of the code, which Python has left out since 3.13.
        text = f"{inspect.cleandoc(cls.__doc__)}\n"
        for mark, section in sections.items():
            text = text.replace(mark, dedent(section.strip("\n")))
        cls.__doc__ = text
        return cls

    return fill
