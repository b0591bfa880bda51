"""Tox21 and ClinTox, as the README of DeepChem had them: toxicity from fingerprints of molecules.

Extended-connectivity fingerprints of 1,024 bits; 80 % of the molecules in training, and the
mean over tasks of the ROC-AUC on the next 10 %, their validation part, on which nothing is
chosen here; the last 10 % are not used. Splits by index (rows as in the file), at random (one
draw, as theirs; five of ClinTox), and by scaffold, so that new molecules are unlike the old
ones. The file of Tox21 has 8,006 molecules (theirs 8,014), that of ClinTox 1,478. Validation
parts of ClinTox have some ten molecules of the rare class: two points more or less are noise.
Their graph convolution reads the molecule itself.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

import skmtl
from benchmarks.accuracy import data, peers
from benchmarks.accuracy.data import Wide
from benchmarks.published import papers
from benchmarks.published.experiment import Experiment, classification

CLINTOX = [column for column in papers.MOLECULES_COLUMNS if column.startswith("clintox")]
TITLE = "Molecules: mean ROC-AUC of the tasks, %"
N_DRAWS = {"tox21": 1, "clintox": 5}


def setting(name, how):
    def read(folder):
        full = data.from_folder(name, limit=data.ALL_ROWS)(folder)
        if how == "scaffold":
            parts = data.npz(folder, name)["scaffold_split"]
            splits = [(np.flatnonzero(parts == "train"), np.flatnonzero(parts == "valid"))]
        elif how == "index":
            splits = [thirds(np.arange(len(full.X)))]
        else:
            rngs = map(np.random.default_rng, range(N_DRAWS[name]))
            splits = (thirds(rng.permutation(len(full.X))) for rng in rngs)
        return bits(full, splits)

    return read


def thirds(rows):
    """The first 80 % of rows and the next 10 %."""
    return np.split(rows, [int(0.8 * len(rows)), int(0.9 * len(rows))])[:2]


def bits(full, splits):
    """Parts of all splits, with features as they are."""
    for train, test in splits:
        yield Wide(full.X[train], full.Y[train]), Wide(full.X[test], full.Y[test])


def score(test, p, train):
    seen = ~np.isnan(test.Y)
    found = [
        roc_auc_score(y[rows], f[rows])
        for y, f, rows in zip(test.Y.T, p.T, seen.T, strict=True)
        if len(np.unique(y[rows])) == 2
    ]
    return {"auc": 100 * np.mean(found)}


EXPERIMENT = Experiment(
    about=__doc__,
    sets={
        f"{name}, {how}": setting(name, how)
        for name, how in (column.split(", ") for column in papers.MOLECULES_COLUMNS)
    },
    peers={
        f"{name} per task": peers.CLASSIFICATION[name]
        for name in ("logistic", "RF", "XGBoost", "LightGBM", "MLP")
    },
    only={"XGBoost per task": CLINTOX, "MLP per task": CLINTOX, "MultiTaskMLPCV": CLINTOX},
    ours={
        "MultiTaskMLP": lambda part: skmtl.MultiTaskMLP(tasks="binary", random_state=0),
        "MultiTaskMLPCV": lambda part: skmtl.MultiTaskMLPCV(tasks="binary", random_state=0),
        "MultiTaskKernelRidgeCV, 1,000 landmarks": lambda part: skmtl.MultiTaskKernelRidgeCV(
            tasks="binary", n_landmarks=min(1000, len(part.X))
        ),
        "MultiTaskLinear": lambda part: skmtl.MultiTaskLinear(tasks="binary"),
    },
    measure=classification(score),
    tables={TITLE: {column: (column, "auc") for column in papers.MOLECULES_COLUMNS}},
    published={TITLE: papers.MOLECULES},
)
