"""Command line: which experiments and methods; where data and records are."""

import sys
from functools import partial

from benchmarks.accuracy import page
from benchmarks.accuracy.command import (
    DISTRIBUTIONS,
    checked,
    loaded,
    parser_of,
    read_back,
    run_wanted,
    with_seconds,
)
from benchmarks.accuracy.results import cost, counts, here
from benchmarks.common.report import threads, versions
from benchmarks.published.kept import kept
from benchmarks.published.registry import EXPERIMENTS, run
from benchmarks.published.report import report


def parse():
    parser = parser_of(
        "python -m benchmarks.published",
        "Published experiments, run again with ours and other packages.",
        experiments=EXPERIMENTS,
    )
    parser.add_argument("--settings", nargs="+", help="only these")
    parser.add_argument("--methods", nargs="+", help="only these")
    return checked(parser, "experiments", EXPERIMENTS)


def to_run(settings, records):
    """Keys of what has no record that counts, the cheapest first."""
    wanted = [
        (name, setting, method)
        for name in settings.experiments
        for setting in here(EXPERIMENTS[name], settings.data, settings.settings)
        for method in settings.methods or EXPERIMENTS[name].methods
        if method in EXPERIMENTS[name].methods
        and setting in EXPERIMENTS[name].only.get(method, [setting])
    ]
    wanted = [k for k in wanted if not counts(k, records, settings.current, EXPERIMENTS)]
    print(f"{len(wanted)} records to run", file=sys.stderr)
    return sorted(wanted, key=lambda key: cost(key, records))


def about(records):
    print(f"{versions(DISTRIBUTIONS)}; {threads()}.")
    print(read_back(records, {name: study.ours for name, study in EXPERIMENTS.items()}))


def main():
    settings = parse()
    records = loaded(settings.load, kept)
    wanted = to_run(settings, records)
    run_wanted(settings, records, wanted, run)
    records = with_seconds(records)
    if settings.page:
        reports = {
            f"published {name}": partial(report, name, records, True)
            for name in settings.experiments
        }
        page.write(settings.page, {"published about": partial(about, records), **reports})
        return
    about(records)
    for name in settings.experiments:
        report(name, records, settings.markdown)


if __name__ == "__main__":
    main()
