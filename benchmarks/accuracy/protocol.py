"""One method on one set: the same folds and the same preparation for all."""

import time
import warnings

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 0


def folds(n):
    k = 5 if n <= 160 else 3
    return list(KFold(k, shuffle=True, random_state=SEED).split(np.empty((n, 1))))


def folds_of_tasks(task):
    """Every task has its share of rows in every fold, so that none is without training rows."""
    even = StratifiedKFold(3, shuffle=True, random_state=SEED)
    return list(even.split(task[:, None], task))


def prepared(X, train):
    """Gaps filled with medians, columns standardised, both as the training rows have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        return steps.fit(X[train]).transform(X)


class Clock:
    """CPU seconds of fits and predictions, warnings aside."""

    def __init__(self):
        self.seconds = []

    def __enter__(self):
        self._quiet = warnings.catch_warnings()
        self._quiet.__enter__()
        warnings.simplefilter("ignore")
        self._start = time.process_time()

    def __exit__(self, *error):
        self.seconds.append(time.process_time() - self._start)
        self._quiet.__exit__(*error)

    @property
    def typical(self):
        """The median: the first fit of a process imports what it needs."""
        return float(np.median(self.seconds))


def relative_error(squares, constant):
    r"""RRMSE in %: :math:`100 \sqrt{\mathrm{SSE} / \mathrm{SSE}_{\text{training mean}}}`."""
    return 100 * np.sqrt(np.asarray(squares) / np.asarray(constant))


def regression(make, data):
    """{"error": mean over tasks of RRMSE}, targets standardised for all."""
    X, Y = data.X, data.Y
    squares, constant, clock = np.zeros(Y.shape[1]), np.zeros(Y.shape[1]), Clock()
    for train, test in folds(len(X)):
        Z, mean, scale = prepared(X, train), Y[train].mean(0), Y[train].std(0) + 1e-12
        with clock:
            model = make(data).fit(Z[train], (Y[train] - mean) / scale)
            predicted = model.predict(Z[test])
        predicted = np.reshape(predicted, (len(test), -1)) * scale + mean
        squares += ((predicted - Y[test]) ** 2).sum(0)
        constant += ((mean - Y[test]) ** 2).sum(0)
    errors = relative_error(squares, constant)
    return {"error": errors.mean(), "per_task": errors.tolist(), "seconds": clock.typical}


def probabilities(found, n_tasks):
    """(n, n_tasks), of class 1, of what predict_proba gave: a list per task, or one array."""
    if isinstance(found, list):
        return np.column_stack([np.asarray(p)[:, 1] for p in found])
    return found[:, 1:] if n_tasks == 1 and found.shape[1] == 2 else found


def log_loss(y, p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return -np.log(np.where(y > 0.5, p, 1 - p)).sum()


def class_scores(P, Y, share):
    """Per task: ROC-AUC (NaN with one class), log loss, and that of the training share."""
    scores = []
    for p, y, c in zip(P.T, Y.T, share, strict=True):
        seen = ~np.isnan(y)
        y, p = y[seen], p[seen]
        auc = roc_auc_score(y, p) if 0 < y.sum() < len(y) else np.nan
        scores.append((auc, log_loss(y, p), log_loss(y, np.full(len(y), c))))
    return np.array(scores).T


def share_of_ones(Y):
    return (np.nansum(Y, 0) + 0.5) / ((~np.isnan(Y)).sum(0) + 1)


def classification(make, data):
    """{"auc": mean over folds and tasks in %, "loss": log loss over that of the share in %}."""
    X, Y = data.X, data.Y
    found, clock = [], Clock()
    for train, test in folds(len(X)):
        Z = prepared(X, train)
        with clock:
            P = make(data).fit(Z[train], Y[train]).predict_proba(Z[test])
        P = probabilities(P, Y.shape[1])
        found.append(class_scores(P, Y[test], share_of_ones(Y[train])))
    return summary_of_classes(np.array(found), clock)


def summary_of_classes(found, clock):
    """Of an array (n_folds, 3, n_tasks)."""
    auc, loss, constant = np.moveaxis(found, 1, 0)
    return {
        "auc": 100 * np.nanmean(auc),
        "loss": 100 * (loss.sum(0) / constant.sum(0)).mean(),
        "seconds": clock.typical,
    }


def long_folds(data, order):
    """Training rows sorted by task, as sets are shipped, or shuffled; features standardised."""
    rng = np.random.default_rng(SEED)
    for train, test in folds_of_tasks(data.X[:, 0]):
        train = np.sort(train) if order == "sorted" else rng.permutation(train)
        Z = np.column_stack([data.X[:, 0], prepared(data.X[:, 1:], train)])
        yield train, test, Z


def long_form(make, data, order="sorted"):
    """{"error": RRMSE over all rows, the constant being the mean over all tasks}."""
    y, squares, constant, clock = data.y, 0.0, 0.0, Clock()
    for train, test, Z in long_folds(data, order):
        mean, scale = y[train].mean(), y[train].std()
        with clock:
            predicted = make(data).fit(Z[train], (y[train] - mean) / scale).predict(Z[test])
        squares += ((np.ravel(predicted) * scale + mean - y[test]) ** 2).sum()
        constant += ((mean - y[test]) ** 2).sum()
    return {"error": float(relative_error(squares, constant)), "seconds": clock.typical}


def long_form_classes(make, data, order="sorted"):
    """{"auc", "loss"} over all rows of a fold."""
    y, found, clock = data.y, [], Clock()
    for train, test, Z in long_folds(data, order):
        with clock:
            P = make(data).fit(Z[train], y[train]).predict_proba(Z[test])
        P = (P[0] if isinstance(P, list) else P)[:, 1:]
        found.append(class_scores(P, y[test, None], share_of_ones(y[train, None])))
    return summary_of_classes(np.array(found), clock)
