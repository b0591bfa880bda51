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
from skmtl.inspection._words import count, number, percent, plural, shorten
from skmtl.inspection.report._sections import (
    affinity_part,
    coverage_part,
    gains_part,
    importance_part,
    score_note,
)
from skmtl.inspection.report._summary import columns, ranking_score
from skmtl.inspection.report._table import task_table
from skmtl.inspection.report._task_part import task_part
from skmtl.inspection.report._text import name, safe

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
        score=score_note(findings),
        gains=gains_part(findings),
        importance=importance_part(findings),
        to_importance="" if findings.importance is None else TO_IMPORTANCE,
        affinity=affinity_part(findings),
        coverage=coverage_part(findings),
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
