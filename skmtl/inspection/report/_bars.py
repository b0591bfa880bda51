"""Small figures of counts and shares."""

from __future__ import annotations

import numpy as np

from skmtl.inspection.report._svg import Scale, line, short, svg, tag, text


def labels_a_row(tasks, n_rows):
    """Of how many tasks a row has the label: a bar for each number."""
    per_row = np.zeros(n_rows, dtype=int)
    for task in tasks:
        per_row[task.rows] += 1
    counts = np.bincount(per_row, minlength=len(tasks) + 1)
    width, bottom, top = 440, 130, 20
    pitch = (width - 20) / len(counts)
    scale = Scale(0, counts.max(), bottom, top)
    parts = []
    for k, found in enumerate(counts.tolist()):
        x = 10 + pitch * k
        title = tag("title", f"{found:,} rows with {k} labels")
        y = short(float(scale(found)))
        bar = f"M{short(x + 1)} {bottom}V{y}h{short(pitch - 2)}V{bottom}z"
        parts.append(tag("path", title, d=bar, cls="bar"))
        if len(counts) <= 25 or k % 10 == 0:
            parts.append(text(x + pitch / 2, bottom + 15, str(k), text_anchor="middle"))
        if found and len(counts) <= 15:
            above = f"{100 * found / n_rows:.0f}%"
            parts.append(text(x + pitch / 2, float(scale(found)) - 5, above, text_anchor="middle"))
    parts.append(text(width / 2, bottom + 33, "labels of a row", text_anchor="middle"))
    return svg(width, bottom + 40, "".join(parts), "Rows by number of their labels")


def share_bar(share, label, width=64, height=10):
    """A share as a bar: for a cell of the table."""
    filled = short(width * min(max(share, 0.0), 1.0))
    full = tag("path", d=f"M0 0h{width}v{height}h-{width}z", cls="trough")
    part = tag("path", d=f"M0 0h{filled}v{height}h-{filled}z", cls="bar")
    return svg(width, height, full + part, label)


def dots_line(values, mean, limits, label, width=320, height=26):
    """Values as dots on a line, their mean as a bar."""
    scale, middle = Scale(limits[0], limits[1], 6, width - 6), height / 2
    ring = "".join(
        f"M{short(float(x) - 4)} {short(middle)}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"
        for x in scale(values[np.isfinite(values)])
    )
    base = tag("path", d=line((6, width - 6), (middle, middle)), cls="grid")
    at = short(float(scale(mean)))
    return svg(
        width,
        height,
        base + tag("path", d=ring, cls="ring") + tag("path", d=f"M{at} 3V{height - 3}", cls="mean"),
        label,
    )
