"""What papers report, as printed there, and how it came here.

``read``: at the source that is named. ``second hand``: in a text about the source.
``recalled``: from memory, not checked; for orientation.
"""

from dataclasses import dataclass

READ, SECOND_HAND, RECALLED = "read", "second hand", "recalled"


@dataclass(frozen=True)
class Source:
    """A paper or page, with what is read in it."""

    name: str
    how: str


@dataclass(frozen=True)
class Published:
    """What a source reports of one method: {column: as printed there}."""

    method: str
    found: dict
    source: Source


def rows(source, column, found):
    """A row per method of {method: number}, all in one column."""
    return tuple(Published(method, {column: value}, source) for method, value in found.items())


SURVEY = Source(
    "Zhang and Yang, A survey on multi-task learning, IEEE TKDE 2021 (arXiv 1707.08114), table 1; "
    "it has no sizes of training parts",
    READ,
)
ARGYRIOU = Source(
    "Argyriou, Evgeniou and Pontil, Convex multi-task feature learning, Machine Learning 2008",
    RECALLED,
)
EVGENIOU = Source(
    "Evgeniou and Pontil, Regularized multi-task learning, KDD 2004, table 3, in two public "
    "summaries of the paper that agree",
    SECOND_HAND,
)
CHEN = Source(
    "Chen, Zhou and Ye, Integrating low-rank and group-sparse structures for robust multi-task "
    "learning, KDD 2011",
    RECALLED,
)
MTRL = Source(
    "Zhang and Yeung, A convex formulation for learning task relationships, UAI 2010", RECALLED
)
DEEPCHEM = Source("DeepChem, README of 2017, Performances: ROC-AUC of the validation part", READ)
MOLECULENET = Source(
    "Wu et al., MoleculeNet, Chemical Science 2018: ROC-AUC of the test part", RECALLED
)
XIOUFIS = Source(
    "Spyromitros-Xioufis et al., Multi-target regression via input space expansion, Machine "
    "Learning 2016",
    RECALLED,
)
WITHERS = Source(
    "Withers, Empirical analysis of regularized multi-task learning, dissertation 2019, and its "
    "code, github.com/Joe-Withers/empirical-analysis-of-MTL",
    READ,
)
TROHIDIS = Source(
    "Trohidis et al., Multi-label classification of music into emotions, ISMIR 2008", RECALLED
)
MLKNN = Source("Zhang and Zhou, ML-kNN, Pattern Recognition 2007", RECALLED)
MADJAROV = Source(
    "Madjarov et al., An extensive experimental comparison of methods for multi-label learning, "
    "Pattern Recognition 2012; one split into training and test part",
    RECALLED,
)

ALL_ROWS = "75 %, all rows"
SCHOOL = (
    *rows(
        EVGENIOU,
        ALL_ROWS,
        {
            "an SVM per school": "11.9 ± 0.5",
            "task clustering of Bakker and Heskes": "29.5 ± 0.4",
            "multi-task SVM": "34.3 ± 0.3",
        },
    ),
    *rows(
        ARGYRIOU,
        ALL_ROWS,
        {
            "multi-task feature learning, linear": "37.1 ± 1.5",
            "multi-task feature learning, RBF": "37.6 ± 1.0",
        },
    ),
)
SARCOS = (
    *rows(
        SURVEY,
        "size not told",
        {
            "single tasks": "0.182",
            "multi-task feature learning": "0.157",
            "trace norm": "0.153",
            "dirty model": "0.150",
            "sparse and low-rank": "0.146",
        },
    ),
    Published("single tasks", {"50 rows": "0.245", "100 rows": "0.182", "150 rows": "0.150"}, CHEN),
    *rows(MTRL, "600 rows", {"task relationships, RBF": "0.094"}),
)
MOLECULES_COLUMNS = tuple(
    f"{name}, {split}" for name in ("tox21", "clintox") for split in ("index", "random", "scaffold")
)
MOLECULES = tuple(
    Published(method, dict(zip(MOLECULES_COLUMNS, numbers.split(), strict=True)), DEEPCHEM)
    for method, numbers in {
        "logistic regression": "70.5 73.5 67.6 68.3 73.4 68.7",
        "random forest": "73.6 76.3 66.5 76.3 73.0 66.4",
        "XGBoost": "75.3 77.3 70.3 89.0 73.1 85.0",
        "multi-task network": "76.8 75.4 72.5 83.2 79.3 82.5",
        "robust multi-task network": "76.6 75.5 72.4 84.0 81.8 82.1",
        "graph convolution": "81.4 83.2 76.4 81.2 90.8 84.7",
    }.items()
)
SINGLE_TARGETS = {"slump": "68.9", "edm": "74.4", "sf1": "113.6", "jura": "58.7", "enb": "11.7"}
CHAINS = {"slump": "70.2", "edm": "74.5", "jura": "59.0", "atp1d": "37.2", "oes97": "52.2"}
MULTI_TARGET = (
    Published("single targets, bagged trees", SINGLE_TARGETS, XIOUFIS),
    Published("ensemble of regressor chains", CHAINS, XIOUFIS),
)
LANDMINE = rows(
    SURVEY,
    "size not told",
    {
        "single tasks": "74.6",
        "clustered tasks": "75.9",
        "with whom to share": "76.7",
        "task relationships": "76.1",
        "output kernel": "76.8",
        "latent task structure": "76.4",
    },
)
COMPUTER = (
    *rows(
        SURVEY,
        "size not told",
        {
            "single tasks": "2.381",
            "clustered tasks": "2.072",
            "task relationships": "2.110",
            "dirty model": "2.138",
            "sparse and low-rank": "2.052",
            "robust low-rank": "2.074",
        },
    ),
    *rows(
        ARGYRIOU,
        "8 profiles",
        {"single tasks": "3.88", "one model": "2.35", "multi-task feature learning": "1.93"},
    ),
)
PARKINSONS = tuple(
    Published(method, {"90 %, MSE": nine, "50 %, MSE": five}, WITHERS)
    for method, nine, five in (
        ("ridge per patient", "6.40", "6.00"),
        ("lasso", "6.40", "6.04"),
        ("l2,1 norm", "6.30", "6.03"),
        ("trace norm", "6.41", "6.02"),
        ("mean-regularised", "6.64", "6.32"),
        ("dirty model", "6.76", "6.47"),
    )
)
EMOTIONS = (
    Published(
        "SVM per label",
        {"Hamming loss": "19.4", "ranking loss": "45.2", "micro F1": "65.3", "macro F1": "60.0"},
        TROHIDIS,
    ),
    Published(
        "RAkEL",
        {"Hamming loss": "18.5", "ranking loss": "26.4", "micro F1": "70.0", "macro F1": "67.7"},
        TROHIDIS,
    ),
    Published(
        "ML-kNN",
        {"Hamming loss": "26.2", "ranking loss": "26.0", "micro F1": "47.4", "macro F1": "37.2"},
        TROHIDIS,
    ),
    Published("forest of clustering trees", {"Hamming loss": "18.9"}, MADJAROV),
)
YEAST = (
    Published("ML-kNN", {"Hamming loss": "19.4 ± 1.0", "ranking loss": "16.7 ± 1.6"}, MLKNN),
    Published("SVM per label", {"Hamming loss": "19.0"}, MADJAROV),
    Published("forest of clustering trees", {"Hamming loss": "19.7"}, MADJAROV),
)
