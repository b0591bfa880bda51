"""Records read back from the tables of a page, so that what cannot have changed need not run again.

Numbers are as they are printed: errors to a decimal, and of CPU seconds the mean over sets alone.
"""

from benchmarks.accuracy.evidence import part, read_table
from benchmarks.accuracy.report import MARKS
from benchmarks.accuracy.results import STUDIES

SECONDS = "CPU seconds, mean"
# {study: {beginning of a heading: measure}}; a row of these tables is a set.
BY_SET = {
    "regression": {"Regression: aRRMSE": "error"},
    "classification": {"Classification: ROC-AUC": "auc", "Classification: log loss": "loss"},
    "long": {"Long form, training rows sorted": "error"},
    "long_shuffled": {"Long form, training rows shuffled": "error"},
    "long_classes": {
        "Long form, classes: ROC-AUC": "auc",
        "Long form, classes: log loss": "loss",
    },
}
# And a row of these is a method.
BY_METHOD = {"star": ("Project STAR", "r2"), "tox21": ("Tox21: mean ROC-AUC", "auc")}


def kept(page):
    """{(study, set, method): record} of the accuracy tables of a page."""
    records = {}
    for study, tables in BY_SET.items():
        for title, measure in tables.items():
            rows = dict(read_table(part(page, study), title))
            seconds = rows.pop(SECONDS)
            for name, row in rows.items():
                for method, cell in row.items():
                    put(records, (study, unmarked(name), method), measure, cell, seconds[method])
    for study, (title, measure) in BY_METHOD.items():
        for method, row in read_table(part(page, study), title):
            for name in STUDIES[study].sets:
                cell = row.get(name, "-")
                put(records, (study, name, method), measure, cell, row["CPU seconds"])
    return records


def unmarked(name):
    """'slump' of 'slump (tuned)'."""
    for mark in filter(None, MARKS.values()):
        name = name.removesuffix(mark)
    return name


def put(records, key, measure, cell, seconds):
    """The number of a cell into the record of its key; nothing of an empty one."""
    if cell not in ("-", "nan"):
        records.setdefault(key, {"seconds": float(seconds)})[measure] = float(cell)
