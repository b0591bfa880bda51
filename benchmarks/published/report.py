"""Tables: what papers report, what other packages and what skmtl do here."""

import numpy as np

from benchmarks.common.report import Table
from benchmarks.published.registry import EXPERIMENTS

# Of these, more is better.
LARGEST = {"all", "schools", "explained", "auc", "micro", "macro"}


def cell(record, measure, decimals):
    """'37.2 ± 0.9'; without a spread where there is one split, or errors are summed."""
    if not np.isfinite(record.get(measure, np.nan)):
        return "-"
    spread = record.get(f"{measure} sd", 0.0)
    text = f"{record[measure]:.{decimals}f}"
    return f"{text} ± {spread:.{decimals}f}" if spread > 0 else text


def best(records, name, columns):
    """{column: the methods run here that are best}, all of them where they are printed alike."""
    study, found = EXPERIMENTS[name], {}
    for column, place in columns.items():
        values = {
            method: round(records[key][place[1]], study.decimals)
            for method in study.methods
            if place and place[1] in records.get(key := (name, place[0], method), {})
        }
        if values:
            top = (max if place[1] in LARGEST else min)(values.values())
            found[column] = {method for method, value in values.items() if value == top}
    return found


def here(records, name, columns, method, top):
    """The cells of one method that was run."""
    cells = []
    for column, place in columns.items():
        record = records.get((name, place[0], method), {}) if place else {}
        text = cell(record, place[1], EXPERIMENTS[name].decimals) if place else "-"
        cells.append(f"**{text}**" if method in top.get(column, ()) else text)
    return cells


def seconds(records, name, columns, method):
    """CPU seconds of a fit and its predictions, the mean over settings."""
    settings = {place[0] for place in columns.values() if place}
    found = [records.get((name, s, method), {}).get("seconds", np.nan) for s in settings]
    return f"{np.nanmean(found):.2g}" if np.isfinite(found).any() else "-"


def table(records, name, title, columns, sources, markdown):
    study = EXPERIMENTS[name]
    page = Table(title, ["method", "from", *columns, "CPU seconds"], markdown=markdown)
    for row in study.published[title]:
        if row.source not in sources:
            sources.append(row.source)
        mark = f"[{sources.index(row.source) + 1}] {row.source.how}"
        page.row(row.method, mark, *(row.found.get(column, "-") for column in columns), "-")
    top = best(records, name, columns)
    for group, methods in (("peer", study.peers), ("skmtl", study.ours)):
        for method in methods:
            cells = here(records, name, columns, method, top)
            if any(text != "-" for text in cells):
                page.row(method, group, *cells, seconds(records, name, columns, method))


def report(name, records, markdown):
    """The protocol, the tables, the sources, and what failed."""
    study, sources = EXPERIMENTS[name], []
    print("\n" + "\n".join(study.about.splitlines()))
    for title, columns in study.tables.items():
        table(records, name, title, columns, sources, markdown)
    if sources:
        print()
    for number, source in enumerate(sources, 1):
        print(f"[{number}] {source.name} ({source.how}).{'<br>' if markdown else ''}")
    for key, record in records.items():
        if key[0] == name and "failed" in record:
            print(f"{' / '.join(key[1:])}: {record['failed']}")
