"""What a network reads of X, as the parameters of its estimator say."""

from __future__ import annotations

from typing import Any

from scipy import sparse

from skmtl.neural.architectures import Architecture
from skmtl.neural.inputs import PiecewiseLinear
from skmtl.neural.inputs._inputs import Inputs, fit_inputs
from skmtl.neural.training._compare import check_same_network
from skmtl.neural.training._settings import reads_as_is, resolve
from skmtl.tasks._targets import Targets

# Bins of numeric_embedding="auto", one less than the values a column may have (measured).
LEVELS = 15


def read_inputs(
    estimator: Any, architecture: Architecture, X: Any, targets: Targets, before: Inputs | None
) -> Inputs:
    """As before, or fitted to rows with labels."""
    scaling, embedding = estimator.feature_scaling, estimator.numeric_embedding
    if scaling == "auto":
        # A network of the user's reads X as it is.
        scaling = None if reads_as_is(architecture) else "robust"
    if embedding == "auto":
        is_plain = X.ndim == 2 and not sparse.issparse(X) and not reads_as_is(architecture)
        embedding = PiecewiseLinear(LEVELS, splits="values") if is_plain else None
    elif embedding is not None:
        embedding = resolve("numeric_embedding", embedding)
    settings = {
        "feature_scaling": scaling,
        "numeric_embedding": embedding,
        "categorical_features": estimator.categorical_features,
    }
    if before is not None:
        check_same_network(before.settings, settings)
        return before
    categories = vars(estimator).get("_categories", {})
    return fit_inputs(
        X,
        targets,
        feature_scaling=scaling,
        numeric_embedding=embedding,
        categories={j: len(known) for j, known in categories.items()},
        settings=settings,
    )
