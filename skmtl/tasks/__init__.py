"""What a task is, and how labels become numbers and numbers become labels."""

from skmtl._warnings import LabelWarning
from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._classes import UnseenLabelError
from skmtl.tasks._count import Count
from skmtl.tasks._multiclass import Multiclass
from skmtl.tasks._regression import Regression
from skmtl.tasks._stack import stack_tasks, unstack_tasks

__all__ = [
    "Binary",
    "Count",
    "LabelWarning",
    "Multiclass",
    "Regression",
    "Task",
    "UnseenLabelError",
    "stack_tasks",
    "unstack_tasks",
]
