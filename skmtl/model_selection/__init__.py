"""Splitters that respect tasks and missing labels, and searches that train side by side."""

from skmtl.model_selection._k_fold import MultiTaskKFold
from skmtl.model_selection._shuffle_split import MultiTaskShuffleSplit
from skmtl.model_selection._stacked_search import StackedGridSearchCV, StackedRandomizedSearchCV
from skmtl.model_selection._train_test_split import multitask_train_test_split

__all__ = [
    "MultiTaskKFold",
    "MultiTaskShuffleSplit",
    "StackedGridSearchCV",
    "StackedRandomizedSearchCV",
    "multitask_train_test_split",
]
