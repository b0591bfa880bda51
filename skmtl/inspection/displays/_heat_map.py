"""A matrix in colours, with names along its sides; and which order shows its blocks."""

import math

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from skmtl.inspection.displays._colours import is_dark
from skmtl.inspection.displays._labels import label_ticks, name_inches

# Rows and columns up to which numbers fit into the cells.
WITH_NUMBERS = 10
# Inches: a cell where there is room, the sides of the matrix, and what a colour bar takes.
CELL, SHORTEST, LONGEST, BAR = 0.42, 2.2, 9.5, 1.1
# Rows or columns above which cells are smaller than pixels, and are averaged.
MANY = 400
# Ends of a colour bar, for values below and above its range.
EXTEND = {
    (False, False): "neither",
    (True, False): "min",
    (False, True): "max",
    (True, True): "both",
}
# Items up to which the best order of leaves is found in less than a second.
WELL_ORDERED = 500


def matrix_size(rows, columns, *, cell=CELL, longest=LONGEST):
    """Width and height in inches of a figure for a matrix with these names and a bar."""
    width, height = (np.clip(cell * len(names), SHORTEST, longest) for names in (columns, rows))
    # Names of columns stand upright, or nearly so, where they are long.
    return (
        float(width + name_inches(rows, height) + BAR),
        float(height + name_inches(columns, width) + 0.4),
    )


def draw_matrix(ax, values, colours, *, rows, columns, bar=None, numbers=None):
    """Draw a matrix; ``colours`` is a colour map and a norm, ``bar`` the label of its bar.

    ``numbers`` is the format of the values written into the cells of a small matrix.
    """
    cmap, norm = colours
    image = ax.imshow(
        np.ma.masked_invalid(values),
        cmap=cmap,
        norm=norm,
        aspect="auto",
        origin="upper",
        # Not what rcParams say: a cell has one colour.
        interpolation="nearest" if max(values.shape) < MANY else "antialiased",
    )
    ax.grid(False)
    label_ticks(ax.xaxis, columns)
    label_ticks(ax.yaxis, rows)
    if bar is not None:
        is_below, is_above = (values < norm.vmin).any(), (values > norm.vmax).any()
        extend = EXTEND[is_below, is_above]
        ax.figure.colorbar(image, ax=ax, label=bar, aspect=30, pad=0.02, extend=extend)
    if numbers is not None and max(values.shape) <= WITH_NUMBERS:
        write_numbers(ax, image, values, numbers)
    return image


def write_numbers(ax, image, values, numbers):
    """Write the finite values of a matrix into its cells."""
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = "white" if is_dark(image, value) else "black"
            text = format(value, numbers)
            ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)


def two_digits(values):
    """Format that shows two digits of the largest value, as many decimals for all."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    decimals = 1 - math.floor(math.log10(largest)) if largest > 0 else 0
    return f".{max(decimals, 0)}f"


def cluster_order(similarity):
    """Order in which tasks that are alike stand together.

    Average linkage of the symmetrised similarity, leaves in the order that keeps neighbours
    close (Bar-Joseph, Gifford and Jaakkola, Bioinformatics 17, 2001). The diagonal has no say; an
    unknown similarity counts as the smallest.
    """
    n_items = len(similarity)
    if n_items < 3:
        return np.arange(n_items)
    off_diagonal = ~np.eye(n_items, dtype=bool)
    known = np.isfinite(similarity) & off_diagonal
    if not known.any():
        return np.arange(n_items)
    filled = np.where(known, similarity, similarity[known].min())
    symmetric = (filled + filled.T) / 2
    distance = np.where(off_diagonal, symmetric[off_diagonal].max() - symmetric, 0.0)
    tree = linkage(
        squareform(distance, checks=False), "average", optimal_ordering=n_items <= WELL_ORDERED
    )
    return leaves_list(tree)


def hide_diagonal(values):
    """A copy without what a task is to itself."""
    values = np.array(values, dtype=float)
    np.fill_diagonal(values, np.nan)
    return values
