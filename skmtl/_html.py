"""What a notebook shows of an estimator: its tasks, and links to its documentation."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from skmtl.tasks._table import TaskTable
from skmtl.tasks._task_set import TaskSet

STYLE = ' class="parameters-table"'


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
    table, n_labels = TaskTable.of(tasks), int(tasks.n_labels.sum())
    return (
        '<div class="estimator-table"><details>'
        f"<summary>Tasks ({tasks.n_tasks}, {n_labels} labels)</summary>"
        f"{table._repr_html_(STYLE)}</details></div>"
    )
