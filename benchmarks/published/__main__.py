"""Command line: which experiments and methods; where data and records are."""

import argparse
import os
import sys
from functools import partial

import numpy as np

from benchmarks.accuracy import page
from benchmarks.accuracy.results import cost, counts, here, load, run_all, save, told
from benchmarks.common.report import threads, versions
from benchmarks.published.registry import EXPERIMENTS, run
from benchmarks.published.report import report

DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy", "torch", "xgboost", "lightgbm", "catboost")


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published",
        description="Published experiments, run again with ours and other packages.",
    )
    parser.add_argument(
        "experiments", nargs="*", default=list(EXPERIMENTS), help=f"of {', '.join(EXPERIMENTS)}"
    )
    parser.add_argument(
        "--data", default=os.environ.get("SKMTL_DATA", "../shared/data"),
        help="folder of the sets (default: $SKMTL_DATA or ../shared/data)",
    )  # fmt: skip
    parser.add_argument("--settings", nargs="+", help="only these")
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--minutes", type=float, default=np.inf, help="after which nothing more is begun"
    )
    parser.add_argument("--load", nargs="+", default=[], help="records that need not run again")
    parser.add_argument("--current", action="store_true", help="those of skmtl, if of this code")
    parser.add_argument("--save", help="where records go, those loaded too")
    parser.add_argument("--page", help="Markdown file whose marked tables are written anew")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    if unknown := set(settings.experiments) - set(EXPERIMENTS):
        parser.error(f"no experiments {', '.join(unknown)}; expected {', '.join(EXPERIMENTS)}")
    return settings


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


def about():
    print(f"{versions(DISTRIBUTIONS)}; {threads()}.")


def main():
    settings = parse()
    records = load(settings.load)
    wanted = to_run(settings, records)
    come = run_all(wanted, settings.data, settings.jobs, settings.minutes, run)
    for number, (key, record) in enumerate(come, 1):
        told(key, record, number, len(wanted))
        records[key] = record
        if settings.save:
            save(settings.save, records)
    if settings.page:
        reports = {
            f"published {name}": partial(report, name, records, True)
            for name in settings.experiments
        }
        page.write(settings.page, {"published about": about, **reports})
        return
    about()
    for name in settings.experiments:
        report(name, records, settings.markdown)


if __name__ == "__main__":
    main()
