"""How tasks share a network."""

from skmtl.neural._torch import torch_needed_by

with torch_needed_by("skmtl.neural.architectures"):
    from skmtl.neural.architectures._base import (
        Architecture,
        MultiTaskModule,
        RepresentationModule,
    )
    from skmtl.neural.architectures._cascade import Cascade
    from skmtl.neural.architectures._common_head import CommonHead
    from skmtl.neural.architectures._cross_stitch import CrossStitch
    from skmtl.neural.architectures._custom import Custom
    from skmtl.neural.architectures._ensemble import Ensemble
    from skmtl.neural.architectures._hard_sharing import HardSharing
    from skmtl.neural.architectures._independent import Independent
    from skmtl.neural.architectures._low_rank_heads import LowRankHeads
    from skmtl.neural.architectures._mmoe import MMoE
    from skmtl.neural.architectures._mtan import MTAN
    from skmtl.neural.architectures._ple import PLE
    from skmtl.neural.architectures._sluice import Sluice
    from skmtl.neural.architectures._soft_sharing import SoftSharing
    from skmtl.neural.architectures._spec import NetworkSpec
    from skmtl.neural.architectures._task_attention import TaskAttention
    from skmtl.neural.architectures._task_embedding import TaskEmbedding
    from skmtl.neural.architectures._trace_norm_sharing import TraceNormSharing

ARCHITECTURES: dict[str, type[Architecture]] = {
    architecture.alias: architecture
    for architecture in (
        Cascade,
        CommonHead,
        CrossStitch,
        Ensemble,
        HardSharing,
        Independent,
        LowRankHeads,
        MMoE,
        MTAN,
        PLE,
        Sluice,
        SoftSharing,
        TaskAttention,
        TaskEmbedding,
        TraceNormSharing,
    )
}

__all__ = [
    "MTAN",
    "PLE",
    "Architecture",
    "Cascade",
    "CommonHead",
    "CrossStitch",
    "Custom",
    "Ensemble",
    "HardSharing",
    "Independent",
    "LowRankHeads",
    "MMoE",
    "MultiTaskModule",
    "NetworkSpec",
    "RepresentationModule",
    "Sluice",
    "SoftSharing",
    "TaskAttention",
    "TaskEmbedding",
    "TraceNormSharing",
]
