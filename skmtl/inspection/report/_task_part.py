"""The part of the page that one task has to itself."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._intervals import COVERAGE, covered, wilson
from skmtl.inspection._words import count, fixed, number, percent, plural, significant
from skmtl.inspection.report._affinity_figure import closest
from skmtl.inspection.report._bars import dots_line
from skmtl.inspection.report._importance_figure import importance_figure
from skmtl.inspection.report._in_units import say_in_units
from skmtl.inspection.report._svg import padded
from skmtl.inspection.report._table import VERDICTS
from skmtl.inspection.report._task_figures import (
    FEWEST_LABELS,
    answer_figure,
    learning_curve,
    where_labels_are,
)
from skmtl.inspection.report._text import name, safe, scroll

WORST_ROWS, MOST_CLASSES, NEIGHBOURS = 5, 6, 3


def task_part(findings, t, most_dots):
    """A section that opens and closes; the target of its links is inside, so that they open it."""
    task = findings.tasks[t]
    figures = [
        _figure(learning_curve(task), _curve_caption(task)),
        _figure(answer_figure(task, most_dots), _answer_caption(findings, task)),
        _figure(_importances(findings, t), "What each feature is worth: how far the score falls."),
        _figure(
            where_labels_are(task) if not findings.is_long else "",
            "Where in the table the labels are observed.",
        ),
    ]
    kind = task.predictions.task.alias
    return (
        f'<details class="task"><summary><h3>{name(task.key)}</h3> '
        f'<span class="muted">{safe(kind)}, {plural(len(task.rows), "label")}</span></summary>'
        f'<div class="part" id="task-{t + 1}" tabindex="-1">'
        f"{_facts(findings, t)}{_too_few(task)}"
        f'<div class="figures">{"".join(figures)}</div>'
        f"{_worst_rows(findings, task)}"
        '<p class="back"><a href="#tasks">Back to all tasks</a></p></div></details>'
    )


def _importances(findings, t):
    found = findings.importance
    if found is None:
        return ""
    label = f"Importance of features for {findings.tasks[t].key}"
    return importance_figure(
        found.feature_names, found.importance[:, t], found.interval[:, t], label
    )


def _figure(drawing, caption):
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>" if drawing else ""


def _too_few(task):
    if not len(task.predictions.rows):
        return "<p>There is no label to compare predictions with.</p>"
    if len(task.predictions.rows) < FEWEST_LABELS:
        return (
            f"<p>Fewer than {FEWEST_LABELS} labels: a score or a curve of so few says little.</p>"
        )
    return ""


def _facts(findings, t):
    task = findings.tasks[t]
    facts = [
        ("Labels", f"{count(len(task.rows))} of {count(task.n_rows)} ({percent(task.coverage)})"),
        ("Observed", _observed(task)),
        ("Score on the data given", number(task.score)),
    ]
    if findings.n_splits:
        facts.append(("Score on unseen rows", _fold_scores(task)))
    if task.measures:
        facts.append(("In units", say_in_units(task.measures)))
    if task.predictions.interval is not None:
        facts.append(("Covered by intervals", _covered(task.predictions)))
    if findings.gain is not None:
        facts.append(("Gain by sharing", _gain(findings.gain, t)))
    if findings.affinity is not None:
        facts.append(("Closest tasks", _neighbours(findings, t)))
    listed = "".join(f"<div><dt>{head}</dt><dd>{body}</dd></div>" for head, body in facts)
    return f'<dl class="facts">{listed}</dl>'


def _observed(task):
    """The labels in a line: shares of classes, or mean, deviation and range."""
    predictions = task.predictions
    if not len(predictions.rows):
        return number(float("nan"))
    if not predictions.task.is_classification:
        values = predictions.labels.astype(float)
        if predictions.task.has_times:
            return _observed_times(values)
        return (
            f"mean {significant(values.mean())}, deviation {significant(values.std())}, "
            f"from {significant(values.min())} to {significant(values.max())}"
        )
    found, counts = np.unique(predictions.labels, return_counts=True)
    order = list(getattr(predictions.task, "ordered_classes_", found))
    pairs = zip(found.tolist(), counts.tolist(), strict=True)
    in_order = sorted(pairs, key=lambda pair: order.index(pair[0]) if pair[0] in order else np.inf)
    shown = [
        f"{name(label)}: {percent(n / len(predictions.rows))}"
        for label, n in in_order[:MOST_CLASSES]
    ]
    if len(in_order) > MOST_CLASSES:
        shown.append(f"{len(in_order) - MOST_CLASSES} more classes")
    return ", ".join(shown)


def _observed_times(values):
    n_events, times = int((values > 0).sum()), np.abs(values)
    return (
        f"{plural(n_events, 'event')}, {plural(len(values) - n_events, 'time')} without one, "
        f"from {significant(times.min())} to {significant(times.max())}"
    )


def _fold_scores(task):
    if not np.isfinite(task.cv_score):
        return "no split has a score"
    known = task.fold_scores[np.isfinite(task.fold_scores)]
    said = f"{number(task.cv_score)} ± {number(task.cv_std)} over {plural(len(known), 'split')}"
    limits = padded([*known, 0.0, 1.0] if known.min() > -1 else known)
    listed = ", ".join(number(score) for score in known)
    return f"{said} {dots_line(known, task.cv_score, limits, f'Splits: {listed}')}"


def _covered(predictions):
    """Share of the labels inside of their intervals, and what chance leaves open of it."""
    share, n = covered(predictions.labels, predictions.interval, predictions.weight)
    if not n:
        return "no interval is known"
    low, high = wilson(share, n)
    return (
        f"{percent(share)} of {plural(n, 'label')} ({percent(low)} to {percent(high)}), "
        f"intervals of {percent(COVERAGE)}"
    )


def _gain(gain, t):
    if not np.isfinite(gain.gain[t]):
        return "no split can evaluate it"
    low, high = gain.interval[t]
    between = f" ({percent(low, sign=True)} to {percent(high, sign=True)})"
    return (
        f"{percent(gain.gain[t], sign=True)}{between if np.isfinite(low + high) else ''}: "
        f"{VERDICTS[gain.verdicts[t]]}"
    )


def _neighbours(findings, t):
    row = np.array(findings.affinity.affinity[t], dtype=float)
    row[t] = np.nan
    near = closest(row, NEIGHBOURS)
    if not near:
        return "nothing is known"
    return ", ".join(
        f'<a href="#task-{j + 1}">{name(findings.tasks[j].key)}</a> {fixed(row[j])}' for j in near
    )


def _curve_caption(task):
    if "validation_loss" in task.curves:
        keys = [("loss", "training"), ("validation_loss", "validation")]
        shown = " and ".join(f'<span class="key {kind}">{word}</span>' for kind, word in keys)
        return f"Loss by epoch: {shown}."
    return "Loss on the training rows by epoch."


def _answer_caption(findings, task):
    source = "on unseen rows" if findings.n_splits else "on the data given"
    if task.predictions.task.is_classification:
        return (
            f"Calibration {source}: bins of equally many labels, with 95% intervals; on the "
            "dashed line probabilities are what they say."
        )
    text = f"Predicted against observed {source}; on the dashed line they are equal."
    if task.predictions.interval is not None:
        text += f" Lines are intervals of {percent(COVERAGE)}; strong ones miss their label."
    if task.predictions.task.has_times:
        text += " Without an event so far (grey) the time is longer than observed."
    return text


def _worst_rows(findings, task):
    predictions = task.predictions
    worst = np.argsort(-predictions.loss, kind="stable")[:WORST_ROWS]
    worst = worst[predictions.loss[worst] > 0] if len(worst) else worst
    if not len(worst):
        return ""
    rows = []
    for k, predicted in zip(worst.tolist(), predictions.decided[worst], strict=True):
        row = predictions.rows[k]
        label = row if findings.row_names is None else findings.row_names[row]
        cells = _label_cells(predictions, k, predicted)
        rows.append(f'<tr><th scope="row">{name(label)}</th>{cells}</tr>')
    heads = ["Row", "Observed", "Predicted", "Loss"]
    if predictions.task.is_classification:
        heads[2:3] = ["Predicted", "Probability of the observed"]
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    source = "unseen when predicted" if findings.n_splits else "on the data given"
    table = (
        f"<table><caption><span>Rows with the largest loss ({source}): look for wrong labels "
        f"first.</span></caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
    return scroll(table, f"Worst rows of {task.key}")


def _label_cells(predictions, k, predicted):
    loss = f'<td class="number">{significant(predictions.loss[k])}</td>'
    if not predictions.task.is_classification:
        label = float(predictions.labels[k])
        longer = "&gt; " if predictions.task.has_times and label < 0 else ""
        observed = significant(abs(label) if longer else label)
        return (
            f'<td class="number">{longer}{observed}</td>'
            f'<td class="number">{significant(float(predicted))}</td>{loss}'
        )
    known = np.flatnonzero(predictions.task.classes_ == predictions.labels[k])
    share = float(predictions.expected[k, known[0]]) if len(known) else 0.0
    return (
        f"<td>{name(predictions.labels[k])}</td><td>{name(predicted)}</td>"
        f'<td class="number">{number(share)}</td>{loss}'
    )
