"""The page: what stands where, and what it says in words."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np
import sklearn

import skmtl
from skmtl._shown import joined
from skmtl.inspection._words import count, fixed, number, percent, plural, shorten
from skmtl.inspection.report._affinity_figure import affinity_figure
from skmtl.inspection.report._bars import labels_a_row
from skmtl.inspection.report._gain_figures import gain_figure
from skmtl.inspection.report._importance_figure import importance_figure
from skmtl.inspection.report._summary import columns, ranking_score
from skmtl.inspection.report._table import task_table
from skmtl.inspection.report._task_part import task_part
from skmtl.inspection.report._text import name, safe, scroll

# Dots of all predicted-against-observed figures together, and of one.
ALL_DOTS, MOST_DOTS, FEWEST_DOTS = 6000, 150, 40
MOST_FEATURES = 60
TO_IMPORTANCE = '<a href="#importance">Features</a> '


@cache
def _file(file_name):
    return files(__package__).joinpath(file_name).read_text(encoding="utf-8")


def build_page(findings):
    """The whole page as text."""
    style, script = _file("style.css"), _file("script.js")
    return Template(_file("page.html")).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        verdict=_verdict(findings),
        lead=_lead(findings),
        tiles=_tiles(findings),
        table=task_table(findings),
        score=_score_note(findings),
        gains=_gains(findings),
        importance=_importance(findings),
        to_importance="" if findings.importance is None else TO_IMPORTANCE,
        affinity=_affinity(findings),
        coverage=_coverage(findings),
        parts=_parts(findings),
        model=_model(findings),
        version=f"skmtl {safe(skmtl.__version__)}, scikit-learn {safe(sklearn.__version__)}",
    )


def _policy(style, script):
    """Nothing is loaded, and nothing runs but what stands here now."""
    hashes = [
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        for part in (style, script)
    ]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _verdict(findings):
    first, *more = findings.verdict
    kind = "unknown" if findings.gain is None else findings.gain.verdict
    rest = "".join(f"<p>{safe(sentence)}</p>" for sentence in more if sentence)
    return f'<p class="conclusion {kind}">{safe(first)}</p>{rest}'


def _lead(findings):
    labels = sum(len(task.rows) for task in findings.tasks)
    possible = sum(task.n_rows for task in findings.tasks)
    what = (
        f"<p>{plural(len(findings.tasks), 'task')}, {plural(findings.n_rows, 'row')}, "
        f"{plural(len(findings.feature_names), 'feature')}; {count(labels)} of "
        f"{count(possible)} labels are observed ({percent(labels / max(possible, 1))}).</p>"
    )
    if findings.n_splits:
        return what + (
            f"<p>Unless it says otherwise, numbers are from {findings.n_splits} splits: rows are "
            "predicted by models that have not seen them.</p>"
        )
    trained = (
        "The model was fitted before: the scores are optimistic if it was trained on these rows."
        if findings.was_fitted
        else "The model was trained on these very rows: the scores are optimistic."
    )
    return what + (
        f'<p class="notice">Scores are on the data given. {trained} Give <code>cv</code> to '
        "evaluate it on unseen rows.</p>"
    )


def _tiles(findings):
    """The numbers that one looks for first."""
    scores = np.array(columns(findings)[ranking_score(findings)], dtype=float)
    where = "on unseen rows" if findings.n_splits else "on the data given"
    said, what = (percent, "Explained") if findings.has_shares else (number, "Score")
    tiles = []
    if np.isfinite(scores).any():
        tiles.append((f"{what}, mean", said(np.nanmean(scores)), where))
        for head, t in (("Best", np.nanargmax(scores)), ("Worst", np.nanargmin(scores))):
            task = findings.tasks[t]
            of = f"{name(shorten(task.key, 28))} ({plural(len(task.rows), 'label')})"
            tiles.append((head, said(scores[t]), of))
    gain = findings.gain
    if gain is not None and gain._is_counted.any():
        between = ""
        if gain.verdict != "unknown":
            between = " to ".join(percent(end, sign=True) for end in gain.mean_interval)
        tiles.append(("Gain by sharing, mean", percent(gain.mean_gain, sign=True), between))
        gains = gain.gain[gain._is_counted]
        tiles.append(("Tasks that gain", count((gains > 0).sum()), f"of {count(len(gains))}"))
    return "".join(
        f'<div class="tile"><dt>{head}</dt>'
        f"<dd><strong>{value}</strong> <span>{more}</span></dd></div>"
        for head, value, more in tiles
    )


def _score_note(findings):
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


def _importance(findings):
    found = findings.importance
    if found is None:
        return ""
    known = np.isfinite(found.importance)
    mean = np.where(known, found.importance, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    nothing = np.full((len(mean), 2), np.nan)
    figure = importance_figure(
        found.feature_names, mean, nothing, "Importance of features, mean of the tasks"
    )
    where = "unseen rows" if findings.n_splits else "the data given"
    return (
        '<section id="importance"><h2>Which features matter</h2><p>How much a score falls, as a '
        f"mean of the tasks, where a feature is shuffled among {where}. Features that say the same "
        "stand in for each other. Each task has its own below.</p>"
        f'<div class="wide">{figure}</div></section>'
    )


def _gains(findings):
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


def _affinity(findings):
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
    return (
        f" Only what is beyond twice the noise has a colour ({fixed(2 * affinity.noise)}, from two "
        f"halves of the rows): {count(n_pairs.sum())} of {plural(len(n_pairs), 'pair')}."
    )


def _coverage(findings):
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


def _parts(findings):
    n_tasks = len(findings.tasks)
    most_dots = int(np.clip(ALL_DOTS // n_tasks, FEWEST_DOTS, MOST_DOTS))
    return "".join(task_part(findings, t, most_dots) for t in range(n_tasks))


def _model(findings):
    names = findings.feature_names
    shown = joined(map(name, names), MOST_FEATURES)
    return (
        f"<pre>{safe(findings.estimator)}</pre>"
        f"<details><summary>{plural(len(names), 'feature')}</summary><p>{shown}</p></details>"
    )
