"""Data and estimators that the tests of the report share."""

import numpy as np
import pandas as pd

from skmtl import MultiTaskLinear, MultiTaskMLP

HOSTILE = [
    "<script>window.hostile = 1</script>",
    "\"><img src=x onerror='window.hostile = 1'>",
    "</style></title></textarea>",
    "a & b &amp; <!-- c",
    "' onmouseover='window.hostile=1",
    "$table ${script} {0} %s",
    "",
    "\u202eright to left\x00\x07",
]


def mixed_data(n=120, seed=0):
    """Tasks of all types, a third of the labels missing, patients as rows."""
    rng = np.random.default_rng(seed)
    rows = [f"patient {i}" for i in range(n)]
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["age", "dose", "a<b>&c"], index=rows)
    z = X["age"] - X["dose"]
    y = pd.DataFrame(
        {
            "pressure": 120 + 10 * z + rng.normal(size=n),
            "relapse": np.where(z + rng.normal(size=n) > 0, "no", "yes"),
            "stage": np.array(["I", "II", "III"])[np.digitize(z + rng.normal(size=n), [-1, 1])],
            "visits": rng.poisson(np.exp(0.3 * z)).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


def hostile_data(n=80):
    """Names of tasks, features, rows and classes that break a page that trusts them."""
    rng = np.random.default_rng(0)
    rows = [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(n)]
    X = pd.DataFrame(rng.normal(size=(n, len(HOSTILE))), columns=HOSTILE, index=rows)
    values = rng.normal(size=(n, len(HOSTILE))) + X.to_numpy()
    y = pd.DataFrame(values, columns=HOSTILE).mask(rng.random(values.shape) < 0.2)
    y["classes"] = [HOSTILE[i] for i in rng.integers(3, size=n)]
    return X, y


def linear(**parameters):
    return MultiTaskLinear(**{"penalty": "l2", "alpha": 0.05, "tol": 1e-3, **parameters})


def network(**parameters):
    given = {"hidden_layer_sizes": (8,), "max_iter": 5, "tol": 0, "random_state": 0}
    return MultiTaskMLP(**{**given, **parameters})
