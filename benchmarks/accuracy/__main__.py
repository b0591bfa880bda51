"""Command line: which tables, sets and methods; where data and records are."""

import argparse
import os

from benchmarks.accuracy import report
from benchmarks.accuracy.results import STUDIES, here, load, run_all, save, told
from benchmarks.common.report import threads, versions

DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy", "torch", "xgboost", "lightgbm", "catboost")


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="How accurate defaults are, beside the defaults of other packages.",
    )
    parser.add_argument("tables", nargs="*", default=list(STUDIES), help=f"of {', '.join(STUDIES)}")
    parser.add_argument(
        "--data", default=os.environ.get("SKMTL_DATA", "../shared/data"),
        help="folder of sets that no package carries (default: $SKMTL_DATA or ../shared/data)",
    )  # fmt: skip
    parser.add_argument("--sets", nargs="+", help="only these")
    parser.add_argument("--methods", nargs="+", help="only these; 'ours' and 'peers' are several")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--load", nargs="+", default=[], help="records that need not run again")
    parser.add_argument(
        "--again", nargs="+", default=[], help="methods that run even so, or 'ours'"
    )
    parser.add_argument("--save", help="where records go, those loaded too")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    if unknown := set(settings.tables) - set(STUDIES):
        parser.error(f"no tables {', '.join(unknown)}; expected {', '.join(STUDIES)}")
    return settings


def chosen(study, names):
    """Of the study's methods, those with a name, or of a group, in names."""
    groups = {"ours": study.ours, "peers": study.peers}
    names = {m for name in names for m in groups.get(name, [name])}
    return [m for m in study.methods if m in names]


def main():
    settings = parse()
    records = load(settings.load)
    wanted = []
    for name in settings.tables:
        study = STUDIES[name]
        sets = [s for s in here(study, settings.data) if not settings.sets or s in settings.sets]
        again = chosen(study, settings.again)
        for method in chosen(study, settings.methods or ["peers", "ours"]):
            keys = [(name, s, method) for s in sets]
            wanted += [key for key in keys if key not in records or method in again]
    for key, record in run_all(wanted, settings.data, settings.jobs):
        told(key, record)
        records[key] = record
        if settings.save:
            save(settings.save, records)
    print(f"{versions(DISTRIBUTIONS)}; {threads()}")
    for name in settings.tables:
        report.REPORTS[name](name, records, settings.markdown)


if __name__ == "__main__":
    main()
