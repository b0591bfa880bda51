"""How sure: intervals that cover, calibrated probabilities, thresholds, which label next."""

from skmtl.uncertainty._calibrated_tasks import CalibratedTasks
from skmtl.uncertainty._conformal import ConformalTasks
from skmtl.uncertainty._label_value import label_value
from skmtl.uncertainty._threshold_tasks import ThresholdTasks

__all__ = ["CalibratedTasks", "ConformalTasks", "ThresholdTasks", "label_value"]
