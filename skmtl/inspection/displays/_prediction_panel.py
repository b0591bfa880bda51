"""Predictions of one task in a panel of its own."""

import numpy as np

from skmtl.inspection.displays._canvas import ink
from skmtl.inspection.displays._colours import BLUE, GREY, series, share_colours
from skmtl.inspection.displays._heat_map import draw_matrix
from skmtl.inspection.displays._labels import legend, literal

# Points of a panel, evenly spaced among the rows; classes whose curves are named.
MOST_POINTS, MOST_NAMED = 2000, 6
SCORES = {"numbers": "R²", "times": "concordance", "curves": "AUC", "labels": "accuracy"}


def draw_task(ax, task):
    """One task in a panel of its own; returns what was drawn."""
    score = "" if np.isnan(task.score) else f"\n{SCORES[task.family]} {task.score:.2f}"
    if not np.isnan(task.covered):
        score += f"{', ' if score else chr(10)}{100 * task.covered:.0f} % inside"
    ax.set_title(f"{literal(task.name)}{score}", fontsize="medium")
    if not len(task.labels):
        return say(ax, "no label")
    if task.family == "curves" and not task.curves:
        return say(ax, "one class only")
    return DRAW[task.family](ax, task)


def say(ax, text):
    ax.set(xticks=[], yticks=[])
    ax.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=ax.transAxes)


def _draw_numbers(ax, task):
    step = -(-len(task.labels) // MOST_POINTS)
    drawn = task.predicted[::step], task.labels[::step]
    draw_diagonal(ax, *drawn)
    ax.set(xlabel="predicted", ylabel="observed")
    if task.interval is not None:
        ends = task.interval[::step]
        known = np.isfinite(ends).all(axis=1)
        ax.vlines(drawn[0][known], *ends[known].T, color=GREY, linewidth=1, alpha=0.4, zorder=0)
    return ax.scatter(*drawn, s=10, color=BLUE, alpha=0.5, linewidths=0)


def _draw_times(ax, task):
    step = -(-len(task.labels) // MOST_POINTS)
    predicted, labels = task.predicted[::step], task.labels[::step]
    shown = np.isfinite(predicted) & (predicted > 0)
    if not shown.any():
        return say(ax, "no event")
    predicted, times, seen = predicted[shown], np.abs(labels[shown]), labels[shown] > 0
    draw_diagonal(ax, predicted, times)
    ax.set(xscale="log", yscale="log", xlabel="predicted", ylabel="observed")
    looks = (
        (seen, "event", {"color": BLUE, "alpha": 0.5, "linewidths": 0}),
        # The event is above.
        (~seen, "no event yet", {"edgecolors": GREY, "facecolors": "none", "marker": "^"}),
    )
    points = [ax.scatter(predicted[rows], times[rows], s=14, **look) for rows, _, look in looks]
    legend(ax, points, [name for _, name, _ in looks], fontsize="x-small", loc="lower right")
    return points


def draw_diagonal(ax, *values):
    drawn = np.concatenate(values)
    ends = [drawn.min(), drawn.max()]
    ax.plot(ends, ends, color=ink(ax), linewidth=1, linestyle="--")


def _draw_curves(ax, task):
    lines = []
    for position, (_, rates) in enumerate(task.curves):
        look = series(position) if len(task.curves) <= MOST_NAMED else {"color": BLUE, "alpha": 0.4}
        lines.append(ax.plot(*rates, **look)[0])
    if 1 < len(task.curves) <= MOST_NAMED:
        classes = [label for label, _ in task.curves]
        legend(ax, lines, classes, fontsize="x-small", loc="lower right", handlelength=1.5)
    frame_rates(ax)
    return lines


def frame_rates(ax):
    ax.plot([0, 1], [0, 1], color=ink(ax), linewidth=1, linestyle="--")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.set(xlabel="false positive rate", ylabel="true positive rate")


def _draw_labels(ax, task):
    classes, shares = task.confusion()
    names = classes.tolist()
    image = draw_matrix(ax, shares, share_colours(), rows=names, columns=names, numbers=".2f")
    ax.set(xlabel="predicted", ylabel="observed")
    return image


DRAW = {
    "numbers": _draw_numbers,
    "times": _draw_times,
    "curves": _draw_curves,
    "labels": _draw_labels,
}
