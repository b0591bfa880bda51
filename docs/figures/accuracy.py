"""Error and seconds of defaults on all sets for regression, read from benchmarks/README.md."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

HERE = Path.cwd()
ROOT = next(path for path in [HERE, *HERE.parents] if (path / "benchmarks").is_dir())
N_PEERS = 8
SHORT = {"MultiTaskLinearRegressorCV": None, 'MultiTaskLinearRegressorCV("mean")': None}
ABOVE = {"MultiTaskMLP", "MultiTaskMLPCV", "CatBoost", "XGBoost", "LightGBM", "MLP", "ridge"}


def read_table():
    """Methods, errors of shape (n_sets, n_methods), and mean CPU seconds of each method."""
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    table = page.split("#### Regression: aRRMSE, % of the constant")[1].split("\n\n")[1]
    rows = [[cell.strip(" *") for cell in line.split("|")[2:-1]] for line in table.splitlines()]
    methods, values = rows[0], np.array(rows[2:], dtype=float)
    return methods, values[:-1], values[-1]


methods, errors, seconds = read_table()
over_best = errors / errors[:, :N_PEERS].min(axis=1, keepdims=True)
mean = np.exp(np.log(over_best).mean(axis=0))

_, ax = plt.subplots(figsize=(6.8, 4.2), layout="constrained")
for column, method in enumerate(methods):
    name = SHORT.get(method, method)
    if name is None:
        continue
    is_ours = column >= N_PEERS
    color = "#00765a" if is_ours else "#666666"
    ax.scatter(seconds[column], mean[column], color=color, marker="o" if is_ours else "s", zorder=2)
    ax.annotate(
        name,
        (seconds[column], mean[column]),
        xytext=(0, 7 if name in ABOVE else -14),
        textcoords="offset points",
        ha="center",
        color=color,
        fontsize=9,
        weight="bold" if is_ours else "normal",
    )
ax.axhline(1, color="black", linewidth=0.8, linestyle=":")
ax.set_xscale("log")
ax.set_xlim(7e-4, 60)
ax.set_ylim(bottom=0.9)
ax.set_xlabel("CPU seconds of a fit and its predictions, mean over sets")
ax.set_ylabel("error over that of the best peer per set")
ax.set_title(f"{len(errors)} sets for regression, everything at its defaults", loc="left")
