"""Which features a task needs: bars with their intervals."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._words import number, plain, shorten
from skmtl.inspection.report._svg import Scale, short, svg, tag, text
from skmtl.inspection.report._text import safe

MOST_BARS = 10


def importance_figure(names, values, intervals, label):
    """A bar for each of the features that matter most, from zero; "" if none is known."""
    best = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:MOST_BARS]
    order = [j for j in best.tolist() if np.isfinite(values[j])]
    if not order:
        return ""
    labels = [shorten(names[j], 30) for j in order]
    left, pitch, top = 8 + 6.3 * max(map(len, labels)), 18, 2
    ends = np.nan_to_num(np.r_[values[order], intervals[order].ravel()])
    scale = Scale(min(ends.min(), 0.0), max(ends.max(), 1e-300), left + 6, left + 200)
    zero, parts = float(scale(0)), []
    for place, (j, said) in enumerate(zip(order, labels, strict=True)):
        y, end = top + pitch * (place + 0.5), float(scale(values[j]))
        bar = f"M{short(zero)} {short(y - 5)}H{short(end)}v10H{short(zero)}z"
        drawn = tag("path", d=bar, cls="bar")
        if np.isfinite(intervals[j]).all():
            low, high = scale(intervals[j]).tolist()
            drawn += tag("path", d=f"M{short(low)} {short(y)}H{short(high)}", cls="interval")
        title = tag("title", f"{safe(names[j])}: {number(values[j])}")
        drawn += text(left, y + 4, safe(said), text_anchor="end")
        drawn += text(left + 208, y + 4, number(values[j]))
        parts.append(tag("g", title + drawn))
    bottom = top + pitch * len(order)
    parts.append(tag("path", d=f"M{short(zero)} {top}V{bottom}", cls="zero"))
    return svg(left + 250, bottom + 4, "".join(parts), plain(label))
