"""What a console and a notebook show of a result: a sentence, and a short table."""

from __future__ import annotations

from html import escape
from itertools import zip_longest

MOST_LINES = 10


class Brief:
    """Mixin: a subclass says a sentence, and lines of cells below heads, the most telling first."""

    def _sentence(self):
        raise NotImplementedError

    def _heads(self):
        raise NotImplementedError

    def _lines(self):
        raise NotImplementedError

    def __repr__(self):
        lines = [self._heads(), *shown_lines(self._lines())]
        widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
        rows = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
            for line in lines
        ]
        return "\n".join([self._sentence(), *rows])

    def _repr_html_(self):
        head = "".join(f"<th>{escape(text)}</th>" for text in self._heads())
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in line)}</tr>"
            for line in shown_lines(self._lines())
        )
        return (
            f"<p>{escape(self._sentence())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


def shown_lines(lines):
    """All lines, or where these are many the first and the last."""
    half = MOST_LINES // 2
    return lines if len(lines) <= MOST_LINES else [*lines[:half], ["…"], *lines[-half:]]
