"""Columns of y that say which events were seen, beside those with the times.

A task such as ``Survival(event="died")`` names such a column: it is read with the times, and is no
task of its own. Whoever reads y says what is declared of its tasks, and sees times with their
events from then on.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._shown import shown
from skmtl.tasks._by_name import name_key
from skmtl.tasks._columns import Column, read_column

Array = NDArray[Any]
Names = Sequence[Hashable]


@dataclass(frozen=True, eq=False)
class TimesAndEvents:
    """Two columns of y: times, and whether their events were seen."""

    times: Any
    events: Any
    name_of_events: Hashable

    def __len__(self) -> int:
        return len(self.times)

    def read(self, name: Hashable, used: NDArray[np.bool_] | None) -> Column:
        """Signed times; unobserved where one of both is missing.

        Raises
        ------
        ValueError
            If times are no numbers, or events neither bool nor 1 and 0.
        """
        if len(self.times) != len(self.events):
            raise ValueError(
                f"y is ragged: {name!r} has {len(self.times)} rows, {self.name_of_events!r} has "
                f"{len(self.events)}."
            )
        times = read_column(self.times, name, used)
        events = read_column(self.events, self.name_of_events, used)
        observed = times.observed & events.observed
        seen = events.labels[observed]
        if events.is_string or not np.isin(seen, (0, 1)).all():
            found = next(value for value in seen.tolist() if value not in (0, 1))
            raise ValueError(
                f"Column {self.name_of_events!r} of y has {found!r}; expected bool, or 1 and 0: "
                f"whether the event of task {name!r} was seen."
            )
        if times.is_string:
            raise ValueError(
                f"Task {name!r} has the label {times.labels[observed][0]!r}; expected times > 0."
            )
        signed = np.zeros(len(observed))
        # A time that is not positive is 0, which is no label of such a task.
        lengths = np.maximum(times.labels[observed].astype(np.float64), 0.0)
        signed[observed] = np.where(seen.astype(bool), 1.0, -1.0) * lengths
        return Column(signed, observed, are_times=True)


def event_of(task: Any) -> Hashable | None:
    """Name of the column of events that a task speaks of, as declared or as it was fitted."""
    fitted: Hashable | None = vars(task).get("event_") if hasattr(task, "__dict__") else None
    return getattr(task, "event", None) if fitted is None else fitted


def fold_events(
    parts: list[Any], names: list[Hashable] | None, declared: Any
) -> tuple[list[Any], list[Hashable] | None]:
    """Columns of y with the events of each time in one, and the names of those that are left."""
    if names is None:
        return parts, names
    events = _events_by_time(declared, names)
    place = {name_key(name): k for k, name in enumerate(names)}
    folded = {name_key(event) for event in events.values()} & set(place)
    if not folded:
        return parts, names
    left = [name for name in names if name_key(name) not in folded]
    if not left:
        raise ValueError(f"y has events {shown(names)}, but no column of times.")
    found = []
    for name in left:
        part, event = parts[place[name_key(name)]], events.get(name_key(name))
        if event is not None and name_key(event) in place:
            part = TimesAndEvents(part, parts[place[name_key(event)]], event)
        found.append(part)
    return found, left


def _events_by_time(declared: Any, names: Names) -> dict[Hashable, Hashable]:
    """Name of the events of each column of times, by keys of names."""
    if isinstance(declared, Mapping):
        entries = {name_key(name): event_of(task) for name, task in declared.items()}
    elif isinstance(declared, Sequence) and not isinstance(declared, str):
        every = {name_key(event_of(task)) for task in declared if event_of(task) is not None}
        left = [name for name in names if name_key(name) not in every]
        entries = {
            name_key(name): event_of(task) for name, task in zip(left, declared, strict=False)
        }
    else:
        event = event_of(declared)
        entries = {name_key(name): event for name in names if name_key(name) != name_key(event)}
    found = {name: event for name, event in entries.items() if event is not None}
    for name, event in found.items():
        if name_key(event) == name:
            raise ValueError(f"Task {event!r} is its own column of events; name another one.")
    return found


def hold_event(task: Any, column: Column, name: Hashable) -> None:
    """Check that times came with their events, which a fitted task then remembers the name of."""
    event = event_of(task)
    if event is None:
        return
    if not column.are_times:
        raise ValueError(
            f"Task {name!r} takes whether its events were seen from column {event!r} of y, which y "
            "does not have. Give a DataFrame or a dict with both columns, an array of pairs of "
            "event and time, or leave out event and give skmtl.tasks.censored(times, seen)."
        )
    # Labels are signed times from here on, also for those that the task is handed to.
    task.event = None
    task.event_ = event


def as_declared(task: Any) -> Any:
    """An unfitted task of the same type, for the same y."""
    found = clone(task)
    if (event := event_of(task)) is not None:
        found.event = event
    return found


def as_pairs(column: Column) -> Array:
    """Times with their events as objects: (seen, time), None where unobserved."""
    pairs = np.empty(len(column.labels), dtype=object)
    for row in np.flatnonzero(column.observed):
        pairs[row] = (bool(column.labels[row] > 0), float(abs(column.labels[row])))
    return pairs
