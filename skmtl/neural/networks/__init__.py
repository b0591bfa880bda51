"""What a network is before and after its training: a description and arrays."""

from skmtl.neural._torch import imported_on_use

__getattr__ = imported_on_use(
    __name__, {"raw_scores_of": "_predict", "scores_of_models": "_predict"}
)
