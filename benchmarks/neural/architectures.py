"""A step of every architecture, over the one of hard sharing."""

from dataclasses import replace
from functools import partial

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import in_turns
from benchmarks.neural import steps
from benchmarks.neural.problems import SETTINGS, long, wide

BASE = "hard_sharing"
LONG_FROM = 10
"""Fewer tasks are seldom in long form."""


def architectures(settings):
    """Table with a row an architecture and a column a form and number of tasks."""
    from skmtl.neural.architectures import ARCHITECTURES

    setting = replace(SETTINGS["wide"], n_rows=2000, epochs=4)
    forms = [("wide", n_tasks) for n_tasks in settings.tasks]
    forms += [("long", n_tasks) for n_tasks in settings.tasks if n_tasks >= LONG_FROM]
    columns = ["architecture", *(f"{form}, {n_tasks} tasks" for form, n_tasks in forms)]
    title = f"Architectures, {setting}: microseconds a step (over hard sharing)"
    table = Table(title, columns, markdown=settings.markdown)
    for alias in sorted(ARCHITECTURES, key=lambda alias: (alias != BASE, alias)):
        if settings.only is None or alias in settings.only:
            table.row(alias, *(_cell(alias, *form, setting, settings) for form in forms))


def _cell(alias, form, n_tasks, setting, settings):
    """Microseconds of a step, beside hard sharing in turns."""
    calls = {BASE: _step(BASE, form, n_tasks, setting, settings)}
    if alias != BASE:
        calls[alias] = _step(_build(alias, n_tasks), form, n_tasks, setting, settings)
    *base, result = in_turns(calls, repeats=settings.repeats, limit=settings.limit).values()
    return cell(result, *base)


def _step(architecture, form, n_tasks, setting, settings):
    X, y = (wide if form == "wide" else long)(setting.n_rows, n_tasks, settings.seed)
    return partial(
        steps.microseconds, setting, X, y, seed=settings.seed, limit=settings.limit,
        architecture=architecture, task_feature=None if form == "wide" else 0,
    )  # fmt: skip


def _build(alias, n_tasks):
    """The architecture with its defaults; in the cascade all tasks read the first one's output."""
    from skmtl.neural.architectures import Cascade

    if alias == "cascade":
        return Cascade(parents={t: [0] for t in range(1, n_tasks)})
    return alias
