"""Tables of sets and methods; records, run once and kept as JSON."""

import hashlib
import itertools
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

import skmtl
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
        data.LONG_FORM, {}, ours.IN_ANY_ORDER, partial(protocol.long_form, order="shuffled")
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


def here(study, folder, names):
    """Those of these sets, or of all, that can be read; the others are told to stderr."""
    found = []
    for name, read in study.sets.items():
        if names and name not in names:
            continue
        try:
            read(folder)
        except data.Absent as absent:
            print(f"{name} is left out: {absent}", file=sys.stderr)
        else:
            found.append(name)
    return found


@cache
def code():
    """What stands for the source of skmtl, as records of ours have it."""
    files = sorted(Path(skmtl.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]


def counts(key, records, current, studies=STUDIES):
    """Whether there is a record that need not run again; of ours, if asked, of this very code."""
    record = records.get(key, {"failed": "not run"})
    old = current and key[2] in studies[key[0]].ours and record.get("code") != code()
    return "failed" not in record and not old


def cost(key, records):
    """CPU seconds that it took when it was run last; what was never run may take longest."""
    record = records.get(key, {})
    # A fit is repeated in at least three folds.
    return record.get("cpu", 3 * record["seconds"] if "seconds" in record else np.inf)


def run(key, folder, studies=STUDIES):
    """The record of one method on one set; what went wrong, if it did."""
    study, name, method = key
    study = studies[study]
    start = time.process_time()
    try:
        record = study.measure(study.methods[method], study.sets[name](folder))
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    of = {"code": code()} if method in study.ours else {}
    return {**record, "cpu": time.process_time() - start, **of}


def run_all(keys, folder, jobs, minutes, run=run):
    """(key, record) as they come; after these minutes, none is begun."""
    waiting, running, end = iter(keys), {}, time.monotonic() + 60 * minutes
    with ProcessPoolExecutor(jobs) as pool:
        while True:
            for key in itertools.islice(waiting, jobs - len(running)):
                if time.monotonic() < end:
                    running[pool.submit(run, key, folder)] = key
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


def told(key, record, number, of):
    """One line on the way, to stderr."""
    found = {k: v for k, v in record.items() if k not in ("per_task", "code")}
    found = {k: float(f"{v:.4f}") if isinstance(v, float) else v for k, v in found.items()}
    print(f"{number}/{of}", " / ".join(key), found, file=sys.stderr, flush=True)
