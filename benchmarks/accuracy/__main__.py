"""Command line: which tables, sets and methods; where data and records are."""

import sys
from collections import Counter
from functools import partial

import numpy as np

from benchmarks.accuracy import page, report
from benchmarks.accuracy.command import (
    DISTRIBUTIONS,
    checked,
    loaded,
    parser_of,
    read_back,
    run_wanted,
    with_seconds,
)
from benchmarks.accuracy.kept import kept
from benchmarks.accuracy.results import STUDIES, cost, counts, here
from benchmarks.common.report import threads, versions


def parse():
    parser = parser_of(
        "python -m benchmarks.accuracy",
        "How accurate defaults are, beside the defaults of other packages.",
        tables=STUDIES,
    )
    parser.add_argument("--sets", nargs="+", help="only these")
    parser.add_argument("--methods", nargs="+", help="only these; 'ours' and 'peers' are several")
    parser.add_argument(
        "--again", nargs="+", default=[], help="methods that run even so, or 'ours'"
    )
    return checked(parser, "tables", STUDIES)


def chosen(study, names):
    """Of the study's methods, those with a name, or of a group, in names."""
    groups = {"ours": study.ours, "peers": study.peers}
    names = {m for name in names for m in groups.get(name, [name])}
    return [m for m in study.methods if m in names]


def to_run(settings, records):
    """Keys of what has no record that counts, the cheapest first."""
    wanted = []
    for name in settings.tables:
        study = STUDIES[name]
        sets = here(study, settings.data, settings.sets)
        again = chosen(study, settings.again)
        for method in chosen(study, settings.methods or ["peers", "ours"]):
            keys = [(name, s, method) for s in sets]
            wanted += [
                k for k in keys if method in again or not counts(k, records, settings.current)
            ]
    costs = {key: cost(key, records) for key in wanted}
    known = [seconds for seconds in costs.values() if np.isfinite(seconds)]
    print(
        f"{len(wanted)} records to run: {sum(known) / 60:.0f} CPU minutes, as they took before, "
        f"and {len(wanted) - len(known)} that were not run before",
        file=sys.stderr,
    )
    return sorted(wanted, key=costs.get)


def about(records, tables):
    """Versions, and of which states of its code skmtl's records are."""
    of_ours = {name: STUDIES[name].ours for name in tables}
    ours = [r for (name, _, m), r in records.items() if m in of_ours.get(name, ())]
    states = Counter(record["code"] for record in ours if "code" in record)
    of = "one state" if len(states) == 1 else f"{len(states)} states"
    found = ", ".join(f"{code} ({n} records)" for code, n in states.most_common())
    print(f"{versions(DISTRIBUTIONS)}; {threads()}.")
    print(f"What skmtl did is of {of} of its code: {found}.")
    print(read_back({k: r for k, r in records.items() if k[0] in tables}, of_ours))


def main():
    settings = parse()
    records = loaded(settings.load, kept)
    wanted = to_run(settings, records)
    run_wanted(settings, records, wanted)
    records = with_seconds(records)
    if settings.page:
        tables = {
            name: partial(report.REPORTS[name], name, records, True) for name in settings.tables
        }
        page.write(settings.page, {"about": partial(about, records, list(STUDIES)), **tables})
        return
    about(records, settings.tables)
    for name in settings.tables:
        report.REPORTS[name](name, records, settings.markdown)


if __name__ == "__main__":
    main()
