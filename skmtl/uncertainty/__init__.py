"""How sure: intervals that cover, calibrated probabilities, thresholds, which label next."""

from skmtl.uncertainty._calibrated_tasks import CalibratedTasks
from skmtl.uncertainty._conformal import ConformalTasks

__all__ = ["CalibratedTasks", "ConformalTasks"]
