"""Emotions and yeast, as the literature on several labels has them.

Ten folds, shuffled. In %: the Hamming loss (share of wrong labels), the ranking loss (pairs of
a right and a wrong label in the wrong order), and F1 over all labels (micro) or averaged over
labels (macro). A label is predicted where its probability is above one half; only
`ThresholdTasks` chooses other thresholds. CatBoost, scikit-learn's network and `TaskStacking`
run on emotions alone. Ranks of papers that predict labels alone are those of the labels, which
makes their ranking loss large.
"""

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, hamming_loss, label_ranking_loss
from sklearn.model_selection import KFold
from sklearn.multioutput import ClassifierChain

import skmtl
from benchmarks.accuracy import data, ours, peers
from benchmarks.accuracy.protocol import Clock
from benchmarks.published import papers
from benchmarks.published.experiment import Experiment, means, positive, standardised

NAMES = "emotions", "yeast"
TITLE = "{}: losses and F1 of the labels, %"
MEASURES = {
    "Hamming loss": "hamming",
    "ranking loss": "ranking",
    "micro F1": "micro",
    "macro F1": "macro",
}


def setting(name):
    def read(folder):
        full = data.from_folder(f"ml_{name}", limit=data.ALL_ROWS)(folder)
        return standardised(full, KFold(10, shuffle=True, random_state=0).split(full.X))

    return read


def score(Y, p, labels):
    return {
        "hamming": 100 * hamming_loss(Y, labels),
        "ranking": 100 * label_ranking_loss(Y, p),
        "micro": 100 * f1_score(Y, labels, average="micro"),
        "macro": 100 * f1_score(Y, labels, average="macro", zero_division=0),
    }


def measure(make, pairs):
    found, clock = [], Clock()
    for train, test in pairs:
        with clock:
            model = make(train).fit(train.X, train.Y)
            p = positive(model.predict_proba(test.X), test)
            thresholds = isinstance(model, skmtl.ThresholdTasks)
            labels = model.predict(test.X) if thresholds else p > 0.5
        found.append(score(test.Y, p, labels))
    return means(found) | {"seconds": clock.typical}


def chain(part):
    return ClassifierChain(LogisticRegression(max_iter=1000), cv=5, random_state=0)


EXPERIMENT = Experiment(
    about=__doc__,
    sets={name: setting(name) for name in NAMES},
    peers={
        **{
            f"{name} per label": peers.CLASSIFICATION[name]
            for name in ("logistic", "kNN", "MLP", "ExtraTrees", "LightGBM", "CatBoost")
        },
        "classifier chain, logistic": chain,
        "RF, all labels": lambda part: RandomForestClassifier(200, random_state=0),
    },
    ours={
        **{
            name: ours.CLASSIFICATION[name]
            for name in (
                "MultiTaskLinear",
                "MultiTaskKernelRidgeCV",
                "MultiTaskMLP",
                "MultiTaskMLPCV",
                "TaskStacking",
            )
        },
        "ThresholdTasks(MultiTaskMLP)": lambda part: skmtl.ThresholdTasks(
            skmtl.MultiTaskMLP(random_state=0), tasks="binary"
        ),
    },
    only={name: ["emotions"] for name in ("CatBoost per label", "MLP per label", "TaskStacking")},
    measure=measure,
    tables={
        TITLE.format(name): {column: (name.lower(), value) for column, value in MEASURES.items()}
        for name in ("Emotions", "Yeast")
    },
    published={TITLE.format("Emotions"): papers.EMOTIONS, TITLE.format("Yeast"): papers.YEAST},
)
