"""What command lines have in common that run records: their options, and the run itself."""

import argparse
import os
from pathlib import Path

import numpy as np

from benchmarks.accuracy.results import load, run, run_all, save, told

DISTRIBUTIONS = ("scikit-learn", "numpy", "scipy", "torch", "xgboost", "lightgbm", "catboost")


def parser_of(prog, description, **positional):
    """A parser with the options that all have; ``positional`` names what comes without one."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    for name, every in positional.items():
        parser.add_argument(name, nargs="*", default=list(every), help=f"of {', '.join(every)}")
    parser.add_argument(
        "--data", default=os.environ.get("SKMTL_DATA", "../shared/data"),
        help="folder of sets that no package carries (default: $SKMTL_DATA or ../shared/data)",
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--minutes", type=float, default=np.inf,
        help="after which nothing more is begun; the cheapest comes first",
    )  # fmt: skip
    parser.add_argument(
        "--load", nargs="+", default=[],
        help="records that need not run again; of a page (.md) those of its tables, as printed",
    )  # fmt: skip
    parser.add_argument(
        "--current", action="store_true",
        help="records of skmtl count only if they are of this very code; the others run again",
    )  # fmt: skip
    parser.add_argument("--save", help="where records go, those loaded too")
    parser.add_argument("--page", help="Markdown file whose marked tables are written anew")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    return parser


def checked(parser, name, every):
    """The settings; an error where one asks for what there is not."""
    settings = parser.parse_args()
    if unknown := set(getattr(settings, name)) - set(every):
        parser.error(f"no {name} {', '.join(unknown)}; expected {', '.join(every)}")
    return settings


def loaded(paths, kept):
    """Records of all files, later ones first; ``kept`` reads those of a page."""
    records = {}
    for path in map(Path, paths):
        records |= kept(path.read_text()) if path.suffix == ".md" else load([path])
    return records


def read_back(records, of_ours):
    """A sentence: how many records are those of a page; ``of_ours`` names methods of each table."""
    ours = [record for (name, _, method), record in records.items() if method in of_ours[name]]
    peers = [record for (name, _, method), record in records.items() if method not in of_ours[name]]
    # Only what is run here knows what it took.
    n_ours, n_peers = (sum("cpu" not in record for record in group) for group in (ours, peers))
    return (
        f"Read back from this page, as it was printed before: {n_ours} of {len(ours)} records of "
        f"skmtl, {n_peers} of {len(peers)} of others."
    )


def with_seconds(records):
    """Records whose CPU seconds may be averaged over sets.

    Those of a page are means over all sets already: a method that ran again on some of them alone,
    which may be large ones, keeps that mean.
    """
    means = {
        (key[0], key[2]): record["seconds"]
        for key, record in records.items()
        if "cpu" not in record and "seconds" in record
    }
    return {
        key: {**record, "seconds": means.get((key[0], key[2]), record.get("seconds", np.nan))}
        for key, record in records.items()
    }


def run_wanted(settings, records, wanted, run=run):
    """Run what is wanted, and put each record to the others, and to the file, when it comes."""
    come = run_all(wanted, settings.data, settings.jobs, settings.minutes, run)
    for number, (key, record) in enumerate(come, 1):
        told(key, record, number, len(wanted))
        records[key] = record
        if settings.save:
            save(settings.save, records)
