"""Figures of one task: how it was learned, and how its predictions meet its labels."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._intervals import wilson
from skmtl.inspection._words import plain
from skmtl.inspection.report._svg import Axes, dots, line, padded, tag
from skmtl.metrics import task_calibration_curve

# Below, a curve would show chance.
FEWEST_LABELS = 20
MOST_BINS, MOST_EPOCHS = 8, 120


def learning_curve(task):
    """Loss by epoch, training and validation; "" for a model without epochs."""
    curves = {kind: loss for kind, loss in task.curves.items() if np.isfinite(loss).any()}
    if not curves:
        return ""
    n_epochs = len(next(iter(curves.values())))
    shown = np.unique(np.linspace(0, n_epochs - 1, MOST_EPOCHS).round().astype(int))
    losses = np.concatenate([loss[shown] for loss in curves.values()])
    axes = Axes((1, max(n_epochs, 2)), padded(losses), x_title="epoch", y_title="loss")
    drawn = [
        tag("path", d=line(axes.x(shown + 1), axes.y(loss[shown])), cls=f"curve {kind}")
        for kind, loss in curves.items()
    ]
    label = f"Loss of {task.key} by epoch"
    return axes.render("".join(drawn), label)


def answer_figure(task, most_dots):
    """Calibration of classes, else predicted against observed; "" where labels are too few."""
    if len(task.predictions.rows) < FEWEST_LABELS:
        return ""
    if task.predictions.task.is_classification:
        return calibration(task)
    if task.predictions.task.has_times:
        return predicted_against_observed_times(task, most_dots)
    return predicted_against_observed(task, most_dots)


def predicted_against_observed(task, most_dots):
    """A dot a label, with its interval if there is one; the diagonal is a perfect prediction.

    Intervals that miss their label do not meet the diagonal, and are drawn stronger.
    """
    observed, predicted = (
        values.astype(float) for values in (task.predictions.labels, task.predictions.decided)
    )
    interval = task.predictions.interval
    both = upright = padded(np.concatenate([observed, predicted]))
    if interval is not None:
        interval = np.where(np.isfinite(interval), interval, predicted[:, None])
        upright = padded(np.concatenate([interval.ravel(), both]), 0.0)
    # Evenly through the sorted labels: the extremes are always there.
    order = np.argsort(observed, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, most_dots).round().astype(int))]
    axes = Axes(both, upright, x_title="observed", y_title="predicted")
    ends = np.array(both)
    diagonal = tag("path", d=line(axes.x(ends), axes.y(ends)), cls="ideal")
    cloud = tag("path", d=dots(axes.x(observed[shown]), axes.y(predicted[shown])), cls="dots")
    if interval is not None:
        low, high = task.predictions.interval.T
        missed = ((observed < low) | (observed > high))[shown]
        for rows, look in ((shown[missed], "whisker"), (shown[~missed], "whisker faint")):
            reach = zip(axes.x(observed[rows]), *axes.y(interval[rows]).T, strict=True)
            whiskers = "".join(line((at, at), (low, high)) for at, low, high in reach)
            cloud = tag("path", d=whiskers, cls=look) + cloud if whiskers else cloud
    return axes.render(diagonal + cloud, f"Predicted against observed {task.key}")


def predicted_against_observed_times(task, most_dots):
    """The same of times, on logarithmic scales, in two colours: with and without an event."""
    labels, predicted = task.predictions.labels.astype(float), task.predictions.expected
    known = np.flatnonzero(np.isfinite(predicted))
    if not len(known):
        return ""
    observed, predicted = np.log10(np.abs(labels[known])), np.log10(predicted[known])
    both, order = padded(np.concatenate([observed, predicted])), np.argsort(observed, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, most_dots).round().astype(int))]
    axes = Axes(both, both, x_title="observed", y_title="predicted")
    ends, seen = np.array(both), labels[known][shown] > 0
    drawn = tag("path", d=line(axes.x(ends), axes.y(ends)), cls="ideal")
    for rows, look in ((shown[~seen], "dots unseen"), (shown[seen], "dots")):
        drawn += tag("path", d=dots(axes.x(observed[rows]), axes.y(predicted[rows])), cls=look)

    def units(value):
        return f"{10.0**value:.2g}"

    label = f"Predicted against observed {task.key}"
    return axes.render(drawn, label, x_format=units, y_format=units)


def calibration(task):
    """Observed share against predicted probability, with 95% intervals of the shares."""
    predictions, n_labels = task.predictions, len(task.predictions.rows)
    (curve,) = task_calibration_curve(
        predictions.labels,
        [predictions.expected],
        n_bins=int(np.clip(n_labels // FEWEST_LABELS, 2, MOST_BINS)),
        strategy="quantile",
        # The interval needs numbers of labels, whatever the scale of the weights.
        sample_weight=predictions.weight / predictions.weight.mean(),
        tasks=[predictions.task],
    ).values()
    low, high = wilson(curve.observed, curve.count)
    # Of a rare class all is near zero.
    top = min(1.0, 1.1 * max(curve.predicted.max(), high.max()))
    title = "probability of the predicted class"
    if len(predictions.task.classes_) == 2:
        title = f"predicted probability of {plain(predictions.task.classes_[1])}"
    axes = Axes((0.0, top), (0.0, top), x_title=title, y_title="observed share")
    ends = np.array([0.0, top])
    x, points = axes.x(curve.predicted), axes.y(curve.observed)
    pairs = zip(x, axes.y(low), axes.y(high), strict=True)
    whiskers = "".join(line((at, at), (bottom, above)) for at, bottom, above in pairs)
    drawn = [
        tag("path", d=line(axes.x(ends), axes.y(ends)), cls="ideal"),
        tag("path", d=whiskers, cls="whisker"),
        tag("path", d=line(x, points), cls="curve"),
        tag("path", d=dots(x, points), cls="dots large"),
    ]
    return axes.render("".join(drawn), f"Calibration of {task.key}")


def where_labels_are(task, n_parts=60):
    """Share of observed labels along the rows; "" where all or none are."""
    if task.coverage in (0.0, 1.0):
        return ""
    n_parts = min(n_parts, task.n_rows)
    edges = np.linspace(0, task.n_rows, n_parts + 1)
    found, _ = np.histogram(task.rows, edges)
    share = found / np.histogram(np.arange(task.n_rows), edges)[0]
    axes = Axes((0, task.n_rows), (0, 1), height=120, x_title="row", y_title="observed")
    steps = np.repeat(axes.x(edges), 2)[1:-1], np.repeat(axes.y(share), 2)
    x_end, bottom = axes.x(edges[-1]), axes.y(0)
    area = f"{line(*steps)}L{x_end:.1f} {bottom:.1f}H{axes.x(0):.1f}Z"
    return axes.render(
        tag("path", d=area, cls="area"), f"Share of observed labels of {task.key} by row"
    )
