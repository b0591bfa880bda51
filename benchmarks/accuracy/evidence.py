"""The tables of docs/which_model.rst and of README.md, made from those of benchmarks/README.md.

    python -m benchmarks.accuracy.evidence

writes them between the marks of these pages; a test fails where they differ.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "benchmarks" / "README.md"
WHICH_MODEL, FRONT = ROOT / "docs" / "which_model.rst", ROOT / "README.md"
MARK, END = ".. accuracy: {}\n\n", ".. end of it\n"
FRONT_MARK, FRONT_END = "<!-- accuracy: front -->\n", "<!-- end of it -->\n"
REGRESSION = (
    "TaskStacking",
    "MultiTaskMLPCV",
    "MultiTaskKernelRidgeCV",
    "MultiTaskMLP",
    "MultiTaskLinear",
)
OTHERS = {
    "Classes, ROC-AUC": (
        "Among the peers by 100 - ROC-AUC",
        ("TaskStacking", "MultiTaskKernelRidgeCV", "MultiTaskMLPCV", "MultiTaskMLP"),
    ),
    "Classes, log loss": (
        "Among the peers by log loss",
        ("TaskStacking", "MultiTaskKernelRidgeCV", "MultiTaskMLPCV", "MultiTaskMLP"),
    ),
    "Long form": (
        "One of ours among the peers",
        ("MultiTaskMLPCV", "MultiTaskKernelRidgeCV", 'MultiTaskLinearRegressorCV("mean")'),
    ),
}
SECTIONS = {"Classes, ROC-AUC": "classification", "Classes, log loss": "classification"}


def read_table(section, title):
    """(first cell, {column: cell}) of each row of the table under a heading that begins so."""
    text = section.split(f"#### {title}")[1].split("\n\n")[1]
    header, _, *rows = (
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in text.splitlines()
    )
    return [(row[0], dict(zip(header[1:], row[1:], strict=True))) for row in rows]


def part(readme, name):
    """What is between the marks of one table of the README."""
    return readme.split(f"<!-- accuracy: {name} -->")[1].split("<!-- end of it -->")[0]


def against(cell):
    """'1.37 : CatBoost 3.96, 0.94 (8 sets)' as rank, best peer, error, sets or None."""
    rank, rest = cell.split(" : ")
    peer, error = rest.split(", ")
    error, _, sets = error.partition(" (")
    return rank, peer, error, sets.removesuffix(" sets)") or None


def column(table, kind):
    """The name of the column of a kind, 'all (26)', and its number of sets."""
    (name,) = (c for c in next(iter(table.values())) if c.startswith(f"{kind} ("))
    return name, name.split("(")[1].rstrip(")")


def list_table(title, header, rows, widths):
    """A list-table of strings."""
    lines = [f".. list-table:: {title}", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for cells in (header, *rows):
        lines += [
            f"   {'* -' if k == 0 else '  -'} {cell}".rstrip() for k, cell in enumerate(cells)
        ]
    return "\n".join(lines) + "\n\n"


def regression(readme):
    """Rows of rank, best peer, error, rank and error on the fresh sets, seconds; how many sets."""
    section = part(readme, "regression")
    errors = dict(read_table(section, "Regression: aRRMSE"))
    table = dict(read_table(section, "One of ours among the peers"))
    (all_, n), (fresh, n_fresh) = column(table, "all"), column(table, "fresh")
    rows = []
    for name in REGRESSION:
        rank, peer, error, _ = against(table[name][all_])
        rank_fresh, _, error_fresh, _ = against(table[name][fresh])
        seconds = errors["CPU seconds, mean"][name]
        rows.append((f"{name}()", rank, peer, error, rank_fresh, error_fresh, seconds))
    return rows, n, n_fresh


def regression_table(readme):
    """For a page of the documentation."""
    rows, n, n_fresh = regression(readme)
    title = f"Regression: {n} sets with 2 to 16 targets, at most 900 rows; {n_fresh} of them fresh"
    header = ("Estimator", "Mean rank", "Best peer", "Error", "Rank, fresh", "Error, fresh")
    rows = [(f"``{name}``", *cells) for name, *cells in rows]
    return list_table(title, (*header, "CPU seconds"), rows, "28 11 17 10 11 11 12")


def front_table(readme):
    """For the front page, in Markdown."""
    rows, n, n_fresh = regression(readme)
    header = (f"{n} sets", "mean rank of 9", "best peer's", f"rank, {n_fresh} fresh sets", "error")
    lines = [(*header, "CPU seconds"), ("---",) * 6]
    for name, rank, peer, error, rank_fresh, _, seconds in rows:
        lines.append((f"`{name}`", rank, peer, rank_fresh, error, seconds))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def others(readme):
    """Classes and long form."""
    rows = []
    for kind, (title, names) in OTHERS.items():
        table = dict(read_table(part(readme, SECTIONS.get(kind, "long")), title))
        all_, n = column(table, "all")
        for name in names:
            rank, peer, error, sets = against(table[name][all_])
            call = name if name.endswith(")") else f"{name}()"
            rows.append((kind, f"``{call}``", sets or n, rank, peer, error))
    header = ("Sets", "Estimator", "How many", "Mean rank", "Best peer", "Error")
    return list_table("Classes and long form", header, rows, "18 34 10 11 17 10")


def rendered(page, readme):
    """The page with both tables as the README of the benchmarks has them now."""
    for name, text in {"regression": regression_table(readme), "others": others(readme)}.items():
        page = between(page, MARK.format(name), text, END)
    return page


def rendered_front(page, readme):
    """The front page with its table."""
    return between(page, FRONT_MARK, front_table(readme), FRONT_END)


def between(page, mark, text, end):
    """The page with this text between two marks."""
    before, rest = page.split(mark)
    return f"{before}{mark}{text}{end}{rest.split(end, 1)[1]}"


def main():
    source = SOURCE.read_text(encoding="utf-8")
    for path, render in {WHICH_MODEL: rendered, FRONT: rendered_front}.items():
        path.write_text(render(path.read_text(encoding="utf-8"), source), encoding="utf-8")


if __name__ == "__main__":
    main()
