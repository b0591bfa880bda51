"""What a task is, and how labels become numbers and numbers become labels."""

from skmtl._warnings import LabelWarning
from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._censored import censored
from skmtl.tasks._classes import UnseenLabelError
from skmtl.tasks._count import Count
from skmtl.tasks._cox import Cox
from skmtl.tasks._discrete_hazards import DiscreteHazards
from skmtl.tasks._gamma import Gamma
from skmtl.tasks._infer import infer
from skmtl.tasks._multiclass import Multiclass
from skmtl.tasks._negative_binomial import NegativeBinomial
from skmtl.tasks._number import NumberTask
from skmtl.tasks._ordinal import Ordinal
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._regression import Regression
from skmtl.tasks._stack import stack_tasks, unstack_tasks
from skmtl.tasks._survival import Survival
from skmtl.tasks._table import TaskTable
from skmtl.tasks._tweedie import Tweedie

# What stands behind the aliases, in the order in which "auto" asks whether labels suit.
TASK_TYPES: dict[str, type[Task]] = {
    "regression": Regression,
    "binary": Binary,
    "ordinal": Ordinal,
    "multiclass": Multiclass,
    "count": Count,
    "gamma": Gamma,
    "tweedie": Tweedie,
    "negative_binomial": NegativeBinomial,
    "survival": Survival,
    "quantile": Quantile,
    "discrete_hazards": DiscreteHazards,
    "cox": Cox,
}

__all__ = [
    "Binary",
    "Count",
    "Cox",
    "DiscreteHazards",
    "Gamma",
    "LabelWarning",
    "Multiclass",
    "NegativeBinomial",
    "NumberTask",
    "Ordinal",
    "Quantile",
    "Regression",
    "Survival",
    "Task",
    "TaskTable",
    "Tweedie",
    "UnseenLabelError",
    "censored",
    "infer",
    "stack_tasks",
    "unstack_tasks",
]
