"""The tables of docs/published.rst, made from those of benchmarks/README.md.

    python -m benchmarks.published.evidence

writes them between the marks of that page; a test fails where they differ.
"""

from benchmarks.accuracy.evidence import (
    END,
    MARK,
    ROOT,
    SOURCE,
    between,
    list_table,
    part,
    read_table,
)
from benchmarks.published import multi_target
from benchmarks.published.registry import EXPERIMENTS
from benchmarks.published.report import LARGEST

PAGE = ROOT / "docs" / "published.rst"
# By what papers, others and skmtl are compared: {experiment: columns, or None for all}.
LEFT_OUT = {multi_target.TITLE}
SHOWN = {
    "school": ["75 %, all rows", "10 %, all rows"],
    "computer": ["8 profiles", "16 profiles"],
    "parkinsons": ["90 %, MSE", "50 %, MSE"],
    "sarcos": None,
    "landmine": ["20 rows", "80 rows", "320 rows"],
    "molecules": None,
    "multi_target": None,
    "multi_label": ["Hamming loss", "ranking loss", "macro F1"],
}


def number(cell):
    """'37.2 ± 0.9' as 37.2, '-' as None."""
    return None if cell == "-" else float(cell.split(" ±")[0])


def best(table, column, group, larger):
    """'37.2 (ridge)': the best number of a group of rows, and whose it is; empty without one."""
    found = [
        (number(row[column]), f"{row[column]} ({short(method)}{how(row['from'])})")
        for method, row in table
        if group(row["from"]) and number(row[column]) is not None
    ]
    first = max if larger else min
    return first(found, key=lambda entry: entry[0])[1] if found else ""


def short(method):
    """'LinearRegressorCV, mean_deviation': words that a narrow column can break."""
    return method.removeprefix("MultiTask").replace('("', ", ").split('"')[0]


def how(source):
    """'; recalled' of '[2] recalled', nothing of what was run."""
    return "; " + source.split("] ")[1] if "] " in source else ""


GROUPS = (
    lambda source: source not in ("peer", "skmtl"),
    lambda source: source == "peer",
    lambda source: source == "skmtl",
)


def rows(table, columns, shown):
    """A row per column that was run here."""
    for column, place in columns.items():
        if place and (shown is None or column in shown):
            cells = [best(table, column, group, place[1] in LARGEST) for group in GROUPS]
            if cells[2]:
                yield column, *cells


def tables(readme):
    """One per measure, in the order of the experiments."""
    header = "", "Papers", "Other packages", "skmtl"
    for name, study in EXPERIMENTS.items():
        for title, columns in study.tables.items():
            table = read_table(part(readme, f"published {name}"), title)
            found = list(rows(table, columns, SHOWN[name]))
            if found and title not in LEFT_OUT:
                yield list_table(title, header, found, "18 30 24 28")


def rendered(page, readme):
    """The page with the tables as the README has their numbers now."""
    return between(page, MARK.format("published"), "".join(tables(readme)), END)


def main():
    texts = (path.read_text(encoding="utf-8") for path in (PAGE, SOURCE))
    PAGE.write_text(rendered(*texts), encoding="utf-8")


if __name__ == "__main__":
    main()
