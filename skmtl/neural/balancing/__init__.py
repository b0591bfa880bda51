"""How tasks are weighed while a network trains."""

from skmtl.neural._torch import torch_needed_by

with torch_needed_by("skmtl.neural.balancing"):
    from skmtl.neural.balancing._aligned_mtl import AlignedMTL
    from skmtl.neural.balancing._base import (
        Balancing,
        GramianBalancing,
        JacobianBalancing,
        LossBalancing,
    )
    from skmtl.neural.balancing._cagrad import CAGrad
    from skmtl.neural.balancing._config import ConFIG
    from skmtl.neural.balancing._db_mtl import DBMTL
    from skmtl.neural.balancing._dualproj import DualProj
    from skmtl.neural.balancing._dwa import DWA
    from skmtl.neural.balancing._equal import Equal
    from skmtl.neural.balancing._excess_mtl import ExcessMTL
    from skmtl.neural.balancing._fairgrad import FairGrad
    from skmtl.neural.balancing._famo import FAMO
    from skmtl.neural.balancing._geometric_mean import GeometricMean
    from skmtl.neural.balancing._graddrop import GradDrop
    from skmtl.neural.balancing._gradnorm import GradNorm
    from skmtl.neural.balancing._gradvac import GradVac
    from skmtl.neural.balancing._imtl_g import IMTLG
    from skmtl.neural.balancing._imtl_l import IMTLL
    from skmtl.neural.balancing._info import BalancingInfo
    from skmtl.neural.balancing._mgda import MGDA
    from skmtl.neural.balancing._nash_mtl import NashMTL
    from skmtl.neural.balancing._pcgrad import PCGrad
    from skmtl.neural.balancing._random_weights import RandomWeights
    from skmtl.neural.balancing._static import Static
    from skmtl.neural.balancing._stch import STCH
    from skmtl.neural.balancing._uncertainty import Uncertainty
    from skmtl.neural.balancing._upgrad import UPGrad
    from skmtl.neural.balancing._weighting import Weighting

BALANCING: dict[str, type[Balancing]] = {
    method.alias: method
    for method in (
        # From the losses.
        Equal,
        Static,
        Uncertainty,
        DWA,
        RandomWeights,
        GeometricMean,
        STCH,
        FAMO,
        IMTLL,
        # From the Gramian of the gradients.
        PCGrad,
        GradVac,
        CAGrad,
        MGDA,
        NashMTL,
        FairGrad,
        IMTLG,
        AlignedMTL,
        UPGrad,
        DualProj,
        ConFIG,
        GradNorm,
        # From the gradients, entry by entry.
        GradDrop,
        DBMTL,
        ExcessMTL,
    )
}

__all__ = [
    "DBMTL",
    "DWA",
    "FAMO",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "STCH",
    "AlignedMTL",
    "Balancing",
    "BalancingInfo",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "Equal",
    "ExcessMTL",
    "FairGrad",
    "GeometricMean",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GramianBalancing",
    "JacobianBalancing",
    "LossBalancing",
    "NashMTL",
    "PCGrad",
    "RandomWeights",
    "Static",
    "UPGrad",
    "Uncertainty",
    "Weighting",
]
