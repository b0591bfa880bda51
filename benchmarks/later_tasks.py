"""Tox21: an assay that comes later, learned from 20 molecules.

Every assay is left out in turn. Models of the other eleven are trained on half of the molecules;
then the assay is added to them with 20 labels of that half, and scored on the other half. Beside
that, models of their own of the same 20 labels. Draws are of ten molecules of each class, or plain
(drawn again if only one class is among them). Prints mean ROC-AUC over assays and draws.

    python benchmarks/later_tasks.py --data ../shared/data/tox21/tox21.npz
"""

import argparse
import platform
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

import skmtl
from skmtl import MultiTaskLinearClassifier, MultiTaskMLPClassifier

KINDS = {
    "MultiTaskLinearClassifier": MultiTaskLinearClassifier,
    "MultiTaskMLPClassifier": lambda: MultiTaskMLPClassifier(random_state=0),
}
OWN = {
    **KINDS,
    "LogisticRegression": lambda: LogisticRegression(max_iter=1000),
    "MLPClassifier": lambda: MLPClassifier(random_state=0),
}


def draw(y, rows, form, n_labels, rng):
    """Rows whose labels the new task has."""
    rows = rows[~np.isnan(y[rows])]
    if form == "of each class":
        parts = [rng.choice(rows[y[rows] == k], n_labels // 2, replace=False) for k in (0, 1)]
        return np.concatenate(parts)
    while True:
        found = rng.choice(rows, n_labels, replace=False)
        if len(np.unique(y[found])) == 2:
            return found


def auc_of_own(make, X, y, few, test):
    return roc_auc_score(y[test], make().fit(X[few], y[few]).predict_proba(X[test])[:, 1])


def auc_of_added(model, X, y, few, test, before):
    """Of a fitted model with one task more; what it predicts of the others must not change."""
    model.add_task(X[few], y[few], name="new")
    found = model.predict_proba(X[test])
    model.drop_task("new")
    if not all((ours == theirs).all() for ours, theirs in zip(found, before, strict=False)):
        raise AssertionError("predictions of other tasks have changed")
    return roc_auc_score(y[test], found[-1][:, 1])


def tell(scores):
    for (form, kind, name), by_assay in scores.items():
        means = np.array([np.mean(found) for found in by_assay.values()])
        each = " ".join(f"{100 * mean:.0f}" for mean in means)
        print(f"{form:14} {kind:6} {name:26} {100 * means.mean():5.1f}   {each}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data/tox21/tox21.npz")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--own", nargs="+", default=list(OWN), help="models of their own")
    parser.add_argument("--forms", nargs="+", default=["of each class", "plain"])
    parser.add_argument("--assays", type=int, nargs="+", default=list(range(12)))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    data = np.load(arguments.data, allow_pickle=True)
    X = np.unpackbits(data["X_packed"], axis=1)[:, :1024].astype(float)
    Y = data["Y"].astype(float)
    train, test = np.array_split(np.random.default_rng(0).permutation(len(X)), 2)
    print(
        f"Tox21 {X.shape}, {Y.shape[1]} assays; skmtl {skmtl.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    )
    scores = {}
    for assay in arguments.assays:
        y, others = Y[:, assay], np.delete(Y, assay, axis=1)
        models = {name: make().fit(X[train], others[train]) for name, make in KINDS.items()}
        scored = test[~np.isnan(y[test])]
        before = {name: model.predict_proba(X[scored]) for name, model in models.items()}
        for form in arguments.forms:
            for number in range(arguments.draws):
                rng = np.random.default_rng([assay, number])
                few = draw(y, train, form, arguments.labels, rng)
                found = {
                    ("own", name): auc_of_own(make, X, y, few, scored)
                    for name, make in OWN.items()
                    if name in arguments.own
                }
                for name, model in models.items():
                    key = "added", name
                    found[key] = auc_of_added(model, X, y, few, scored, before[name])
                for key, area in found.items():
                    scores.setdefault((form, *key), {}).setdefault(assay, []).append(area)
        print("assays so far:", len(next(iter(scores.values()))))
        tell(scores)


if __name__ == "__main__":
    main()
