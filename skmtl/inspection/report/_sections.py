"""What the parts of the page say, but for the table and the tasks one by one."""

from __future__ import annotations

import numpy as np

from skmtl.inspection._words import count, number, percent, plural
from skmtl.inspection.report._affinity_figure import affinity_figure
from skmtl.inspection.report._bars import labels_a_row
from skmtl.inspection.report._gain_figures import gain_figure
from skmtl.inspection.report._importance_figure import importance_figure
from skmtl.inspection.report._text import safe, scroll


def score_note(findings):
    if findings.metric is not None:
        metric = getattr(findings.metric, "__name__", findings.metric)
        return f"The score is <code>{safe(metric)}</code>; higher is better."
    if findings.kind == "classification":
        return "The score is the accuracy: the share of labels that are predicted."
    if findings.has_shares:
        return _share_note(findings)
    if findings.kind == "regression":
        return "The score is R²: 1 is perfect, 0 no better than the mean of the labels."
    times = ""
    if any(task.predictions.task.has_times for task in findings.tasks):
        times = ", Somers' D for times until an event (twice the concordance, less 1)"
    return (
        "The score is the share of deviance explained: R² for numbers, explained deviance for "
        f"counts and classes{times}. 1 is perfect, 0 no better than the best constant."
    )


def _share_note(findings):
    """What a share of deviance is, and what stands beside it in units."""
    units = {name for task in findings.tasks for name in task.measures}
    said = ["MAE is the mean absolute error, by how much a number is off"] if "mae" in units else []
    said += ["of classes such a share is predicted right"] if "accuracy" in units else []
    said += ["AUC is the area under the ROC curve"] if "roc_auc" in units else []
    beside = f" In units: {'; '.join(said)}." if said else ""
    return (
        "Explained is the share of the loss of the best constant that the model takes away: of "
        "squared error for numbers (R²), of deviance for counts and classes. 100% is perfect, 0% "
        f"no better than the constant. {100 * findings.confidence:g}% intervals are from the "
        f"splits.{beside}"
    )


def importance_part(findings):
    found = findings.importance
    if found is None:
        return ""
    label = "Importance of features, mean of the tasks"
    nothing = np.full((len(found.feature_names), 2), np.nan)
    figure = importance_figure(found.feature_names, found._means, nothing, label)
    where = "unseen rows" if findings.n_splits else "the data given"
    return (
        '<section id="importance"><h2>Which features matter</h2><p>How much a score falls, as a '
        f"mean of the tasks, where a feature is shuffled among {where}. Features that say the same "
        "stand in for each other. Each task has its own below.</p>"
        f'<div class="wide">{figure}</div></section>'
    )


def gains_part(findings):
    gain = findings.gain
    if gain is None:
        return (
            "<p>Nothing is known yet: a gain needs several tasks and splits (<code>cv</code>), on "
            "which the model is compared with learning each task alone.</p>"
        )
    figure = gain_figure(gain, [task.key for task in findings.tasks])
    figure = f'<div class="wide">{figure}</div>' if figure else "<p>No split evaluates a task.</p>"
    return (
        "<p>The gain of a task is the share of its loss that goes away when it is learned with the "
        f"others instead of alone, on the same unseen rows. Intervals ({100 * gain.confidence:g}%) "
        "are from the splits; only where one lies wholly on one side of zero there is evidence. A "
        "task by itself may have too few labels for that, where all together have enough.</p>"
        f"{figure}"
        '<p class="muted">▲ sharing helps, ▼ sharing harms, ○ unclear, or '
        "not learned: no better than a constant, together or alone. An arrow at the end of an "
        "interval: it goes on. Among many tasks some intervals leave zero out by chance: up to "
        f"one in {round(1 / max(1 - gain.confidence, 1e-9))}.</p>"
    )


def affinity_part(findings):
    affinity = findings.affinity
    if affinity is None:
        return "<p>No method was chosen (<code>affinity</code>), or none fits this model.</p>"
    figure, legend = affinity_figure(affinity, [task.key for task in findings.tasks])
    how = {
        "tag": "what a step along the gradient of one task does to the loss of the other",
        "grad_cosine": "cosine between the gradients of two tasks while the network trains",
        "pairwise": "gain of one task from being learned with the other",
        "coef_cosine": "cosine between the coefficients of two tasks, each learned alone",
        "residual_correlation": "correlation of residuals in rows that have both labels",
    }.get(affinity.method, affinity.method)
    return (
        f"<p>Affinity here is the {safe(how)}. It is a hint which tasks to learn together, no "
        "evidence: affinities predict gains poorly, so check a grouping by its gains. Similar "
        f"tasks are side by side.{_noise(affinity)}</p>"
        f"{scroll(figure, 'Affinity of all pairs of tasks')}<div class='legend'>{legend}</div>"
    )


def _noise(affinity):
    """From where on colours mean something."""
    if affinity.noise is None or not np.isfinite(affinity.noise):
        return " How far chance moves them is not known."
    n_pairs = affinity.is_clear[np.triu_indices(len(affinity.affinity), 1)]
    least = number(2 * affinity.noise, 2)
    return (
        f" Only what is beyond twice the noise has a colour ({least}, from two halves of the "
        f"rows): {count(n_pairs.sum())} of {plural(len(n_pairs), 'pair')}."
    )


def coverage_part(findings):
    if findings.is_long or len(findings.tasks) < 2:
        return ""
    share = np.mean([task.coverage for task in findings.tasks])
    if share == 1.0:
        return '<section id="coverage"><h2>Missing labels</h2><p>No label is missing.</p></section>'
    figure = labels_a_row(findings.tasks, findings.n_rows)
    return (
        f'<section id="coverage"><h2>Missing labels</h2><p>{percent(1 - share)} of the labels are '
        "missing. Rows with labels of several tasks are where tasks can be compared directly.</p>"
        f'<div class="wide">{figure}</div></section>'
    )
