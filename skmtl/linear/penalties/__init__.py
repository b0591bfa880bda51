"""What the coefficient matrix W should look like."""

from skmtl.linear.penalties._base import Penalty
from skmtl.linear.penalties._l1 import L1
from skmtl.linear.penalties._l2 import L2
from skmtl.linear.penalties._l21 import L21
from skmtl.linear.penalties._mean_deviation import MeanDeviation
from skmtl.linear.penalties._trace_norm import TraceNorm

PENALTIES: dict[str, type[Penalty]] = {
    penalty.alias: penalty for penalty in (L2, L1, L21, TraceNorm, MeanDeviation)
}

__all__ = ["L1", "L2", "L21", "MeanDeviation", "Penalty", "TraceNorm"]
