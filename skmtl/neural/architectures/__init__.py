"""How tasks share a network."""

from skmtl.neural.architectures._base import (
    Architecture,
    MultiTaskModule,
    RepresentationModule,
)
from skmtl.neural.architectures._hard_sharing import HardSharing

ARCHITECTURES: dict[str, type[Architecture]] = {
    architecture.alias: architecture for architecture in (HardSharing,)
}

__all__ = ["Architecture", "HardSharing", "MultiTaskModule", "RepresentationModule"]
