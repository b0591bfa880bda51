"""Drawing by hand: elements of SVG as text, scales and axes.

Colours are classes of the style sheet, never attributes, so that a figure follows the theme and
the page needs no inline style.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from skmtl.inspection._words import plain
from skmtl.inspection.report._text import safe


def tag(element, content="", **attributes):
    """An element; ``cls`` is its class, other names lose a trailing underscore."""
    written = "".join(
        f' {"class" if key == "cls" else key.strip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{element}{written}>{content}</{element}>" if content else f"<{element}{written}/>"


def _value(value):
    return short(value) if isinstance(value, float | np.floating) else safe(value)


def short(value):
    """A coordinate: a tenth of a pixel is fine enough."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def svg(width, height, content, label):
    """A figure with a text for those who cannot see it."""
    return tag(
        "svg",
        content,
        viewBox=f"0 0 {short(width)} {short(height)}",
        width=float(width),
        height=float(height),
        role="img",
        aria_label=plain(label),
    )


def text(x, y, content, **attributes):
    """Text at a point; ``content`` is markup."""
    return tag("text", content, x=float(x), y=float(y), **attributes)


def line(xs, ys):
    """Path through points; it is broken where a value is missing."""
    steps, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            pen = "M"
            continue
        steps.append(f"{pen}{short(x)} {short(y)}")
        pen = "L"
    return "".join(steps)


def dots(xs, ys):
    """Path of points, drawn by round ends of strokes: ten bytes each."""
    return "".join(f"M{short(x)} {short(y)}h0" for x, y in zip(xs, ys, strict=True))


@dataclass(frozen=True)
class Scale:
    """From numbers between ``low`` and ``high`` to pixels between ``start`` and ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values):
        share = (np.asarray(values, dtype=float) - self.low) / ((self.high - self.low) or 1.0)
        return self.start + np.clip(share, 0.0, 1.0) * (self.end - self.start)

    def ticks(self, most=5):
        """Round numbers within the scale, about ``most`` and at least three."""
        span = self.high - self.low
        if not span > 0:
            return np.array([self.low])
        rough = span / most
        power = 10.0 ** math.floor(math.log10(rough))
        fine = [power * factor for factor in (0.2, 0.5, 1, 2, 5, 10)]
        wide = next(i for i, step in enumerate(fine) if step >= rough * 0.999)
        for step in fine[wide::-1]:
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            if last - first >= 2:
                break
        return np.arange(first, last + 1) * step


def padded(values, share=0.05):
    """Range of the finite values with some room at both ends."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = share * (high - low) or max(abs(low) * share, 0.5)
    return low - room, high + room


class Axes:
    """Frame of a small figure: grid, ticks and titles, and scales for what is drawn inside."""

    def __init__(self, x, y, *, width=320, height=220, x_title="", y_title=""):
        self.width, self.height = width, height
        self.titles = x_title, y_title
        self.x = Scale(x[0], x[1], 52, width - 12)
        self.y = Scale(y[0], y[1], height - 42, 12)

    def render(self, content, label, *, x_format=None, y_format=None):
        """The figure with ``content`` inside the frame."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        x_ticks, y_ticks = self.x.ticks(), self.y.ticks(4)
        x_format, y_format = x_format or _format(x_ticks), y_format or _format(y_ticks)
        grid = "".join(
            [f"M{short(x)} {short(top)}V{short(bottom)}" for x in self.x(x_ticks)]
            + [f"M{short(left)} {short(y)}H{short(right)}" for y in self.y(y_ticks)]
        )
        below = [
            text(x, bottom + 15, x_format(value))
            for value, x in zip(x_ticks, self.x(x_ticks), strict=True)
        ]
        beside = [
            text(left - 6, y + 4, y_format(value))
            for value, y in zip(y_ticks, self.y(y_ticks), strict=True)
        ]
        middle = (top + bottom) / 2
        below.append(text((left + right) / 2, self.height - 6, safe(self.titles[0])))
        turned = f"rotate(-90 11 {short(middle)})"
        below.append(text(11, middle, safe(self.titles[1]), transform=turned))
        frame = (
            tag("path", d=grid, cls="grid")
            + tag("g", "".join(below), cls="middle")
            + tag("g", "".join(beside), cls="end")
        )
        return svg(self.width, self.height, frame + content, label)


def _format(ticks):
    """Enough digits to tell the ticks apart, and no more."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(float(ticks[0])) or 1.0
    largest = float(np.abs(ticks).max())
    if largest >= 1e5 or step < 1e-4:
        return lambda value: f"{value:.3g}".replace("-", "−")
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return lambda value: f"{value + 0.0:.{digits}f}".replace("-", "−")
