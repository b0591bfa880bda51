"""What tasks share in six architectures, as boxes and arrows."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

SHARED, OWN, MIX = "#9bd0c1", "#f2c48d", "#c9c3e6"


def box(ax, x, y, text, color, width=0.26):
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.06), width, 0.12, boxstyle="round,pad=0.01", fc=color, ec="black"
        )
    )
    ax.annotate(text, (x, y), ha="center", va="center", fontsize=8)


def arrow(ax, start, end, style="->", color="black"):
    (x0, y0), (x1, y1) = start, end
    vertical = abs(y1 - y0) > 0.01
    shift = (0, 0.08) if vertical else (0.14, 0)
    ax.annotate(
        "",
        (x1 - shift[0], y1 - shift[1]),
        (x0 + shift[0], y0 + shift[1]),
        arrowprops={"arrowstyle": style, "color": color},
    )


def heads(ax):
    for x, name in [(0.25, "head a"), (0.75, "head b")]:
        box(ax, x, 0.85, name, OWN)


def hard_sharing(ax):
    heads(ax)
    box(ax, 0.5, 0.5, "trunk", SHARED)
    arrow(ax, (0.5, 0.15), (0.5, 0.5))
    for x in (0.25, 0.75):
        arrow(ax, (0.5, 0.5), (x, 0.85))


def independent(ax):
    heads(ax)
    for x, name in [(0.25, "layers a"), (0.75, "layers b")]:
        box(ax, x, 0.5, name, OWN)
        arrow(ax, (0.5, 0.15), (x, 0.5))
        arrow(ax, (x, 0.5), (x, 0.85))


def soft_sharing(ax):
    independent(ax)
    arrow(ax, (0.25, 0.5), (0.75, 0.5), "<->", "#5b4fa2")
    ax.annotate("pulled together", (0.5, 0.62), ha="center", fontsize=7, color="#5b4fa2")


def cross_stitch(ax):
    independent(ax)
    box(ax, 0.5, 0.68, "learned mix", MIX, 0.3)


def mmoe(ax):
    heads(ax)
    for x in (0.15, 0.5, 0.85):
        box(ax, x, 0.42, "expert", SHARED, 0.2)
        arrow(ax, (0.5, 0.15), (x, 0.42))
        for head in (0.25, 0.75):
            arrow(ax, (x, 0.42), (head, 0.85))
    ax.annotate("gates", (0.5, 0.84), ha="center", fontsize=7, color="#5b4fa2")


def common_head(ax):
    box(ax, 0.5, 0.85, "one head", SHARED, 0.24)
    box(ax, 0.5, 0.5, "trunk", SHARED, 0.16)
    for x, name in [(0.16, "line a"), (0.84, "line b")]:
        box(ax, x, 0.85, name, OWN, 0.2)
        arrow(ax, (0.5, 0.15), (x, 0.85))
    arrow(ax, (0.5, 0.15), (0.5, 0.5))
    arrow(ax, (0.5, 0.5), (0.5, 0.85))


figure, axes = plt.subplots(2, 3, figsize=(8.4, 5), layout="constrained")
drawings = [hard_sharing, independent, soft_sharing, cross_stitch, mmoe, common_head]
for ax, drawing in zip(axes.flat, drawings, strict=True):
    drawing(ax)
    box(ax, 0.5, 0.15, "X", "white", 0.16)
    ax.set_title(f'"{drawing.__name__}"', fontsize=10)
    ax.set_xlim(0, 1)
    ax.set_ylim(0.05, 0.95)
    ax.axis("off")
