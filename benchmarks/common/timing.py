"""CPU times: of one call, and of several in turns."""

import sys
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Failed:
    """Why there is no time; ``at_least`` seconds passed before it was cut, where it was."""

    why: str
    at_least: float | None = None


def cpu_time(call, *arguments):
    """CPU seconds of a call, and what it returned."""
    start = time.process_time()
    found = call(*arguments)
    return time.process_time() - start, found


def in_turns(calls, *, repeats, limit):
    """{name: median of what the calls return, or Failed}; one after the other in every repeat.

    A call returns a time, by its own clock. What takes long is repeated only as often as the
    limit in CPU seconds allows, at least once. The value of a name may be a `Failed` already.
    """
    results = {name: [] for name in calls}
    failed = {name: call for name, call in calls.items() if isinstance(call, Failed)}
    spent = dict.fromkeys(calls, 0.0)
    for turn in range(repeats):
        for name, call in calls.items():
            if name in failed or (turn and spent[name] * (turn + 1) / turn > limit):
                continue
            try:
                seconds, result = cpu_time(call)
            except Exception as error:
                print(f"{name}: {error!r}", file=sys.stderr)
                failed[name] = Failed("error")
                continue
            spent[name] += seconds
            results[name].append(result)
    return {name: failed.get(name) or float(np.median(results[name])) for name in calls}
