"""What a console and a notebook show of a result: a sentence, and a short table."""

from __future__ import annotations

from html import escape

from skmtl._text_table import as_html, as_text

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
        return f"{self._sentence()}\n{as_text(self._rows(), str.rjust)}"

    def _repr_html_(self):
        return f"<p>{escape(self._sentence())}</p>{as_html(self._rows())}"

    def _rows(self):
        return [self._heads(), *shown_lines(self._lines())]


def shown_lines(lines):
    """All lines, or where these are many the first and the last."""
    half = MOST_LINES // 2
    return lines if len(lines) <= MOST_LINES else [*lines[:half], ["…"], *lines[-half:]]
