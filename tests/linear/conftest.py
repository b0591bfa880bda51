"""Small problems for the linear half."""

import numpy as np
import pytest

from skmtl.linear.penalties import (
    L1,
    L2,
    L21,
    PENALTIES,
    Clustered,
    Fused,
    L1Inf,
    MeanDeviation,
    NormAtom,
    Quadratic,
    Split,
    SquaredTraceNorm,
    TraceNorm,
)


@pytest.fixture
def regression_data():
    """X (40, 5) that is not centred, complete Y (40, 3) of related tasks."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 1, -1, 3, 0], size=(40, 5))
    W = rng.normal(size=(5, 1)) + 0.5 * rng.normal(size=(5, 3))
    return X, X @ W + [1.0, -2.0, 5.0] + 0.5 * rng.normal(size=(40, 3))


@pytest.fixture
def mixed_data(regression_data):
    """X, Y with a score, a yes/no, a class and a count, a quarter of the labels missing."""
    rng = np.random.default_rng(1)
    X, Y = regression_data
    Y = np.column_stack(
        [
            Y[:, 0],
            Y[:, 1] > np.median(Y[:, 1]),
            np.digitize(Y[:, 2], np.quantile(Y[:, 2], [0.3, 0.6])),
            rng.poisson(np.exp(0.3 * X[:, 0])),
        ]
    )
    Y[rng.random(Y.shape) < 0.25] = np.nan
    return X, Y


def aliases(holds):
    """Aliases of the penalties with parts whose atoms, quadratic ones and others, all hold."""
    found = []
    for alias, make in PENALTIES.items():
        parts = [part.atoms() for part in make().parts()]
        by_kind = [[[a for a in p if isinstance(a, Quadratic) == q] for q in (1, 0)] for p in parts]
        if all(holds(*kinds) for kinds in by_kind):
            found.append(alias)
    return sorted(found)


# Penalties that say nothing of tasks go with any mix of types; the others compare tasks, which
# needs equal numbers of outputs.
PLAIN = aliases(lambda quadratic, others: not any(a.over_tasks for a in [*quadratic, *others]))
QUADRATIC = aliases(lambda quadratic, others: not others)
# Sums over rows, with a ridge or none: those that block descent takes.
BY_ROWS = aliases(
    lambda quadratic, others: (
        others
        and all(type(a) in (L1, L21) and not a.over_tasks for a in others)
        and all(type(a) is L2 for a in quadratic)
    )
)
# Those that some alpha makes vanish, but for what they leave free.
VANISHING = aliases(
    lambda quadratic, others: others and all(isinstance(a, NormAtom) for a in others)
)
POSITIVE = aliases(lambda quadratic, others: others and all(a.allows_positive for a in others))
# Sums whose joint prox is not known: the solvers see several pieces.
PIECES = {
    "l1+trace": L1() + TraceNorm(),
    "l21+linf": L21() + 0.5 * L1Inf(),
    "l21+trace": L21() + TraceNorm(),
    "fused+trace": Fused() + TraceNorm(),
    "l1+outliers": L1() + L21(axis="tasks"),
    "fused+fused": Fused() + 0.5 * Fused(),
    "mean+fused+l1+trace": MeanDeviation() + Fused() + 0.3 * L1() + TraceNorm(),
    "l2+l1+trace": 0.5 * L2() + L1() + TraceNorm(),
    "squared_trace+l1": SquaredTraceNorm() + L1(),
    "clustered+l1": 0.2 * Clustered() + L1(),
    "split-of-groups": Split(L1() + 0.5 * TraceNorm(), L21(axis="tasks") + L21()),
}
MIXED = ["regression", "binary", "multiclass", "count"]
