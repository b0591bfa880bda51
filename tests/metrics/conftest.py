"""Data of three task types."""

import numpy as np
import pytest


@pytest.fixture
def data():
    """Complete labels: y of three types, and features that explain part of each."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    y = pd.DataFrame(
        {
            "length": X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=120),
            "width": X @ [0.0, 1.0, 0.5, 1.0] + rng.normal(size=120),
            "ill": (X[:, 0] + rng.normal(size=120) > 0).astype(int),
            "kind": np.digitize(X[:, 1] + rng.normal(size=120), [-0.5, 0.5]) + 1,
        }
    )
    return X, y


@pytest.fixture
def types():
    return {"length": "regression", "width": "regression", "ill": "binary", "kind": "multiclass"}
