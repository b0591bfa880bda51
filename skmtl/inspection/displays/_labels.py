"""Names of tasks and features as text in a figure: literal, short, and as many as fit."""

import math
from typing import Any

import numpy as np

from skmtl.inspection.displays._canvas import room

LONGEST = 28
# Points; below, print is not read.
SMALLEST = 5.0
LARGEST = 10.0
# Widths of an average letter, and distances of lines, in sizes of the font.
LETTER, LINE = 0.6, 1.08


def literal(name, longest=LONGEST):
    """Text that matplotlib draws as it is: no formula between dollars, one line, not too long."""
    # Task values come as floats out of a float X; the user wrote 3, not 3.0.
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    text = text if text.strip() else repr(text)
    if len(text) > longest:
        # Names of a family differ at their ends as often as at their beginnings.
        half = longest // 2
        text = f"{text[:half]}…{text[len(text) - (longest - half - 1) :]}"
    return text.replace("$", r"\$")


def label_ticks(axis, names, *, longest=LONGEST):
    """Name the positions 0, 1, ... of an axis.

    Print gets smaller with their number and, where that is not enough, every second, third, ...
    is named.
    """
    if not len(names):
        axis.set_ticks([])
        return
    is_x = axis.axis_name == "x"
    distance = room(axis.axes, axis.axis_name) / len(names)
    size = min(LARGEST, max(distance / LINE, SMALLEST))
    step = max(1, math.ceil(size * LINE / distance - 1e-6))
    shown = range(0, len(names), step)
    texts = [literal(names[position], longest) for position in shown]
    options: dict[str, Any] = {}
    if is_x and max(map(len, texts)) * LETTER * size > 0.95 * distance * step:
        options = {"rotation": 90}
        if len(names) <= 12:
            options = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axis.set_ticks(list(shown), texts, fontsize=size, **options)


def name_inches(names, length):
    """Inches that the longest name takes, of those along a side of this length in inches."""
    if not len(names):
        return 0.0
    size = np.clip(72 * length / len(names) / LINE, SMALLEST, LARGEST)
    return max(len(literal(name)) for name in names) * LETTER * float(size) / 72


def legend(ax, handles, names, **options):
    """A legend that draws any name, also one that begins with an underscore."""
    # Names that begin so mean "leave me out" to matplotlib while a legend is made.
    found = ax.legend(handles, [f"{position}" for position in range(len(names))], **options)
    for text, name in zip(found.get_texts(), names, strict=True):
        text.set_text(literal(name))
    return found


def check_names(names, n_names, of="task_names"):
    """The names as a list, one for each of what is drawn; 0, 1, ... if there are none."""
    if names is None:
        return list(range(n_names))
    names = list(names)
    if len(names) != n_names:
        raise ValueError(f"{of} has {len(names)} names; expected {n_names}, one for each.")
    return names
