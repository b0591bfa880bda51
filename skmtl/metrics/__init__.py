"""Scores per task over observed labels."""

from skmtl.metrics._make_scorer import make_multitask_scorer
from skmtl.metrics._task_scores import task_scores

__all__ = ["make_multitask_scorer", "task_scores"]
