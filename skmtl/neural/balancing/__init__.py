"""How tasks are weighed while a network trains."""

from skmtl.neural.balancing._base import (
    Balancing,
    GramianBalancing,
    JacobianBalancing,
    LossBalancing,
)
from skmtl.neural.balancing._equal import Equal

BALANCING: dict[str, type[Balancing]] = {method.alias: method for method in (Equal,)}

__all__ = ["Balancing", "Equal", "GramianBalancing", "JacobianBalancing", "LossBalancing"]
