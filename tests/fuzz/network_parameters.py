"""Parameters of networks, drawn in pairs and more."""

from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import BALANCING
from skmtl.neural.inputs import PiecewiseLinear
from tests.fuzz.some import some


def network(rng):
    found = {"max_iter": int(rng.integers(1, 6))}
    found.update(
        some(
            rng,
            0.25,
            architecture=lambda: str(rng.choice(sorted(ARCHITECTURES))),
            balancing=lambda: str(rng.choice(sorted(BALANCING))),
            hidden_layer_sizes=lambda: [(4,), (4, 4), ()][rng.integers(3)],
            head_hidden_layer_sizes=lambda: (3,),
        )
    )
    found.update(
        some(
            rng,
            0.15,
            activation=lambda: str(rng.choice(["relu", "tanh", "logistic", "identity", "silu"])),
            linear_skip=lambda: bool(rng.integers(2)),
            feature_scaling=lambda: [None, "robust", "standard", "auto"][rng.integers(4)],
            numeric_embedding=lambda: [
                "auto",
                "piecewise_linear",
                "periodic",
                PiecewiseLinear(3, splits="tree"),
            ][rng.integers(4)],
            dropout=lambda: 0.3,
            normalization=lambda: str(rng.choice(["layer", "batch"])),
            solver=lambda: str(rng.choice(["adam", "adamw", "sgd"])),
            momentum=lambda: float(rng.choice([0.0, 0.5])),
            nesterovs_momentum=lambda: False,
            class_weight=lambda: "balanced",
            learning_rate=lambda: str(
                rng.choice(["constant", "cosine", "one_cycle", "plateau", "auto"])
            ),
            learning_rate_init=lambda: float(rng.choice([1e-4, 0.1])),
            max_grad_norm=lambda: 1.0,
            batch_size=lambda: int(rng.choice([1, 4, 7])),
            early_stopping=lambda: True,
            alpha=lambda: float(rng.choice([0.0, 1.0])),
        )
    )
    return found


def network_search(rng):
    """Of what is the same for all candidates."""
    return some(
        rng,
        0.2,
        cv=lambda: int(rng.choice([2, 3])),
        architecture=lambda: str(rng.choice(sorted(ARCHITECTURES))),
        balancing=lambda: str(rng.choice(sorted(BALANCING))),
        hidden_layer_sizes=lambda: (4, 4),
        head_hidden_layer_sizes=lambda: (3,),
        normalization=lambda: str(rng.choice(["layer", "batch"])),
        class_weight=lambda: "balanced",
    )
