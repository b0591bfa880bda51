"""Tables of sets and methods; records, run once and kept as JSON."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.accuracy import data, fresh, ours, peers, protocol, studies


@dataclass(frozen=True)
class Study:
    """Sets {name: read(folder)}, methods {name: make(data)}, and what is measured of both."""

    sets: dict
    peers: dict
    ours: dict
    measure: Callable

    @property
    def methods(self):
        return {**self.peers, **self.ours}


LONG_FORM = {**data.LONG_FORM, **fresh.LONG_FORM}
STUDIES = {
    "regression": Study(
        {**data.REGRESSION, **fresh.REGRESSION},
        peers.REGRESSION,
        ours.REGRESSION,
        protocol.regression,
    ),
    "classification": Study(
        {**data.CLASSIFICATION, **fresh.CLASSIFICATION},
        peers.CLASSIFICATION,
        ours.CLASSIFICATION,
        protocol.classification,
    ),
    "long": Study(LONG_FORM, peers.LONG_FORM, ours.LONG_FORM, protocol.long_form),
    "long_shuffled": Study(
        data.LONG_FORM, {}, ours.LONG_FORM, partial(protocol.long_form, order="shuffled")
    ),
    "long_classes": Study(
        {**data.LONG_FORM_CLASSES, **fresh.LONG_FORM_CLASSES},
        peers.LONG_FORM_CLASSES,
        ours.LONG_FORM_CLASSES,
        protocol.long_form_classes,
    ),
    "star": Study(studies.STAR, studies.STAR_PEERS, studies.STAR_OURS, studies.r2),
    "tox21": Study(studies.TOX21, studies.TOX21_PEERS, studies.TOX21_OURS, studies.auc),
}


def load(paths):
    """{(study, set, method): record}, later files first."""
    records = {}
    for path in paths:
        for *key, record in json.loads(Path(path).read_text()):
            records[tuple(key)] = record
    return records


def save(path, records):
    rows = [[*key, record] for key, record in sorted(records.items())]
    Path(path).write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


def here(study, folder):
    """Names of the sets that can be read; the others are told to stderr."""
    found = []
    for name, read in study.sets.items():
        try:
            read(folder)
        except data.Absent as absent:
            print(f"{name} is left out: {absent}", file=sys.stderr)
        else:
            found.append(name)
    return found


def run(key, folder):
    """The record of one method on one set; what went wrong, if it did."""
    study, name, method = key
    study = STUDIES[study]
    try:
        return study.measure(study.methods[method], study.sets[name](folder))
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}


def run_all(keys, folder, jobs):
    """(key, record) as they come."""
    if jobs == 1:
        for key in keys:
            yield key, run(key, folder)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(keys, pool.map(partial(run, folder=folder), keys), strict=True)


def told(key, record):
    """One line on the way, to stderr."""
    found = {k: v for k, v in record.items() if k != "per_task"}
    found = {k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()}
    print(" / ".join(key), found, file=sys.stderr, flush=True)
