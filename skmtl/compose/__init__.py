"""Estimators made of estimators."""

from skmtl.compose._chain import TaskChain
from skmtl.compose._grouping import TaskGrouping
from skmtl.compose._independent import IndependentTasks
from skmtl.compose._pooled import PooledTasks
from skmtl.compose._stacking import TaskStacking
from skmtl.compose._target_scaler import TargetScaler

__all__ = [
    "IndependentTasks",
    "PooledTasks",
    "TargetScaler",
    "TaskChain",
    "TaskGrouping",
    "TaskStacking",
]
