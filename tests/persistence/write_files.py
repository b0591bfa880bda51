"""Write small files of this version, and what they predict, for all later ones to read.

Run before a release: ``python tests/persistence/write_files.py``. A folder that is there stays.
"""

from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import IndependentTasks, MultiTaskKernelRidgeCV, MultiTaskLinearCV, MultiTaskMLP
from skmtl.persistence import save

FOLDER = Path(__file__).parent / "files"


def data():
    """Numbers, yes and no, and text; some labels are missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)).round(3)
    score = (X[:, 0] * X[:, 1]).round(3)
    Y = np.column_stack([score, X[:, 1] > X[:, 2], np.where(X[:, 0] > 0, "high", "low")])
    Y = Y.astype(object)
    Y[:, :2] = np.column_stack([score, X[:, 1] > X[:, 2]]).astype(float)
    Y[::4, 0] = None
    return X, Y


def models(X, Y):
    """One of each half, of kernels, of estimators made of others, and a Pipeline."""
    network = MultiTaskMLP((8,), max_iter=20, random_state=0)
    return {
        "network": network.fit(X, Y),
        "linear": MultiTaskLinearCV(alphas=3, cv=3).fit(X, Y),
        "kernel": MultiTaskKernelRidgeCV(kernels="rbf").fit(X, Y),
        "independent": IndependentTasks().fit(X, Y),
        "pipeline": make_pipeline(
            StandardScaler(), MultiTaskMLP((4,), max_iter=5, random_state=0)
        ).fit(X, Y),
    }


def main():
    """Write the folder of this version."""
    folder = FOLDER / skmtl.__version__
    if folder.exists():
        raise SystemExit(f"{folder} is there already; files of a version are written once.")
    folder.mkdir(parents=True)
    X, Y = data()
    beside = {"X": X}
    for name, model in models(X, Y).items():
        save(model, folder / f"{name}.safetensors")
        first, second, third = model.predict(X).T
        beside[f"{name}_0"], beside[f"{name}_1"] = first.astype(float), second.astype(float)
        beside[f"{name}_2"] = third.astype(str)
    np.savez_compressed(folder / "predictions.npz", **beside)


if __name__ == "__main__":
    main()
