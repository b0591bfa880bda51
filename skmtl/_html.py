"""What a notebook shows of an estimator: its tasks, and links to its documentation."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from skmtl.tasks._base import Task
from skmtl.tasks._task_set import TaskSet

# Rows of the table and classes in a row: a notebook is no place for thousands.
MOST_TASKS, MOST_CLASSES = 30, 5


@cache
def documentation_address() -> str:
    """Where the documentation lies, from the metadata of the package; "" if it does not say."""
    try:
        entries = metadata("skmtl").get_all("Project-URL", [])
    except PackageNotFoundError:
        return ""
    links = dict(entry.split(", ", 1) for entry in entries)
    return links.get("Documentation", "").rstrip("/")


class NotebookMixin:
    """scikit-learn's HTML representation with the tasks of a fitted estimator in it."""

    _doc_link_module = "skmtl"

    @property
    def _doc_link_template(self) -> str:
        address = documentation_address()
        return address and f"{address}/api/generated/{{estimator_module}}.{{estimator_name}}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        import skmtl

        # The page is that of the shortest name; modules behind it are private.
        name = type(self).__name__
        module = type(self).__module__.partition("._")[0]
        return {
            "estimator_module": "skmtl" if name in skmtl.__all__ else module,
            "estimator_name": name,
        }

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        # scikit-learn asks for this wherever an estimator stands, in a pipeline for example;
        # before 1.7 it asks for nothing, and shows no tasks.
        parameters = super()._get_params_html(*args, **kwargs)  # type: ignore[misc]
        if hasattr(self, "_task_set"):
            html = parameters._repr_html_inner() + tasks_table(self._task_set)
            parameters._repr_html_inner = lambda: html
        return parameters


def tasks_table(tasks: TaskSet) -> str:
    """Name, type and number of labels of each task, in the manner of scikit-learn's tables."""
    names, counts = tasks.names.tolist(), tasks.n_labels.tolist()
    types = tasks.tasks * (len(names) if tasks.is_long else 1)
    rows = [
        f'<tr class="default"><td>{escape(str(name))}</td>'
        f'<td class="value">{escape(_describe(task))}</td><td>{count}</td></tr>'
        for name, task, count in zip(names[:MOST_TASKS], types, counts, strict=False)
    ]
    more = f"<p>and {len(names) - MOST_TASKS} more tasks</p>" if len(names) > MOST_TASKS else ""
    return (
        '<div class="estimator-table"><details>'
        f"<summary>Tasks ({len(names)}, {sum(counts)} labels)</summary>"
        '<table class="parameters-table"><tbody>'
        "<tr><th>Task</th><th>Type</th><th>Labels</th></tr>"
        f"{''.join(rows)}</tbody></table>{more}</details></div>"
    )


def _describe(task: Task) -> str:
    if not task.is_classification:
        return task.alias
    classes = [str(label) for label in task.classes_.tolist()]
    more = ["..."] if len(classes) > MOST_CLASSES else []
    return f"{task.alias}: {', '.join(classes[:MOST_CLASSES] + more)}"
