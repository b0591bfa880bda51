"""Peak memory of a fit to sparse features: far from that of dense ones."""

import json
import sys

import numpy as np

from benchmarks.common.processes import in_a_process, peak_mb
from benchmarks.common.report import Table
from benchmarks.common.timing import Failed

MODULE = "benchmarks.neural.sparse"
N_ROWS, N_FEATURES, DENSITY = 20_000, 20_000, 0.001
DTYPES = ("float32", "float64")


def measure(dtype, seed):
    """MB of dense features, and the peak of fit and predict beyond what was loaded before."""
    import torch
    from scipy import sparse

    from skmtl import MultiTaskMLP

    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    X = sparse.random_array(
        (N_ROWS, N_FEATURES), density=DENSITY, format="csr", dtype=dtype, rng=rng
    )
    score = X @ rng.normal(size=N_FEATURES)
    y = np.column_stack([score, score > 0]).astype(float)
    model = MultiTaskMLP((64,), max_iter=2, random_state=seed, n_threads=1)
    model.fit(X[:300, :50], y[:300])
    before = peak_mb()
    model.fit(X, y).predict(X)
    return {"dense": N_ROWS * N_FEATURES * X.dtype.itemsize / 1e6, "beyond": peak_mb() - before}


def sparse_features(settings):
    """Table of MB for features of single and double precision."""
    title = f"Memory of sparse features ({N_ROWS}, {N_FEATURES}), {DENSITY:.1%} not 0, (64,)"
    columns = ["X", "dense X, MB", "fit and predict, MB"]
    table = Table(title, columns, markdown=settings.markdown)
    for dtype in DTYPES:
        found = in_a_process(MODULE, dtype, settings.seed, timeout=60 * settings.limit)
        if isinstance(found, Failed):
            table.row(dtype, "-", found.why)
        else:
            table.row(dtype, f"{found['dense']:.0f}", f"{found['beyond']:.0f}")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
