"""Data sets for multi-task learning: generators with a known truth, and loaders of real data."""

from skmtl.datasets._classification import make_multitask_classification
from skmtl.datasets._exam import load_exam
from skmtl.datasets._mixed import make_multitask_mixed
from skmtl.datasets._regression import make_multitask_regression
from skmtl.datasets._star import load_star

__all__ = [
    "load_exam",
    "load_star",
    "make_multitask_classification",
    "make_multitask_mixed",
    "make_multitask_regression",
]
