"""Scores per task over observed labels."""

from skmtl.metrics._calibration_curve import CalibrationCurve, task_calibration_curve
from skmtl.metrics._calibration_error import expected_calibration_error
from skmtl.metrics._d2 import d2_score
from skmtl.metrics._delta_m import delta_m
from skmtl.metrics._explained_variance import explained_variance
from skmtl.metrics._make_scorer import make_multitask_scorer
from skmtl.metrics._multitask_score import multitask_score
from skmtl.metrics._relative_rmse import average_relative_rmse
from skmtl.metrics._task_scores import task_scores

__all__ = [
    "CalibrationCurve",
    "average_relative_rmse",
    "d2_score",
    "delta_m",
    "expected_calibration_error",
    "explained_variance",
    "make_multitask_scorer",
    "multitask_score",
    "task_calibration_curve",
    "task_scores",
]
