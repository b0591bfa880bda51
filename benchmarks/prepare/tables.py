"""Sets that are one file of ARFF, MATLAB or CSV."""

import numpy as np
import pandas as pd
from scipy.io import arff, loadmat


def from_arff(path, n_targets):
    """The last columns are targets; classes of features are one-hot, labels are 0 and 1."""
    rows, about = arff.loadarff(path)
    frame = pd.DataFrame(rows)
    for name in frame.columns[[kind == "nominal" for kind in about.types()]]:
        classes = [value.strip() for value in about[name][1]]
        text = frame[name].str.decode("utf-8").str.strip()
        frame[name] = pd.Categorical(text, classes)
    targets = frame.columns[-n_targets:]
    features = pd.get_dummies(frame.drop(columns=targets), dtype=float)
    return {
        "X": features.to_numpy(float),
        "Y": frame[targets].astype(float).to_numpy(),
        "feature_names": features.columns.to_numpy(str),
        "target_names": targets.to_numpy(str),
    }


def from_cells(path, X, y):
    """MATLAB cells with an array of rows per task, and one of labels."""
    cells = loadmat(path)
    Xs = [np.asarray(cell, float) for cell in cells[X].ravel()]
    ys = [np.asarray(cell, float).ravel() for cell in cells[y].ravel()]
    task = np.repeat(np.arange(len(ys)), [len(labels) for labels in ys])
    return {"X": np.concatenate(Xs), "y": np.concatenate(ys), "task": task}


def sarcos(path):
    """21 features and 7 torques in one array."""
    arrays = loadmat(path)
    (table,) = (value for name, value in arrays.items() if not name.startswith("__"))
    return {"X": table[:, :21].astype(float), "Y": table[:, 21:].astype(float)}


def computer(path):
    """Ratings of 190 persons; the first 16 of the 20 profiles are those for training."""
    arrays = loadmat(path)
    X, Y = arrays["designMarix"].astype(float), arrays["likeBuy"].T.astype(float)
    return {
        "X": X,
        "Y": Y,
        "Z": arrays["computerDataZ"].astype(float),
        "train_rows": np.arange(16),
        "test_rows": np.arange(16, len(X)),
    }


def parkinsons(path):
    """Columns subject#, age, sex, test_time, motor_UPDRS, total_UPDRS and 16 of the voice."""
    frame = pd.read_csv(path)
    targets = ["motor_UPDRS", "total_UPDRS"]
    features = frame.drop(columns=["subject#", *targets])
    return {
        "X": features.to_numpy(float),
        "Y": frame[targets].to_numpy(float),
        "task": frame["subject#"].to_numpy() - 1,
        "feature_names": features.columns.to_numpy(str),
    }


def china(path, n_rows=2000):
    """Five cities; 2,000 rows at random of each."""
    arrays = from_cells(path, "X", "Y")
    rng = np.random.default_rng(0)
    rows = [
        np.sort(rng.choice(np.flatnonzero(arrays["task"] == t), n_rows, replace=False))
        for t in np.unique(arrays["task"])
    ]
    return {name: value[np.concatenate(rows)] for name, value in arrays.items()}
