"""What a network reads of a row: columns on one scale, and what is put beside them."""

from skmtl.neural.inputs._base import NumericEmbedding
from skmtl.neural.inputs._piecewise_linear import PiecewiseLinear

EMBEDDINGS: dict[str, type[NumericEmbedding]] = {
    embedding.alias: embedding for embedding in (PiecewiseLinear,)
}

__all__ = ["NumericEmbedding", "PiecewiseLinear"]
