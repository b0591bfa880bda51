"""What the coefficient matrix W should look like."""

from collections.abc import Callable

from skmtl.linear.penalties._atoms import Atom, NormAtom
from skmtl.linear.penalties._base import Penalty, Sum
from skmtl.linear.penalties._clustered import Clustered
from skmtl.linear.penalties._elastic_net import ElasticNet
from skmtl.linear.penalties._fused import Fused
from skmtl.linear.penalties._graph import Graph
from skmtl.linear.penalties._l1 import L1
from skmtl.linear.penalties._l1inf import L1Inf
from skmtl.linear.penalties._l2 import L2
from skmtl.linear.penalties._l21 import L21
from skmtl.linear.penalties._mean_deviation import MeanDeviation
from skmtl.linear.penalties._quadratic import Quadratic
from skmtl.linear.penalties._row_norm import RowNorm
from skmtl.linear.penalties._sparse_group import SparseGroup
from skmtl.linear.penalties._split import Split
from skmtl.linear.penalties._squared_trace_norm import SquaredTraceNorm
from skmtl.linear.penalties._temporal import Temporal
from skmtl.linear.penalties._trace_norm import TraceNorm

# Aliases that need no further argument, and what they stand for.
PENALTIES: dict[str, Callable[[], Penalty]] = {
    "l2": L2,
    "l1": L1,
    "l21": L21,
    "l1inf": L1Inf,
    "trace_norm": TraceNorm,
    "squared_trace_norm": SquaredTraceNorm,
    "mean_deviation": MeanDeviation,
    "temporal": Temporal,
    "fused": Fused,
    "clustered": Clustered,
    "elastic_net": ElasticNet,
    "sparse_group": SparseGroup,
    "mean": lambda: MeanDeviation(),
    "dirty": lambda: Split(L1Inf(), L1()),
    "robust": lambda: Split(L21(), L21(axis="tasks")),
    "robust_low_rank": lambda: Split(TraceNorm(), L21(axis="tasks")),
    "sparse_low_rank": lambda: Split(L1(), TraceNorm()),
    "temporal_group": lambda: L2() + Temporal() + L21(),
    "fused_sparse_group": lambda: L1() + Fused() + L21(),
}

__all__ = [
    "L1",
    "L2",
    "L21",
    "Atom",
    "Clustered",
    "ElasticNet",
    "Fused",
    "Graph",
    "L1Inf",
    "MeanDeviation",
    "NormAtom",
    "Penalty",
    "Quadratic",
    "RowNorm",
    "SparseGroup",
    "Split",
    "SquaredTraceNorm",
    "Sum",
    "Temporal",
    "TraceNorm",
]
