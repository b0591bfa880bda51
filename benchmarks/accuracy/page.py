"""Tables written to a page, between marks that name them; so no table is older than its records."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

MARK = "<!-- accuracy: {} -->"
END = "<!-- end of it -->"


def printed(report):
    """What a call prints, as part of a page: headings one level deeper, no empty lines in a row."""
    with redirect_stdout(io.StringIO()) as text:
        report()
    return re.sub(r"\n{3,}", "\n\n", text.getvalue().replace("\n### ", "\n#### ")).strip()


def write(path, reports):
    """Replace what is between the marks of each name by what its report prints."""
    page = Path(path).read_text()
    for name, report in reports.items():
        start = MARK.format(name)
        if start not in page:
            raise ValueError(f"{path} has no line {start!r} for the tables to go to.")
        before, rest = page.split(start, 1)
        if END not in rest:
            raise ValueError(f"{path} has no line {END!r} after {start!r}.")
        after = rest.split(END, 1)[1]
        page = f"{before}{start}\n{printed(report)}\n{END}{after}"
    Path(path).write_text(page)
