"""What gains say in words."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._words import percent, plural


def side_of(interval):
    """What an interval of a gain allows to say: "helps", "harms", "unclear" or "unknown"."""
    low, high = interval
    if not np.isfinite(low + high):
        return "unknown"
    return "helps" if low > 0 else "harms" if high < 0 else "unclear"


def say_of_all(gain):
    """The verdict on all tasks together, a sentence."""
    n_tasks, verdict = int(gain._is_counted.sum()), gain.verdict
    if verdict == "unlearned":
        return (
            "Nothing can be said of sharing: no task is predicted better than by a constant, "
            "together or alone."
        )
    if not n_tasks:
        return "Whether sharing helps is unknown: no fold evaluates a task."
    does = "takes away {} of" if gain.mean_gain >= 0 else "adds {} to"
    does = does.format(percent(abs(gain.mean_gain)))
    size = f"over {plural(n_tasks, 'task')} it {does} the loss of learning alone"
    if verdict == "unknown":
        return f"Whether sharing helps is unknown: {size}, without an interval."
    low, high = (percent(end, sign=True) for end in gain.mean_interval)
    sure = f"({100 * gain.confidence:g}% interval of the gain: {low} to {high})"
    opening = "Whether sharing helps is unclear" if verdict == "unclear" else f"Sharing {verdict}"
    return f"{opening}: {size} {sure}."


def say_of_each(gain):
    """How many tasks gain, and of how many that is sure; "" where nothing is learned."""
    counted, verdicts = gain._is_counted, gain.verdicts
    if not counted.any():
        return ""
    gains = gain.gain[counted]
    said = [
        f"{(gains > 0).sum()} of {plural(len(gains), 'task')} gain",
        f"one by one, it is sure to help {verdicts.count('helps')} and to harm "
        f"{verdicts.count('harms')}",
    ]
    n_unlearned = int((~gain.is_learned).sum())
    if n_unlearned:
        are = "is" if n_unlearned == 1 else "are"
        said.append(f"{n_unlearned} more {are} predicted no better than by a constant")
    return "; ".join(said) + "."
