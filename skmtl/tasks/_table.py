"""A table of tasks: in a terminal, in a notebook, of y or of a fitted estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from skmtl._text_table import as_html, as_text
from skmtl.tasks._base import Array, Task
from skmtl.tasks._ordinal import Ordinal

if TYPE_CHECKING:
    from skmtl.tasks._task_set import TaskSet

# Rows of the table and classes in a row: a notebook is no place for thousands.
MOST_TASKS, MOST_CLASSES = 30, 5


@dataclass(frozen=True)
class TaskTable:
    """A table of tasks: print it, or let a notebook show it.

    Parameters
    ----------
    names : list
        Names of the tasks.
    tasks : list of Task
        Their types, fitted to the labels.
    n_labels : list of int
        Observed labels of each task.
    values : list of str
        The classes, or the smallest and the largest label.
    n_missing : list of int or None, default=None
        Labels of each task that are missing, where y is known.

    See Also
    --------
    infer : Makes one of y.

    Examples
    --------
    >>> from skmtl.tasks import infer
    >>> infer([True, False, True]).values
    ['False, True']
    """

    names: list[Any]
    tasks: list[Task]
    n_labels: list[int]
    values: list[str]
    n_missing: list[int] | None = None

    @classmethod
    def of(cls, tasks: TaskSet) -> Self:
        """That of a fitted estimator, which has no labels any more.

        Parameters
        ----------
        tasks : TaskSet
            ``tasks_`` of the estimator.

        Returns
        -------
        table : TaskTable
            A line for each task.
        """
        types = list(tasks.tasks) * (tasks.n_tasks if tasks.is_long else 1)
        values = [classes_shown(task) if task.is_classification else "" for task in types]
        return cls(tasks.names.tolist(), types, tasks.n_labels.tolist(), values)

    def _rows(self) -> list[tuple[str, ...]]:
        """Titles, and a row for each task, as far as there is room."""
        columns: dict[str, list[Any] | None] = {
            "task": self.names,
            "type": [task.alias for task in self.tasks],
            "labels": self.n_labels,
            "missing": self.n_missing,
            "values": self.values if any(self.values) else None,
        }
        shown = {title: cells[:MOST_TASKS] for title, cells in columns.items() if cells is not None}
        rows = zip(*shown.values(), strict=True)
        return [tuple(shown), *(tuple(map(str, row)) for row in rows)]

    def _more(self) -> str:
        n_more = len(self.names) - MOST_TASKS
        return f"and {n_more} more tasks" if n_more > 0 else ""

    def __repr__(self) -> str:
        return f"{as_text(self._rows())}\n{self._more()}".rstrip()

    def _repr_html_(self, style: str = "") -> str:
        more = f"<p>{self._more()}</p>" if self._more() else ""
        return f"{as_html(self._rows(), style)}{more}"


class FittedTasks(Sequence[Task]):
    """The task types of an estimator: a sequence that prints as a table."""

    # No subclass of list: formats of plain data would keep the list, and lose the table.
    def __init__(self, tasks: TaskSet) -> None:
        self._table = TaskTable.of(tasks)

    def __len__(self) -> int:
        return len(self._table.tasks)

    def __getitem__(self, index: Any) -> Any:
        return self._table.tasks[index]

    def __repr__(self) -> str:
        return repr(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()


def values_shown(task: Task, values: Array, weight: Array) -> str:
    """The classes, or the smallest and the largest label; "" without labels."""
    if not task.n_labels_ or task.is_classification:
        return classes_shown(task) if task.n_labels_ else ""
    labels = task.labels(values[weight > 0]).astype(float)
    if task.has_times:
        times, n_events = abs(labels), int((labels > 0).sum())
        return f"{times.min():g} to {times.max():g}, {n_events} events"
    return f"{labels.min():g} to {labels.max():g}"


def classes_shown(task: Any) -> str:
    """The classes, as far as there is room, in their order where they have one."""
    is_ordered = isinstance(task, Ordinal)
    known = task.ordered_classes_ if is_ordered else task.classes_
    classes = [str(label) for label in known[:MOST_CLASSES].tolist()]
    between = " < " if is_ordered else ", "
    return between.join(classes + ["..."] * (len(known) > MOST_CLASSES))
