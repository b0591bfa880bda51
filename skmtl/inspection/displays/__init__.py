"""Displays: pictures of tasks, of what they share and of how they are learned.

Each follows scikit-learn's manner: a class method `from_estimator` computes and draws, `plot`
draws again. matplotlib is imported only then. Figures of your own should make room for names:
``plt.subplots(layout="constrained")``.
"""

from skmtl.inspection.displays._coefficient_map import CoefficientMapDisplay
from skmtl.inspection.displays._coverage import LabelCoverage
from skmtl.inspection.displays._gradient_conflict import GradientConflictDisplay
from skmtl.inspection.displays._interval_coverage import IntervalCoverageDisplay
from skmtl.inspection.displays._label_coverage import LabelCoverageDisplay
from skmtl.inspection.displays._learning_curve import TaskLearningCurveDisplay
from skmtl.inspection.displays._path import RegularizationPathDisplay
from skmtl.inspection.displays._predicted import PredictedTask
from skmtl.inspection.displays._task_affinity import TaskAffinityDisplay
from skmtl.inspection.displays._task_calibration import TaskCalibrationDisplay
from skmtl.inspection.displays._task_importance import TaskImportanceDisplay
from skmtl.inspection.displays._task_prediction import TaskPredictionDisplay
from skmtl.inspection.displays._task_weight import TaskWeightDisplay
from skmtl.inspection.displays._transfer_gain import TransferGainDisplay

__all__ = [
    "CoefficientMapDisplay",
    "GradientConflictDisplay",
    "IntervalCoverageDisplay",
    "LabelCoverage",
    "LabelCoverageDisplay",
    "PredictedTask",
    "RegularizationPathDisplay",
    "TaskAffinityDisplay",
    "TaskCalibrationDisplay",
    "TaskImportanceDisplay",
    "TaskLearningCurveDisplay",
    "TaskPredictionDisplay",
    "TaskWeightDisplay",
    "TransferGainDisplay",
]
