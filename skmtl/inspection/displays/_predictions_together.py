"""Predictions of many tasks, drawn together by family."""

from typing import Any

import numpy as np

from skmtl.inspection.displays._canvas import ink
from skmtl.inspection.displays._colours import BLUE, GREY, ORANGE, PURPLE, SEQUENTIAL, VERMILION
from skmtl.inspection.displays._labels import legend, literal
from skmtl.inspection.displays._predicted import GRID
from skmtl.inspection.displays._prediction_panel import SCORES, draw_diagonal, frame_rates, say

# Tasks with the lowest scores are named.
N_WORST = 3


def _worst(tasks):
    """The tasks with the lowest scores, lowest first."""
    known = [task for task in tasks if not np.isnan(task.score)]
    return sorted(known, key=lambda task: task.score)[:N_WORST]


def _title(ax, tasks, what):
    scores = np.array([task.score for task in tasks if not np.isnan(task.score)])
    span = ""
    if len(scores):
        name = SCORES[tasks[0].family]
        span = f"\n{name} {scores.min():.2f} to {scores.max():.2f}, median {np.median(scores):.2f}"
    ax.set_title(f"{len(tasks)} tasks: {what}{span}", fontsize="medium")


def _draw_numbers_together(ax, tasks):
    columns = []
    for task in tasks:
        if len(task.labels):
            center = np.average(task.labels, weights=task.weight)
            scale = np.sqrt(np.average((task.labels - center) ** 2, weights=task.weight)) or 1.0
            columns.append((np.stack([task.predicted, task.labels]) - center) / scale)
    _title(ax, tasks, "numbers")
    if not columns:
        return say(ax, "no label")
    predicted, observed = np.hstack(columns)
    hexagons = ax.hexbin(predicted, observed, gridsize=40, bins="log", cmap=SEQUENTIAL, mincnt=1)
    draw_diagonal(ax, predicted, observed)
    ax.set(xlabel="predicted (standard deviations)", ylabel="observed (standard deviations)")
    ax.figure.colorbar(hexagons, ax=ax, label="labels", aspect=30, pad=0.02)
    _name_worst(ax, _worst(tasks))
    return hexagons


def _draw_times_together(ax, tasks):
    _title(ax, tasks, "times")
    known = [task for task in tasks if not np.isnan(task.score)]
    if not known:
        return say(ax, "no event")
    events = [int((task.labels > 0).sum()) for task in known]
    points = ax.scatter(events, [t.score for t in known], s=18, color=BLUE, alpha=0.7, linewidths=0)
    _name_worst(ax, _worst(known))
    ax.axhline(0.5, color=ink(ax), linewidth=1, linestyle="--")
    ax.set(xscale="log", xlabel="events", ylabel="concordance")
    return points


def _name_worst(ax, worst):
    text = "\n".join(f"{literal(task.name)}: {task.score:.2f}" for task in worst)
    if text:
        ax.text(
            0.03,
            0.97,
            f"lowest scores\n{text}",
            va="top",
            fontsize="small",
            transform=ax.transAxes,
            bbox={"facecolor": ax.get_facecolor(), "alpha": 0.8, "linewidth": 0},
        )


def _draw_curves_together(ax, tasks):
    _title(ax, tasks, "classes")
    drawn = [(task, task.mean_curve()) for task in tasks if task.curves]
    if not drawn:
        return say(ax, "one class only")
    lines = [ax.plot(GRID, curve, color=GREY, alpha=0.4, linewidth=0.7)[0] for _, curve in drawn]
    worst = _worst(tasks)
    handles: list[Any] = []
    names: list[Any] = []
    for color, task in zip((VERMILION, ORANGE, PURPLE), worst, strict=False):
        line = lines[next(k for k, (other, _) in enumerate(drawn) if other is task)]
        line.set(color=color, alpha=1.0, linewidth=1.6, zorder=3)
        handles, names = [*handles, line], [*names, f"{task.name}: {task.score:.2f}"]
    mean = np.mean([curve for _, curve in drawn], axis=0)
    middle = ax.plot(GRID, mean, color=BLUE, linewidth=2.5, zorder=4)[0]
    handles, names = [*handles, middle], [*names, "mean of the tasks"]
    legend(ax, handles, names, fontsize="small", title="lowest AUC", loc="lower right")
    frame_rates(ax)
    return lines


def _draw_labels_together(ax, tasks):
    _title(ax, tasks, "labels")
    known = [task for task in tasks if len(task.labels)]
    if not known:
        return say(ax, "no label")
    base = np.array([_share_of_most_frequent(task) for task in known])
    score = np.array([task.score for task in known])
    points = ax.scatter(base, score, s=18, color=BLUE, alpha=0.7, linewidths=0)
    _name_worst(ax, _worst(known))
    ax.plot([0, 1], [0, 1], color=ink(ax), linewidth=1, linestyle="--")
    ax.set(xlabel="share of the most frequent class", ylabel="share predicted right")
    lowest = min(base.min(), score.min()) - 0.05
    ax.set(xlim=(lowest, 1.02), ylim=(lowest, 1.02))
    return points


def _share_of_most_frequent(task):
    _, codes = np.unique(task.labels, return_inverse=True)
    return np.bincount(codes, task.weight).max() / task.weight.sum()


DRAW_TOGETHER = {
    "numbers": _draw_numbers_together,
    "times": _draw_times_together,
    "curves": _draw_curves_together,
    "labels": _draw_labels_together,
}
