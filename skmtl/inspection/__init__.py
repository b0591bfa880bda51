"""Whether sharing helped, which tasks belong together, and where their gradients disagree."""

from skmtl.inspection._results import GradientConflict, TaskAffinity, TransferGain

__all__ = ["GradientConflict", "TaskAffinity", "TransferGain"]
