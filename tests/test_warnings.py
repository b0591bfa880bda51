"""Warnings point at the user's line, however deep they arise."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP
from skmtl.tasks import LabelWarning


@pytest.mark.parametrize(
    ("model", "category"),
    [
        (MultiTaskMLP(max_iter=1), ConvergenceWarning),
        (MultiTaskLinear(alpha=1e-3, tol=1e-12, max_iter=1), ConvergenceWarning),
        (MultiTaskLinear(), LabelWarning),
        (IndependentTasks(), LabelWarning),
    ],
)
def test_the_line_of_the_call(model, category):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    if category is LabelWarning:
        Y[:, 1] = np.nan
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    assert [w.filename for w in caught if w.category is category] == [__file__]
