"""The table of all tasks; the script makes its heads buttons that sort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl.inspection._words import count, number, percent
from skmtl.inspection.report._bars import share_bar
from skmtl.inspection.report._gain_figures import gain_bar, gain_range
from skmtl.inspection.report._in_units import say_in_units
from skmtl.inspection.report._summary import columns, ranking_score
from skmtl.inspection.report._text import name, safe

VERDICTS = {
    "helps": "sharing helps",
    "harms": "sharing harms",
    "unclear": "unclear",
    "unlearned": "not learned",
    "unknown": "too little data",
}


@dataclass(frozen=True)
class TableColumn:
    """A head, cells of markup, and what they are sorted by: numbers, or texts."""

    head: str
    cells: list
    values: list
    is_text: bool = False


def task_table(findings):
    """The table as markup."""
    shown = _columns(findings)
    heads = "".join(
        f'<th scope="col" data-sort="{"text" if column.is_text else "number"}">{column.head}</th>'
        for column in shown
    )
    rows = "".join(
        f"<tr>{''.join(_cell(column, t) for column in shown)}</tr>"
        for t in range(len(findings.tasks))
    )
    caption = "All tasks. Choose a task to see more of it, or a head to sort by it."
    return (
        f'<table id="tasks-table"><caption><span>{caption}</span></caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell(column, t):
    if column.is_text and column.head == "Task":
        return f'<th scope="row" data-value="{safe(column.values[t])}">{column.cells[t]}</th>'
    value = column.values[t]
    if not column.is_text:
        value = "" if not np.isfinite(value) else repr(float(value))
    kind = "" if column.is_text else ' class="number"'
    return f'<td{kind} data-value="{safe(value)}">{column.cells[t]}</td>'


def _columns(findings):
    table, tasks = columns(findings), findings.tasks
    keys = [task.key for task in tasks]
    shown = [
        TableColumn("Task", _names(findings, table), keys, is_text=True),
        TableColumn("Type", [safe(alias) for alias in table["type"]], table["type"], is_text=True),
        TableColumn("Labels", [count(n) for n in table["labels"]], table["labels"]),
    ]
    if min(table["coverage"]) < 1.0:
        cells = [f"{share_bar(c, percent(c))} <span>{percent(c)}</span>" for c in table["coverage"]]
        shown.append(TableColumn("Coverage", cells, table["coverage"]))
    return shown + _score_columns(findings, table) + _gain_columns(findings, table)


def _score_columns(findings, table):
    """What counts: shares on unseen rows, else scores; and the same in units of the labels."""
    shown = []
    if findings.has_shares:
        cells = [_with_interval(task.explained, task.explained_interval) for task in findings.tasks]
        shown.append(TableColumn("Explained of unseen rows", cells, table["explained"]))
    elif findings.n_splits:
        pairs = zip(table["cv_score"], table["cv_std"], strict=True)
        cells = [
            f"{number(mean)} <small>± {number(std)}</small>" if np.isfinite(mean) else number(mean)
            for mean, std in pairs
        ]
        shown.append(TableColumn("Score on unseen rows", cells, table["cv_score"]))
    else:
        cells = [number(score) for score in table["score"]]
        shown.append(TableColumn("Score on the data given", cells, table["score"]))
    said = [say_in_units(task.measures) for task in findings.tasks]
    if any(said):
        # Miles are not more than inches: sorted as text.
        cells = [f"<span>{text}</span>" for text in said]
        shown.append(TableColumn("In units", cells, said, is_text=True))
    return shown


def _with_interval(share, interval):
    if not np.isfinite(share):
        return number(share)
    low, high = interval
    between = f" <small>{percent(low)} to {percent(high)}</small>"
    return f"{percent(share)}{between if np.isfinite(low + high) else ''}"


def _names(findings, table):
    """Link to the task's part of the page; the best and the worst say so."""
    scores = np.array(table[ranking_score(findings)], dtype=float)
    ends = {}
    if np.isfinite(scores).sum() > 1 and np.nanmin(scores) < np.nanmax(scores):
        ends = {int(np.nanargmax(scores)): "best", int(np.nanargmin(scores)): "worst"}
    return [
        f'<a href="#task-{t + 1}" title="{safe(task.key)}">{name(task.key)}</a>'
        + (f' <span class="badge">{ends[t]}</span>' if t in ends else "")
        for t, task in enumerate(findings.tasks)
    ]


def _gain_columns(findings, table):
    gain = findings.gain
    if gain is None:
        return []
    limits = gain_range(gain)
    cells = [
        f"{gain_bar(gain, t, says, limits)} <span>{percent(g, sign=True)}</span>"
        for t, (g, says) in enumerate(zip(table["gain"], table["sharing"], strict=True))
    ]
    says = [f'<span class="verdict {v}">{VERDICTS[v]}</span>' for v in table["sharing"]]
    return [
        TableColumn("Gain by sharing", cells, table["gain"]),
        TableColumn("Evidence", says, [VERDICTS[v] for v in table["sharing"]], is_text=True),
    ]
