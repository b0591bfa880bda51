"""Names as text that is safe in a page."""

from __future__ import annotations

from html import escape
from typing import Any

from skmtl.inspection._words import plain


def safe(value: Any) -> str:
    """The same, escaped for use between tags and in quoted attributes."""
    return escape(plain(value), quote=True)


def name(value: Any) -> str:
    """Markup of a name: its direction of writing stays its own; an empty one can be seen."""
    text = safe(value)
    return f"<bdi>{text}</bdi>" if text.strip() else '<span class="muted">(no name)</span>'


def scroll(content: str, label: str) -> str:
    """Markup in a frame that scrolls sideways where the page is narrow, also by keyboard."""
    frame = f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(label)}">'
    return f"{frame}{content}</div>"
