"""The two halves of the package: linear models and kernels, and networks."""

from tests.fuzz.problem import HOLD_OUT, NETWORKS, NETWORKS_CV
from tests.registry import EVERY

HALVES = {
    "linear": sorted(set(EVERY) - NETWORKS - NETWORKS_CV),
    # Beside networks, what is made of one.
    "neural": sorted(NETWORKS | NETWORKS_CV | HOLD_OUT),
}
OFTEN = {
    "linear": {"linear": 5, "linear-regressor": 2, "linear-classifier": 2},
    "neural": {"mlp": 8, "mlp-regressor": 3, "mlp-classifier": 3},
}


def draw_name(rng, half, only=None):
    """Name of an estimator of a half; ``only`` names those to draw from."""
    names = sorted(HALVES[half] if only is None else only)
    often = [float(OFTEN[half].get(name, 1)) for name in names]
    return str(rng.choice(names, p=[share / sum(often) for share in often]))
