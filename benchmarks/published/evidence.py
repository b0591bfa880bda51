"""The table of docs/published.rst, made from those of benchmarks/README.md.

    python -m benchmarks.published.evidence

writes it between the marks of that page; a test fails where they differ.
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
from benchmarks.published.registry import EXPERIMENTS
from benchmarks.published.report import LARGEST

PAGE = ROOT / "docs" / "published.rst"
# What papers and skmtl are compared by, of each table: {experiment: columns or None for all}.
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
    """'37.2 (ridge)': the best number of a group of rows, and whose it is."""
    found = [
        (number(row[column]), f"{row[column]} ({method}{how(row['from'])})")
        for method, row in table
        if group(row["from"]) and number(row[column]) is not None
    ]
    first = max if larger else min
    return first(found, key=lambda entry: entry[0])[1] if found else "-"


def how(source):
    """'; recalled' of '[2] recalled', nothing of what was run."""
    return "; " + source.split("] ")[1] if "] " in source else ""


GROUPS = (
    lambda source: source not in ("peer", "skmtl"),
    lambda source: source == "peer",
    lambda source: source == "skmtl",
)


def rows(readme, name):
    """A row per table and shown column that was run."""
    section = part(readme, f"published {name}")
    for title, columns in EXPERIMENTS[name].tables.items():
        table = read_table(section, title)
        for column, place in columns.items():
            if place and (SHOWN[name] is None or column in SHOWN[name]):
                cells = [best(table, column, group, place[1] in LARGEST) for group in GROUPS]
                if cells[2] != "-":
                    yield f"{title.split(':')[0].removesuffix(', %')}, {column}", *cells


def rendered(page, readme):
    """The page with the table as the README has its numbers now."""
    found = [row for name in EXPERIMENTS for row in rows(readme, name)]
    header = "Experiment", "Best of the papers", "Best of the other packages", "Best of skmtl"
    text = list_table("The best numbers", header, found, "22 26 24 28")
    return between(page, MARK.format("published"), text, END)


def main():
    texts = (path.read_text(encoding="utf-8") for path in (PAGE, SOURCE))
    PAGE.write_text(rendered(*texts), encoding="utf-8")


if __name__ == "__main__":
    main()
