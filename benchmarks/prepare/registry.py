"""What reads each set: from a file that is named, or from an installed package."""

from functools import partial

from benchmarks.prepare import packaged, tables
from benchmarks.prepare.molecules import ASSAYS, CLINTOX, molecules

N_TARGETS = {"atp1d": 6, "edm": 2, "enb": 2, "jura": 3, "oes97": 16, "rf1": 8, "sf1": 3, "slump": 3}
FILES = {
    **{f"mtr_{name}": partial(tables.from_arff, n_targets=n) for name, n in N_TARGETS.items()},
    "ml_emotions": partial(tables.from_arff, n_targets=6),
    "ml_yeast": partial(tables.from_arff, n_targets=14),
    "school": partial(tables.from_cells, X="X", y="Y"),
    "landmine": partial(tables.from_cells, X="feature", y="label"),
    "china_pm_city": tables.china,
    "sarcos": tables.sarcos,
    "computer": tables.computer,
    "parkinsons": tables.parkinsons,
    "tox21": partial(molecules, targets=ASSAYS),
    "clintox": partial(molecules, targets=CLINTOX),
}
PACKAGED = {"rd_nmes": packaged.nmes, "rd_exam": packaged.exam, "rd_star": packaged.star}
