"""Whether sharing helped, which tasks belong together, and what each of them needs."""

from skmtl.inspection._affinity import task_affinity
from skmtl.inspection._conflict import gradient_conflict
from skmtl.inspection._gain import transfer_gain
from skmtl.inspection._gain_result import TransferGain
from skmtl.inspection._importance import task_importance
from skmtl.inspection._importance_result import TaskImportance
from skmtl.inspection._rank import effective_rank
from skmtl.inspection._results import GradientConflict, TaskAffinity
from skmtl.inspection._single_task import SingleTask
from skmtl.inspection.displays import *  # noqa: F403
from skmtl.inspection.displays import __all__ as _displays
from skmtl.inspection.report import MultiTaskReport

__all__ = [
    "GradientConflict",
    "MultiTaskReport",
    "SingleTask",
    "TaskAffinity",
    "TaskImportance",
    "TransferGain",
    "effective_rank",
    "gradient_conflict",
    "task_affinity",
    "task_importance",
    "transfer_gain",
    *_displays,
]
