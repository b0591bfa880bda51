"""Gains and their intervals: a figure of all tasks, and a bar for each row of the table."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._words import percent, shorten
from skmtl.inspection.report._svg import Scale, padded, short, svg, tag, text
from skmtl.inspection.report._text import safe

# As many lines with names as are read one by one.
MOST_NAMED = 40


def gain_range(gain):
    """What figures of gains show: zero, all gains but odd ones, and of intervals what fits."""
    known = gain.gain[np.isfinite(gain.gain)]
    ends = gain.interval[np.isfinite(gain.interval)]
    if not len(known):
        return -0.1, 0.1
    quarter, three_quarters = np.quantile(known, [0.25, 0.75])
    reach = 6 * max(three_quarters - quarter, 0.02)
    low = min(max(known.min(), quarter - reach), 0.0)
    high = max(min(known.max(), three_quarters + reach), 0.0)
    span = max(high - low, 0.02)
    if len(ends):
        low = min(low, max(ends.min(), low - span))
        high = max(high, min(ends.max(), high + span))
    return padded([low, high])


def gain_bar(gain, t, says, limits, width=96, height=18):
    """Gain and interval on a line, zero marked: for a cell of the table."""
    scale, middle = Scale(limits[0], limits[1], 4, width - 4), height / 2
    zero = f"M{short(float(scale(0)))} 1V{height - 1}"
    return svg(
        width,
        height,
        tag("path", d=zero, cls="zero") + _mark(gain, t, says, scale, middle),
        _say_gain(gain, t, says),
    )


def _mark(gain, t, kind, scale, y):
    """Interval and point; shape and colour say which side of zero it is on."""
    if not np.isfinite(gain.gain[t]):
        return ""
    x = float(scale(gain.gain[t]))
    shape = {
        "helps": f"M{short(x)} {short(y - 5)}l5 8h-10z",
        "harms": f"M{short(x)} {short(y + 5)}l5 -8h-10z",
    }.get(kind, f"M{short(x - 3.5)} {short(y)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0")
    interval = ""
    if np.isfinite(gain.interval[t]).all():
        low, high = scale(gain.interval[t]).tolist()
        drawn = f"M{short(low)} {short(y)}H{short(high)}" + "".join(
            # An arrow where it goes on beyond the figure.
            f"M{short(end + inward)} {short(y - 3)}L{short(end)} {short(y)}l{inward} 3"
            for end, at, inward in zip((low, high), gain.interval[t], (4, -4), strict=True)
            if not scale.low <= at <= scale.high
        )
        interval = tag("path", d=drawn, cls=f"interval {kind}")
    return interval + tag("path", d=shape, cls=f"mark {kind}")


def _say_gain(gain, t, says):
    low, high = gain.interval[t]
    between = f", interval {percent(low, sign=True)} to {percent(high, sign=True)}"
    between = between if np.isfinite([low, high]).all() else ", no interval"
    return f"{percent(gain.gain[t], sign=True)}{between}: {says}"


def gain_figure(gain, names):
    """Gains sorted from best to worst, one line per task; without names where these are many."""
    gains = np.nan_to_num(gain.gain, nan=-np.inf)
    order = [t for t in np.argsort(-gains, kind="stable").tolist() if np.isfinite(gain.gain[t])]
    if not order:
        return ""
    has_names = len(order) <= MOST_NAMED
    labels = [shorten(names[t], 30) for t in order] if has_names else [""] * len(order)
    left, pitch = (8 + 6.3 * max(map(len, labels)), 20) if has_names else (4, 6)
    width, top, says = 330 + left, 8, gain.verdicts
    bottom = top + pitch * len(order)
    low, high = gain_range(gain)
    scale = Scale(low, high, left + 8, width - 16)
    ticks = scale.ticks()
    grid = "".join(f"M{short(x)} {top}V{bottom}" for x in scale(ticks))
    zero = short(float(scale(0)))
    parts = [tag("path", d=grid, cls="grid"), tag("path", d=f"M{zero} {top}V{bottom}", cls="zero")]
    marked = [percent(value, sign=True).replace(".0%", "%").replace("+0%", "0%") for value in ticks]
    parts += [
        text(x, bottom + 16, label, text_anchor="middle")
        for label, x in zip(marked, scale(ticks), strict=True)
    ]
    for place, (t, label) in enumerate(zip(order, labels, strict=True)):
        y = top + pitch * (place + 0.5)
        named = text(left, y + 4, safe(label), text_anchor="end") if label else ""
        if not low <= gain.gain[t] <= high:
            at_left = gain.gain[t] < low
            beside = left + 20 if at_left else width - 28
            anchor = "start" if at_left else "end"
            named += text(beside, y + 4, percent(gain.gain[t], sign=True), text_anchor=anchor)
        title = tag("title", f"{safe(names[t])}: {_say_gain(gain, t, says[t])}")
        parts.append(tag("g", title + named + _mark(gain, t, says[t], scale, y)))
    parts.append(
        text(
            (left + width) / 2,
            bottom + 34,
            "share of the loss that sharing takes away",
            text_anchor="middle",
        )
    )
    return svg(width, bottom + 42, "".join(parts), f"Gains of {len(order)} tasks, best first")
