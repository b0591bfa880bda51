"""Figures and axes: where a display draws, without touching matplotlib's settings."""

import math
from typing import Any

import numpy as np

from skmtl._optional import import_optional

# Inches: what can still be read, and what a screen shows without scrolling far.
LOWEST, HIGHEST = 2.6, 13.0


def check_matplotlib(caller):
    """Raise an ImportError that says what to install, before anything is computed."""
    import_optional("matplotlib", caller, "plot")


def fit_height(inches):
    """A height that a screen can hold."""
    return float(np.clip(inches, LOWEST, HIGHEST))


def open_axes(ax, width, height):
    """The axes that were given, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def open_grid(ax, n_rows, n_columns, width, height, *, share=(), **ratios):
    """Axes (n_rows, n_columns) in a new figure, or in the place of the axes that were given.

    ``ratios`` are ``width_ratios``, ``height_ratios``, ``hspace`` and ``wspace``; panels have the
    same limits along the axes in ``share``.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(width, height), layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns, **ratios)
    else:
        figure = ax.figure
        grid = _grid_within(ax, n_rows, n_columns, **ratios)
        ax.set_axis_off()
    panels: list[Any] = []
    cells: Any = grid
    for cell in cells:
        shared = {f"share{along}": panels[0] for along in share if panels}
        panels.append(figure.add_subplot(cell, **shared))
    return np.array(panels, dtype=object).reshape(n_rows, n_columns)


def open_panels(ax, n_panels, *, width=2.9, height=2.5, share=()):
    """Axes (n_panels,), in rows of up to four."""
    n_columns = n_panels if n_panels <= 3 else min(4, math.ceil(math.sqrt(n_panels)))
    n_rows = math.ceil(n_panels / n_columns)
    size = max(width * n_columns, 3.6), max(height * n_rows, 3.0)
    grid = open_grid(ax, n_rows, n_columns, *size, share=share).ravel()
    for rest in grid[n_panels:]:
        rest.remove()
    return grid[:n_panels]


def _grid_within(ax, n_rows, n_columns, **ratios):
    # A layout engine makes room for labels itself.
    space = {} if ax.figure.get_layout_engine() else {"hspace": 0.45, "wspace": 0.45}
    spec = ax.get_subplotspec()
    if spec is not None:
        return spec.subgridspec(n_rows, n_columns, **{**space, **ratios})
    # Axes that were placed by hand.
    box = ax.get_position()
    edges = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
    return ax.figure.add_gridspec(n_rows, n_columns, **{**edges, **space, **ratios})


def room(ax, along):
    """Points (1/72 inch) of the axes along "x" or "y"."""
    extent = ax.get_window_extent()
    return (extent.width if along == "x" else extent.height) / ax.figure.dpi * 72


def ink(ax):
    """The colour of frames and ticks: dark on light figures, light on dark ones."""
    return ax.spines["bottom"].get_edgecolor()
