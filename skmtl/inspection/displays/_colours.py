"""Colours that people with any colour vision tell apart, also in grey print."""

import numpy as np

# M. Okabe and K. Ito, "Color Universal Design", 2008; yellow is too faint for lines, and black
# may be the background.
BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE = SERIES = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#56B4E9",
    "#CC79A7",
)
GREY = "#8C8C8C"
PALE = "#D9D9D9"
STYLES = ("-", "--", "-.", ":")

# Sequential: made for colour-blind readers (Nunez et al., PLoS ONE 13, 2018). Diverging: blue is
# above zero and red below, safe for red-green weakness (ColorBrewer).
SEQUENTIAL, DIVERGING = "cividis", "RdBu"


def series(position):
    """Colour and line style of a line; the colours come again with another style."""
    style = STYLES[(position // len(SERIES)) % len(STYLES)]
    return {"color": SERIES[position % len(SERIES)], "linestyle": style}


def sequential(values):
    """Colour map and norm from the smallest value to the largest; grey where there is none."""
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    return _scale(SEQUENTIAL, low, high if high > low else low + 1.0)


def diverging(values):
    """Colour map and norm with white at zero; grey where there is no value.

    Single values that are far larger than all others have the last colour.
    """
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if not known.size:
        return _scale(DIVERGING, -1.0, 1.0)
    largest, usual = known.max(), 1.5 * np.quantile(known, 0.99)
    limit = largest if largest <= 1.5 * usual else usual
    return _scale(DIVERGING, -limit, limit)


def share_colours():
    """From the background to blue, so that what is missing looks like a hole."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    return LinearSegmentedColormap.from_list("share", ["#F2F2F2", BLUE]), Normalize(0.0, 1.0)


def from_zero(values):
    """Colour map and norm from white at zero to blue at the largest value; grey without one."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    largest = values[np.isfinite(values)].max(initial=0.0)
    colours = LinearSegmentedColormap.from_list("from zero", ["#FFFFFF", BLUE, "#003153"])
    return colours.with_extremes(bad=PALE), Normalize(0.0, largest if largest > 0 else 1.0)


def _scale(name, low, high):
    import matplotlib
    from matplotlib.colors import Normalize

    # A copy: the registered map stays as it is.
    return matplotlib.colormaps[name].with_extremes(bad=PALE), Normalize(low, high)


def is_dark(image, value):
    """Whether the colour of a value in an image is dark, so that print on it must be light."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
