"""Tables of records: errors per set, and all sets in a few numbers, by how blind they judge."""

from functools import partial

import numpy as np

from benchmarks.accuracy.data import TUNED
from benchmarks.accuracy.fresh import FRESH
from benchmarks.accuracy.ranks import mean_ranks, over_the_best
from benchmarks.accuracy.results import STUDIES
from benchmarks.common.report import Table

MARKS = {"tuned": " (tuned)", "judged": "", "fresh": " (fresh)"}


def of_study(study, records, value):
    """{set: {method: number}}, with what could not run left out; in the order of the study."""
    found = {}
    for name in STUDIES[study].sets:
        row = {}
        for method in STUDIES[study].methods:
            record = records.get((study, name, method), {})
            if np.isfinite(record.get(value, np.nan)):
                row[method] = record[value]
        if row:
            found[name] = row
    return found


def errors_per_set(study, records, value, title, *, best=min, markdown, decimals=1):
    """A row per set, a column per method; the best is marked, and what is printed like it."""
    found = of_study(study, records, value)
    methods = [m for m in STUDIES[study].methods if any(m in row for row in found.values())]
    if not found:
        return
    table = Table(title, ["set", *methods], markdown=markdown)
    for name, row in found.items():
        top = f"{best(row.values()):.{decimals}f}"
        cells = [f"{row[m]:.{decimals}f}" if m in row else "-" for m in methods]
        marked = (f"**{cell}**" if cell == top else cell for cell in cells)
        table.row(f"{name}{MARKS[kind(name)]}", *marked)
    seconds = of_study(study, records, "seconds")
    table.row(
        "CPU seconds, mean",
        *(f"{np.mean([row[m] for row in seconds.values() if m in row]):.2g}" for m in methods),
    )


def kind(name):
    return "tuned" if name in TUNED else "fresh" if name in FRESH else "judged"


def parts(found):
    """{kind: its part of {set: ...}}, and all."""
    kinds = {
        k: {name: row for name, row in found.items() if kind(name) == k}
        for k in ("tuned", "judged", "fresh")
    }
    return {**kinds, "all": found}


def beside_peers(study, records, errors, title, *, markdown):
    """Each of ours alone among the peers: its mean rank, the best peer's, error over the best."""
    peers = list(STUDIES[study].peers)
    kinds = {k: part for k, part in parts(errors).items() if part}
    table = Table(
        f"{title}: its mean rank, the best peer's, error over the best peer of each set",
        ["method", *(f"{k} ({len(part)})" for k, part in kinds.items()), "more than 5 % over"],
        markdown=markdown,
    )
    for method in STUDIES[study].ours:
        if any(method in row for row in errors.values()):
            cells = [against(peers, method, part) for part in kinds.values()]
            table.row(method, *cells, behind(peers, method, errors))


def behind(peers, method, errors):
    """Where, and how far: 'parkinsons 1.90, edm 1.16'."""
    over = {
        name: over_the_best({name: row}, method, peers)
        for name, row in errors.items()
        if method in row
    }
    far = sorted((name for name in over if over[name] > 1.05), key=over.get, reverse=True)
    return ", ".join(f"{name} {over[name]:.2f}" for name in far) or "-"


def against(peers, method, errors):
    """One cell: '1.21 : CatBoost 4.31, 0.94', of the sets that the method has seen."""
    beside = {
        name: {m: row[m] for m in [*peers, method] if m in row}
        for name, row in errors.items()
        if method in row
    }
    mean = mean_ranks(beside)
    if len(mean) < 2:
        return "-"
    mine = mean.pop(method)
    first = min(mean, key=mean.get)
    cell = f"{mine:.2f} : {first} {mean[first]:.2f}, {over_the_best(beside, method, peers):.2f}"
    return cell if len(beside) == len(errors) else f"{cell} ({len(beside)} sets)"


def what_failed(study, records):
    for key, record in records.items():
        if key[0] == study and "failed" in record:
            print(f"{' / '.join(key[1:])}: {record['failed']}")


def regression(study, records, markdown):
    title = "Regression: aRRMSE, % of the constant"
    errors_per_set(study, records, "error", title, markdown=markdown)
    errors = of_study(study, records, "error")
    beside_peers(study, records, errors, "One of ours among the peers", markdown=markdown)
    what_failed(study, records)


def classes(study, records, markdown):
    title = {"classification": "Classification", "long_classes": "Long form, classes"}[study]
    errors_per_set(study, records, "auc", f"{title}: ROC-AUC, %", best=max, markdown=markdown)
    errors_per_set(
        study, records, "loss", f"{title}: log loss, % of the constant", markdown=markdown
    )
    beyond = {
        name: {m: max(100 - auc, 0.1) for m, auc in row.items()}
        for name, row in of_study(study, records, "auc").items()
    }
    beside_peers(study, records, beyond, "Among the peers by 100 - ROC-AUC", markdown=markdown)
    loss = of_study(study, records, "loss")
    beside_peers(study, records, loss, "Among the peers by log loss", markdown=markdown)
    what_failed(study, records)


def long_form(study, records, markdown, rows="sorted by task"):
    title = f"Long form, training rows {rows}: RRMSE, % of the constant"
    errors_per_set(study, records, "error", title, markdown=markdown)
    if STUDIES[study].peers:
        errors = of_study(study, records, "error")
        beside_peers(study, records, errors, "One of ours among the peers", markdown=markdown)
    what_failed(study, records)


def per_method(study, records, markdown, value, title, decimals):
    """A row per method, a column per set, and the mean of the sets."""
    found = of_study(study, records, value)
    methods = [m for m in STUDIES[study].methods if any(m in row for row in found.values())]
    if not found:
        return
    table = Table(title, ["method", *found, "mean", "CPU seconds"], markdown=markdown)
    seconds = of_study(study, records, "seconds")
    for method in methods:
        row = [part.get(method, np.nan) for part in found.values()]
        spent = np.mean([part[method] for part in seconds.values() if method in part])
        table.row(method, *(f"{v:.{decimals}f}" for v in [*row, np.mean(row)]), f"{spent:.3g}")
    what_failed(study, records)


REPORTS = {
    "regression": regression,
    "classification": classes,
    "long": long_form,
    "long_shuffled": partial(long_form, rows="shuffled"),
    "long_classes": classes,
    "star": partial(per_method, value="r2", title="Project STAR, fold 0: R2", decimals=4),
    "tox21": partial(per_method, value="auc", title="Tox21: mean ROC-AUC, %", decimals=2),
}
