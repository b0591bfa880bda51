"""What a network reads of a row: columns on one scale, and what is put beside them."""

from skmtl.neural.inputs._base import NumericEmbedding, TrainedEmbedding
from skmtl.neural.inputs._periodic import Periodic
from skmtl.neural.inputs._piecewise_linear import PiecewiseLinear

EMBEDDINGS: dict[str, type[NumericEmbedding | TrainedEmbedding]] = {
    embedding.alias: embedding for embedding in (Periodic, PiecewiseLinear)
}

__all__ = ["NumericEmbedding", "Periodic", "PiecewiseLinear", "TrainedEmbedding"]
