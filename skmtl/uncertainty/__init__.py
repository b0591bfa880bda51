"""How sure: intervals that cover, calibrated probabilities, thresholds, which label next."""

from skmtl.uncertainty._calibrated_tasks import CalibratedTasks

__all__ = ["CalibratedTasks"]
