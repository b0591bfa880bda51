"""Records read back from the tables of a page, as `benchmarks.accuracy.kept` does."""

from benchmarks.accuracy.evidence import part, read_table
from benchmarks.accuracy.kept import put
from benchmarks.published.registry import EXPERIMENTS


def kept(page):
    """{(experiment, setting, method): record} of what a page says was run here."""
    records = {}
    for name, study in EXPERIMENTS.items():
        for title, columns in study.tables.items():
            for method, row in read_table(part(page, f"published {name}"), title):
                if row["from"] not in ("peer", "skmtl"):
                    continue
                for column, place in columns.items():
                    if place:
                        key, seconds = (name, place[0], method), row["CPU seconds"]
                        mean, _, spread = row[column].partition(" ± ")
                        put(records, key, place[1], mean, seconds)
                        put(records, key, f"{place[1]} sd", spread or "-", seconds)
    return records
