"""Cells in rows, for a console and for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import zip_longest

Rows = Sequence[Sequence[str]]


def as_text(rows: Rows, justify: Callable[[str, int], str] = str.ljust) -> str:
    """Columns below each other; all but the first as ``justify`` places them."""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(justify, row[1:], widths[1:])]).rstrip()
        for row in rows
    )


def as_html(rows: Rows, style: str = "") -> str:
    """The same as a table; ``style`` are attributes of it. The first row are titles."""

    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    titles, *others = rows
    body = "".join(row(cells, "td") for cells in others)
    return f"<table{style}><tbody>{row(titles, 'th')}{body}</tbody></table>"
