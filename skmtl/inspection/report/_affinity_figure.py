"""Affinities as a heat map with similar tasks side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.inspection._words import fixed, shorten
from skmtl.inspection.displays._heat_map import cluster_order, hide_diagonal
from skmtl.inspection.report._svg import short, svg, tag, text
from skmtl.inspection.report._text import safe

# As many names, and cells with a text each, as a page of reasonable size can hold.
MOST_NAMED, MOST_CELLS_WITH_TEXT = 40, 30
LEVELS = 5


def affinity_figure(affinity, names):
    """Heat map with similar tasks side by side; the diagonal is left out."""
    others = hide_diagonal(affinity.affinity)
    order = cluster_order(others)
    drawn = others[np.ix_(order, order)]
    ordered = [names[t] for t in order]
    n_tasks, has_names = len(order), len(order) <= MOST_NAMED
    cell = 22 if n_tasks <= 25 else max(4, 560 // n_tasks)
    labels = [shorten(task, 30) for task in ordered]
    edge = 14 + 6.5 * max(map(len, labels)) if has_names else 4
    levels, largest = _levels(np.where(affinity.is_clear[np.ix_(order, order)], drawn, 0.0), drawn)
    cells = _single_cells if n_tasks <= MOST_CELLS_WITH_TEXT else _merged_cells
    parts = [
        tag(
            "g",
            cells(drawn, levels, ordered, cell),
            transform=f"translate({short(edge)} {short(edge)})",
        )
    ]
    if has_names:
        for place, label in enumerate(map(safe, labels)):
            middle = edge + cell * (place + 0.5)
            parts.append(text(edge - 6, middle + 4, label, text_anchor="end"))
            turned = f"translate({short(middle + 4)} {short(edge - 6)}) rotate(-90)"
            parts.append(tag("text", label, transform=turned))
    side = edge + cell * n_tasks + 4
    figure = svg(side, side, "".join(parts), f"Affinity of {n_tasks} tasks, similar ones together")
    return figure, _legend(largest)


def _levels(clear, values):
    """Whole numbers from -LEVELS to LEVELS; zero stays zero, as what is not clear."""
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max()) if len(known) and known.max() > 0 else 1.0
    return np.rint(np.nan_to_num(clear) / largest * LEVELS).astype(int), largest


def _class_of(level):
    return f"p{level}" if level > 0 else f"n{-level}" if level < 0 else "none"


def _single_cells(values, levels, names, cell):
    """A square and a text for each pair."""
    parts = []
    for i, j in np.argwhere(np.isfinite(values)).tolist():
        title = tag("title", f"{safe(names[i])}, {safe(names[j])}: {fixed(values[i, j])}")
        square = _box(cell * j, cell * i, cell, cell)
        parts.append(tag("path", title, d=square, cls=_class_of(levels[i, j])))
    return "".join(parts) + _missing(values, cell)


def _merged_cells(values, levels, names, cell):
    """All runs of a colour as one path, and a text per row: which tasks are closest."""
    paths: dict[Any, Any] = {}
    known = np.isfinite(values)
    for i, (row, seen) in enumerate(zip(levels, known, strict=True)):
        changes = np.flatnonzero((np.diff(row) != 0) | (np.diff(seen) != 0)) + 1
        starts, ends = np.r_[0, changes], np.r_[changes, len(row)]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if seen[start]:
                run = _box(cell * start, cell * i, cell * (end - start), cell)
                paths.setdefault(int(row[start]), []).append(run)
    parts = [
        tag("path", d="".join(runs), cls=_class_of(level)) for level, runs in sorted(paths.items())
    ]
    for i, row in enumerate(values):
        near = closest(row, 3)
        title = f"{safe(names[i])}: closest " + ", ".join(
            f"{safe(names[j])} ({fixed(row[j])})" for j in near
        )
        strip = _box(0, cell * i, cell * len(row), cell)
        parts.append(tag("path", tag("title", title), d=strip, cls="touch"))
    return "".join(parts) + _missing(values, cell)


def _box(x, y, width, height):
    return f"M{x} {y}h{width}v{height}h-{width}z"


def _missing(values, cell):
    """Crosses where nothing is known of a pair."""
    pairs = np.argwhere(~np.isfinite(values) & ~np.eye(len(values), dtype=bool)).tolist()
    crosses = "".join(f"M{cell * j + 2} {cell * i + 2}l{cell - 4} {cell - 4}" for i, j in pairs)
    return tag("path", d=crosses, cls="unknown") if crosses else ""


def closest(row, most):
    """Positions of the largest known values, largest first."""
    order = np.argsort(-np.nan_to_num(row, nan=-np.inf), kind="stable")
    return [j for j in order[:most].tolist() if np.isfinite(row[j])]


def _legend(largest):
    """What the colours mean."""
    width = 26
    squares = [
        tag("path", d=_box(width * k, 0, width, 14), cls=_class_of(k - LEVELS))
        for k in range(2 * LEVELS + 1)
    ]
    end = width * (2 * LEVELS + 1)
    texts = [
        text(0, 30, fixed(-largest)),
        text(end / 2, 30, "0", text_anchor="middle"),
        text(end, 30, fixed(largest), text_anchor="end"),
    ]
    label = f"Colours from {fixed(-largest)} to {fixed(largest)}"
    return svg(end, 36, "".join(squares + texts), label)
